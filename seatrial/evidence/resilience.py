"""The resilience score of a run: how much of what was tried was survived, and how much was tried at all.

Each kind of fault has a weight, which its scenarios share in equal parts. What passed or failed was seen; what is
inconclusive, broke or was not run was not. The score is the weight of what passed over the weight of what was seen; the
coverage is the weight of what was seen over all. It is made anew from the journal whenever a run is shown, and
stands in no file that an auditor would have to check.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seatrial.audit import RunRecord, ScenarioRecord

_SEEN = (Verdict.PASSED, Verdict.FAILED)


@dataclass(frozen=True)
class FaultKind:
    """A kind of faults: which *scenarios* try it, by the beginnings of their ids; its *weight*, and the *reason* why.

    *helps* are places to look at when it is not survived, each a file and what to look for in it.
    """

    name: str
    scenarios: tuple[str, ...]
    weight: int
    reason: str
    helps: tuple[str, ...]


@dataclass(frozen=True)
class Lost:
    """What was lost of the weight of *kind*, as a *share* of the weight that was seen, and with which scenarios."""

    kind: FaultKind
    share: Fraction
    scenarios: tuple[ScenarioRecord, ...]


@dataclass(frozen=True)
class Resilience:
    """*score* is 0 to 1, None if nothing was seen; *coverage* is 0 to 1; *lost* has the greatest loss first.

    *unseen* are the kinds of which not all was seen.
    """

    score: Fraction | None
    coverage: Fraction
    lost: tuple[Lost, ...]
    unseen: tuple[FaultKind, ...]

    def __str__(self) -> str:
        coverage = f"{percent(self.coverage)} of the weight was seen"
        if self.score is None:
            return f"nothing was seen; {coverage}"
        return f"{percent(self.score)} of what was seen was survived; {coverage}"


def percent(share: Fraction) -> str:
    """Return *share* in percent, rounded down: only what is whole is said to be 100 %."""
    return f"{math.floor(share * 1000) / 10:g} %"


@cache
def fault_kinds() -> tuple[FaultKind, ...]:
    """Return the kinds of faults that there are weights for."""
    return parse_kinds(files("seatrial.evidence").joinpath("resilience.toml").read_text(encoding="utf-8"))


def parse_kinds(text: str) -> tuple[FaultKind, ...]:
    """Read kinds of faults written in TOML.

    Raises ValueError if one lacks something, has a weight that is not above 0, or if two name the same scenarios.
    """
    kinds = tuple(
        FaultKind(one["name"], tuple(one["scenarios"]), one["weight"], one["reason"], tuple(one["helps"]))
        for one in tomllib.loads(text)["kind"]
    )
    named = [name for kind in kinds for name in kind.scenarios]
    for kind in kinds:
        if not (kind.name and kind.reason and kind.scenarios and kind.helps and kind.weight > 0):
            raise ValueError(f"the kind of faults {kind.name!r} lacks something, or weighs nothing")
    if len(set(named)) != len(named):
        raise ValueError("two kinds of faults name the same scenarios")
    return kinds


def kind_of(scenario: str, kinds: Sequence[FaultKind]) -> FaultKind | None:
    """Return the one of *kinds* that names the most of the id *scenario*; None if none names it."""
    found = [(len(name), kind) for kind in kinds for name in kind.scenarios if scenario.startswith(name)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def resilience(record: RunRecord, kinds: Sequence[FaultKind] | None = None) -> Resilience | None:
    """Reckon the resilience that *record* shows; None if it has no scenario, run or not, that tries a fault."""
    kinds = fault_kinds() if kinds is None else kinds
    trying: dict[str, list[ScenarioRecord]] = {kind.name: [] for kind in kinds}
    for scenario in record.scenarios:
        kind = kind_of(scenario.id, kinds)
        if kind is not None:
            trying[kind.name].append(scenario)
    if not any(trying.values()):
        return None
    weights = {kind.name: Fraction(kind.weight) for kind in kinds}
    seen = {name: weights[name] * _share(scenarios, _SEEN) for name, scenarios in trying.items()}
    failed = {name: weights[name] * _share(scenarios, (Verdict.FAILED,)) for name, scenarios in trying.items()}
    all_seen = sum(seen.values(), Fraction(0))
    lost = [
        Lost(kind, failed[kind.name] / all_seen, tuple(_with(trying[kind.name], (Verdict.FAILED,))))
        for kind in kinds
        if failed[kind.name]
    ]
    return Resilience(
        1 - sum(failed.values(), Fraction(0)) / all_seen if all_seen else None,
        all_seen / sum(weights.values(), Fraction(0)),
        tuple(sorted(lost, key=lambda one: (-one.share, one.kind.name))),
        tuple(kind for kind in kinds if seen[kind.name] < weights[kind.name]),
    )


def _with(scenarios: Iterable[ScenarioRecord], verdicts: Sequence[Verdict]) -> list[ScenarioRecord]:
    return [one for one in scenarios if one.verdict in verdicts]


def _share(scenarios: Sequence[ScenarioRecord], verdicts: Sequence[Verdict]) -> Fraction:
    return Fraction(len(_with(scenarios, verdicts)), len(scenarios)) if scenarios else Fraction(0)
