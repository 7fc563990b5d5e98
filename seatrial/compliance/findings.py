"""Findings of checkov, and waivers for them: each finding is mended or explained, and each explanation is needed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from seatrial.audit.records import LONGEST_WAIVER, Waiver
from seatrial.evidence.entries import read_by_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from seatrial.evidence.entries import Entry

_KEYS = ("id", "resource", "reason", "owner", "expiry")
_MODULES = re.compile(r"^(?:module\.[\w-]+\.)+")


@dataclass(frozen=True, order=True)
class Finding:
    """What one *check* holds against one *resource* (``FILE::NAME``, or a file alone), and its *title* in words."""

    check: str
    resource: str
    title: str

    @property
    def id(self) -> str:
        """By which a waiver names it."""
        return f"{self.check} {self.resource}"


@dataclass(frozen=True)
class Checked:
    """What came of one kind of files: how many things were looked at, how often each check passed, what was found."""

    kind: str
    things: int
    passes: Mapping[str, int]
    unread: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> int:
        """How many checks passed, of all together."""
        return sum(self.passes.values())


def read_report(report: Mapping[str, Any], root: Path) -> Checked:
    """Read checkov's report, as JSON, on one kind of files below *root*."""
    summary = report["summary"]
    found = {_finding(failed, report["check_type"], root) for failed in report["results"]["failed_checks"]}
    return Checked(
        report["check_type"],
        summary["resource_count"],
        Counter(passed["check_id"] for passed in report["results"]["passed_checks"]),
        summary["parsing_errors"],
        tuple(sorted(found)),
    )


def _finding(failed: Mapping[str, Any], kind: str, root: Path) -> Finding:
    absolute: str = failed["file_abs_path"]
    file = absolute.removeprefix(f"{root}/")
    name: str = failed["resource"]
    # A Dockerfile's instruction carries the file's name before its own; a resource, those of the modules around it.
    name = name.removeprefix(f"/{file}.").removeprefix(f"/{file}") if kind == "dockerfile" else _MODULES.sub("", name)
    return Finding(failed["check_id"], f"{file}::{name}" if name else file, failed["check_name"])


def read_finding_waivers(file: Path, today: date) -> Mapping[str, Waiver]:
    """Return the waivers in *file*, by the id of the finding that each is for.

    Raises UsageError, with a sentence per line, if one lacks something, has expired before *today*, is for more than
    180 days from it, or stands there twice.
    """

    def read(entry: Entry, _: Path) -> tuple[str, Waiver]:
        check = entry.text("id", "CKV_AWS_1")
        resource = entry.text("resource", "FILE::NAME")
        reason = entry.text("reason", "why it can be lived with")
        owner = entry.text("owner", "who decided that")
        expiry = entry.day("expiry")
        if not entry.troubles:
            if expiry < today:
                entry.complain(f"it expired after {expiry}: mend what it is for, or decide anew")
            if expiry - today > LONGEST_WAIVER:
                last = today + timedelta(days=LONGEST_WAIVER.days)
                entry.complain(f"it expires on {expiry}, too far ahead: write {last} at the latest")
        return f"{check} {resource}", Waiver(reason, owner, expiry.isoformat())

    return read_by_id([file], "waiver", _KEYS, read, "waived")


@dataclass(frozen=True)
class Outcome:
    """What is left of findings when waivers are held against them; *blind* says where nothing could be seen."""

    checked: tuple[Checked, ...]
    unexplained: tuple[Finding, ...]
    needless: tuple[str, ...]
    blind: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether each finding is explained, each explanation needed, and something was seen of each kind of files."""
        return not (self.unexplained or self.needless or self.blind)

    def lines(self) -> Sequence[str]:
        """Say it, a line each."""
        said = [
            f"{one.kind}: {one.things} things, {one.passed} checks passed, {len(one.findings)} findings"
            for one in self.checked
        ]
        said += [f"nothing can be said of {blind}" for blind in self.blind]
        said += [f"not explained: {one.check} on {one.resource}: {one.title}" for one in self.unexplained]
        said += [f"a waiver that nothing needs: {identifier}: remove it" for identifier in self.needless]
        return said


def judge(checked: Iterable[Checked], waivers: Mapping[str, Waiver], kinds: Iterable[str]) -> Outcome:
    """Hold *waivers* against what was found in files of each of the *kinds*."""
    seen = tuple(checked)
    things: Counter[str] = Counter()
    for one in seen:
        things[one.kind] += one.things
    found = {finding.id: finding for one in seen for finding in one.findings}
    blind = [f"{kind} files: none was seen" for kind in kinds if not things[kind]]
    blind += [f"{one.unread} {one.kind} files: they could not be read" for one in seen if one.unread]
    return Outcome(
        seen,
        tuple(finding for identifier, finding in sorted(found.items()) if identifier not in waivers),
        tuple(sorted(waivers.keys() - found.keys())),
        tuple(blind),
    )
