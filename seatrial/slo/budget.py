"""The error budget: how much may be bad before an objective is missed, and how much of that is gone.

Of N events over its window, an objective with the target t allows (1 - t) N bad ones: Beyer et al., "The Site
Reliability Workbook" (2018), chapter 2, https://sre.google/workbook/implementing-slos/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from seatrial.slo.definition import Objective
    from seatrial.slo.tally import Tally


@dataclass(frozen=True)
class Counted:
    """What was counted in the interval that ends *at* that time since the series began."""

    at: timedelta
    tally: Tally


@dataclass(frozen=True)
class ErrorBudget:
    """A budget of *allowed* bad events, not always a whole number, of which *spent* happened.

    *exhausted_at* is when one more happened than the whole series allows, None if none did: then the objective is
    missed for that series, whatever came after.
    """

    allowed: float
    spent: int
    exhausted_at: timedelta | None

    @property
    def consumed(self) -> float:
        """The share that is gone; above 1 when more is gone than there was."""
        return self.spent / self.allowed

    @property
    def remaining(self) -> float:
        """The share that is left; negative when more is gone than there was."""
        return 1 - self.consumed

    def __str__(self) -> str:
        when = "" if self.exhausted_at is None else f", exhausted after {self.exhausted_at.total_seconds():g} s"
        return f"{self.spent} of {self.allowed:g} bad events that the budget allows, {self.remaining:.1%} left{when}"


def error_budget(objective: Objective, series: Sequence[Counted]) -> ErrorBudget:
    """Return the budget that *objective* leaves over *series*, which is in order of time.

    Only the part of it that the objective's window covers, reckoned back from its end, counts. The budget is that of
    the events which came, so a short trial has a small one. Raises Inconclusive when nothing was counted.
    """
    newest = series[-1].at if series else None
    within = [one for one in series if newest is not None and one.at > newest - objective.window]
    total = sum(one.tally.total for one in within)
    if not total:
        raise Inconclusive(f"nothing was counted, so {objective.name} has no budget to spend", Missing.SAMPLE)
    allowed = objective.allowed * total
    spent, exhausted_at = 0, None
    for one in within:
        spent += one.tally.bad
        if exhausted_at is None and spent > allowed:
            exhausted_at = one.at
    return ErrorBudget(float(allowed), spent, exhausted_at)
