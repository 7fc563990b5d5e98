"""``python -m seatrial.compliance``: check the files of the project; 0 if all is well, 1 if not, 2 for bad waivers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from seatrial.compliance.checkov import LOOKS, CheckovFailed, look, project
from seatrial.compliance.findings import judge, read_finding_waivers
from seatrial.errors import UsageError
from seatrial.progress import open_progress

_BAD_INPUT = 2


def main() -> int:
    """Look, hold the waivers against what was found, and say what is left."""
    root = project()
    try:
        waivers = read_finding_waivers(root / "infra" / "waivers.toml", datetime.now(UTC).date())
        checked = look(root, open_progress())
    except UsageError as error:
        sys.stderr.write(f"seatrial: {error}\n")
        return _BAD_INPUT
    except CheckovFailed as error:
        sys.stderr.write(f"seatrial: {error}\n")
        return 1
    outcome = judge(checked, waivers, [kind for kinds in LOOKS.values() for kind in kinds])
    for line in outcome.lines():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(waivers)} findings are waived. {'All is well.' if outcome.well else 'Not all is well.'}\n")
    return 0 if outcome.well else 1


if __name__ == "__main__":
    sys.exit(main())
