"""``python -m seatrial.compliance``: check the files of the project; 0 if all is well, 1 if not, 2 for bad waivers.

What was found is also written to ``reports/static.json``, by control of a standard.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from seatrial.compliance.checkov import LOOKS, CheckovFailed, look, project
from seatrial.compliance.findings import judge, read_finding_waivers
from seatrial.compliance.standards import Standing, as_document, read_controls, stand
from seatrial.errors import UsageError
from seatrial.progress import open_progress

_BAD_INPUT = 2


def main() -> int:
    """Look, hold the waivers against what was found, and say what is left."""
    root = project()
    try:
        controls = read_controls(root / "infra" / "standards.toml")
        waivers = read_finding_waivers(root / "infra" / "waivers.toml", datetime.now(UTC).date())
        checked = look(root, open_progress())
    except UsageError as error:
        sys.stderr.write(f"seatrial: {error}\n")
        return _BAD_INPUT
    except CheckovFailed as error:
        sys.stderr.write(f"seatrial: {error}\n")
        return 1
    outcome = judge(checked, waivers, [kind for kinds in LOOKS.values() for kind in kinds])
    results = stand(controls, outcome)
    for line in (*map(str, results), *outcome.lines()):
        sys.stdout.write(f"{line}\n")
    file = root / "reports" / "static.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(as_document(results), indent=2) + "\n", encoding="utf-8")
    well = outcome.well and all(one.standing is not Standing.UNSEEN for one in results)
    sys.stdout.write(
        f"{len(waivers)} findings are waived. {len(results)} controls are in {file}."
        f" {'All is well.' if well else 'Not all is well.'}\n"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
