"""Good of total: what an objective is about, once it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.slo.definition import exact
from seatrial.slo.objective import Judgement, samples_needed
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from seatrial.slo.definition import Objective


@dataclass(frozen=True)
class Tally:
    """How many of *total* events were *good*. Raises ValueError for what cannot be counted."""

    good: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.total:
            raise ValueError(f"{self.good} good of {self.total} cannot be")

    @property
    def bad(self) -> int:
        """How many were not good."""
        return self.total - self.good

    @property
    def share(self) -> float:
        """The share that was good. Raises Inconclusive of nothing."""
        if not self.total:
            raise Inconclusive("nothing was counted", Missing.SAMPLE)
        return self.good / self.total

    def keeps(self, target: float) -> bool:
        """Whether at least the share *target* was good, reckoned without rounding; so it is of nothing."""
        return self.good >= exact(target) * self.total

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.good + other.good, self.total + other.total)

    def __str__(self) -> str:
        return f"{self.good} good of {self.total}"


def judge_tally(objective: Objective, tally: Tally) -> Judgement:
    """Judge whether *tally* keeps *objective*.

    Raises Inconclusive when there is nothing in it, or too little for the target to mean anything.
    """
    needed = samples_needed(objective.target)
    if tally.total < needed:
        raise Inconclusive(
            f"{tally.total} counted are too few to judge {objective}: {needed} are needed",
            Missing.SAMPLES if tally.total else Missing.SAMPLE,
        )
    return Judgement(str(objective), tally.keeps(objective.target), tally.share, objective.target, tally.total)
