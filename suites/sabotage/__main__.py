"""`python -m suites.sabotage`: break one control after the other, and see that the features go red for each.

0: at least 95 of 100 were caught, and none was missed for want of evidence; 1: not so; 2: bad input; 130: interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from seatrial.ending import GoodOrder, end_with
from seatrial.errors import UsageError
from seatrial.progress import open_progress
from suites.sabotage.judging import Finding, Outcome, ends_well, judged, rate
from suites.sabotage.listing import SABOTAGES, chosen
from suites.sabotage.running import ROOT, features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seatrial.audit import ScenarioRecord
    from seatrial.progress import Progress
    from suites.sabotage.declaration import Sabotage
    from suites.sabotage.running import Ended

_NOT_ALL_CAUGHT, _BAD_INPUT, _INTERRUPTED = 1, 2, 130
# The shortest scenario that deploys the shop.
_DEPLOYS = "features/infrastructure/ingress.feature::All else is the storefront's"
_REPORTS = ROOT / "reports" / "sabotage"
_WIDTH = 140
_TWINS = timedelta(hours=1)
_COLOURS = {Outcome.CAUGHT: "green", Outcome.MISSED: "red", Outcome.UNJUDGED: "yellow"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="nox -s sabotage --", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and break nothing")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this one; may be repeated")
    parser.add_argument("--all", action="store_true", help="also those that take several minutes each")
    parser.add_argument("--runs", type=_path, default=_REPORTS, help="folder for what runs leave")
    options = parser.parse_args(arguments)
    console = _console()
    progress = open_progress()
    put_back = GoodOrder(progress.say).install()
    try:
        sabotages = chosen(options.only, slow=options.all)
        if options.list:
            _print_list(console)
            return 0
        end_with(int(os.environ.get("SEATRIAL_LAUNCHER", "0")))
        findings = _run(sabotages, options.runs, progress)
    except UsageError as error:
        sys.stderr.write(f"seatrial: {error}\n")
        return _BAD_INPUT
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        put_back()
    _print(findings, options.runs, console)
    return 0 if ends_well(findings.values()) else _NOT_ALL_CAUGHT


def _run(sabotages: Sequence[Sabotage], runs: Path, progress: Progress) -> Mapping[str, Finding]:
    """Run each of *sabotages* and then, without any, all scenarios that had to see one; that mends the shop as well."""
    broken: dict[str, Mapping[str, ScenarioRecord]] = {}
    sights = dict.fromkeys(sight.id for each in sabotages for sight in each.sights)
    mended = True
    try:
        for number, each in enumerate(sabotages, start=1):
            mended = mended and each.change is None
            with progress.phase(f"{number} of {len(sabotages)}, {each.name}: {each.breaks}"):
                ended = features(runs / each.name, "--sabotage", each.name)
            broken[each.name] = ended.scenarios
            _say(each.name, ended, progress)
        with progress.phase(f"The same {len(sights)} scenarios without any sabotage"):
            ended = features(runs / "sound", *(f"--sight={one}" for one in sights), within=_TWINS)
        _say("without any sabotage", ended, progress)
        mended = mended or bool(ended.scenarios)
    finally:
        if not mended:
            _mend(runs, progress)
    return judged(sabotages, broken, ended.scenarios)


def _mend(runs: Path, progress: Progress) -> None:
    """Deploy the shop as it is meant to be; where that does not succeed, the next run of features does it."""
    try:
        with progress.phase("Mending the shop"):
            [done] = features(runs / "mended", f"--sight={_DEPLOYS}").scenarios.values()
    except (UsageError, ValueError):
        progress.say("The shop could not be mended; the next run of features deploys it anew.")
    else:
        progress.say(f"The shop is mended: {done.name!r} {done.verdict}.")


def _path(text: str) -> Path:
    # nox starts its commands in the project's folder, whatever folder the person was in.
    return Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."), text).absolute()


def _say(what: str, ended: Ended, progress: Progress) -> None:
    """Say how each scenario went and, where none was run, what the run said last."""
    if not ended.scenarios:
        progress.say(f"{what}: no scenario was run (code {ended.code})\n{ended.last}")
    for one in ended.scenarios.values():
        progress.say(f"{what}: {one.name!r} {one.verdict}{f': {one.reason}' if one.reason else ''}")


def _console() -> Console:
    """Return where tables are printed: as wide as the terminal, or as a log can well be read."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def _print_list(console: Console) -> None:
    table = Table(Column("name", no_wrap=True), "what is broken", "what has to see it", "")
    for each in SABOTAGES.values():
        scenarios = "\n".join(sight.scenario for sight in each.sights)
        table.add_row(each.name, each.breaks, scenarios, "slow" if each.slow else "")
    console.print(table)


def _print(findings: Mapping[str, Finding], runs: Path, console: Console) -> None:
    table = Table(Column("sabotage", no_wrap=True), Column("found", no_wrap=True), "why")
    for name, finding in findings.items():
        colour = _COLOURS[finding.outcome]
        table.add_row(name, Text(finding.outcome, style=colour), Text("\n".join(finding.reasons)))
    console.print(table)
    outcomes = [finding.outcome for finding in findings.values()]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome)
    console.print(f"{len(outcomes)} sabotages: {counts}. Detection rate {rate(findings.values()):.1%}.")
    console.print(f"Evidence in {runs}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
