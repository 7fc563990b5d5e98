"""Controls of standards: which static checks look at each, and what they say together."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.evidence.entries import read_by_id
from seatrial.requirements import register

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from seatrial.compliance.findings import Outcome
    from seatrial.evidence.entries import Entry

_KEYS = ("id", "title", "requirements", "checks")


@dataclass(frozen=True)
class Control:
    """What a standard asks for, the requirements that it supports, and the *checks* that look at it."""

    id: str
    title: str
    requirements: tuple[str, ...]
    checks: tuple[str, ...]


class Standing(StrEnum):
    """What the checks of a control say together."""

    HOLDS = "holds"
    WAIVED = "holds but for what is waived"
    BROKEN = "does not hold"
    UNSEEN = "nothing was looked at"


@dataclass(frozen=True)
class Result:
    """How a control stands: how often its checks passed, how many findings are waived, and how many are not."""

    control: Control
    passed: int
    waived: int
    unexplained: int

    @property
    def standing(self) -> Standing:
        """What that comes to; never well where nothing was looked at."""
        if self.unexplained:
            return Standing.BROKEN
        if self.waived:
            return Standing.WAIVED
        return Standing.HOLDS if self.passed else Standing.UNSEEN

    def __str__(self) -> str:
        about = f" (requirement {', '.join(self.control.requirements)})" if self.control.requirements else ""
        counts = f"{self.passed} passed, {self.waived} waived, {self.unexplained} not explained"
        return f"CIS {self.control.id} {self.control.title}{about}: {self.standing}; {counts}"


def read_controls(file: Path) -> Sequence[Control]:
    """Return the controls in *file*.

    Raises UsageError, with a sentence per line, if one lacks something, names no check or a requirement that there is
    not, or stands there twice.
    """
    known = register()

    def read(entry: Entry, _: Path) -> tuple[str, Control]:
        control = Control(
            entry.text("id", "AWS 1.1"),
            entry.text("title", "what must hold"),
            entry.texts("requirements", "1.1"),
            entry.texts("checks", "CKV_AWS_1"),
        )
        if not entry.troubles and not control.checks:
            entry.complain("it has no check: name those that look at it, or leave it out")
        for requirement in control.requirements:
            if requirement not in known:
                entry.complain(f"there is no requirement {requirement!r}: name one of the register")
        return control.id, control

    return tuple(read_by_id([file], "control", _KEYS, read, "listed").values())


def stand(controls: Iterable[Control], outcome: Outcome) -> Sequence[Result]:
    """Say how each of *controls* stands after *outcome*."""
    passes: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for one in outcome.checked:
        passes.update(one.passes)
        found.update({finding.id: finding.check for finding in one.findings}.values())
    open_ones = Counter(finding.check for finding in outcome.unexplained)

    def result(control: Control) -> Result:
        unexplained = sum(open_ones[check] for check in control.checks)
        waived = sum(found[check] for check in control.checks) - unexplained
        return Result(control, sum(passes[check] for check in control.checks), waived, unexplained)

    return tuple(map(result, controls))


def as_document(results: Iterable[Result]) -> Sequence[Mapping[str, object]]:
    """Return *results* as JSON has them."""
    return [
        {**asdict(one.control), "standing": one.standing.value}
        | {"passed": one.passed, "waived": one.waived, "unexplained": one.unexplained}
        for one in results
    ]
