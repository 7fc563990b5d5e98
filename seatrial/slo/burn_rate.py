"""Alerts on the burn rate of an error budget, over several windows.

The burn rate is the share that was bad over the share that may be: at 1 the budget lasts exactly as long as the
objective's window. An alert is due when the burn rate is above its threshold over a long window and, so that it ends
soon after its cause, over a short one of a twelfth of that: Beyer et al., "The Site Reliability Workbook" (2018),
chapter 5, "Multiwindow, Multi-Burn-Rate Alerts", https://sre.google/workbook/alerting-on-slos/.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.slo.budget import Counted
    from seatrial.slo.definition import Objective


@dataclass(frozen=True)
class BurnRateAlert:
    """Due when the budget burns more than *rate* times as fast as it may over the *long* and the *short* window.

    *scale* says what the windows were multiplied by, against those for service.
    """

    severity: str
    rate: float
    long: timedelta
    short: timedelta
    scale: float = 1.0

    def scaled(self, factor: float) -> BurnRateAlert:
        """Return it with both windows times *factor*, which is above 0: a trial of minutes has no windows of days.

        With the windows, the time to detection shrinks by the same factor; the share of bad events that it takes does
        not change.
        """
        if not factor > 0:
            raise ValueError(f"windows cannot be scaled by {factor}")
        return replace(self, long=self.long * factor, short=self.short * factor, scale=self.scale * factor)

    def __str__(self) -> str:
        scaled = "" if self.scale == 1 else f", windows scaled by {self.scale:.4g}"
        long, short = self.long.total_seconds(), self.short.total_seconds()
        return f"{self.severity} at {self.rate:g}x over {long:g} s and {short:g} s{scaled}"


# For an objective over 30 days: 2 % of the budget in an hour, 5 % in six, 10 % in three days (table 5-8 there).
SERVICE_ALERTS = (
    BurnRateAlert("page", 14.4, timedelta(hours=1), timedelta(minutes=5)),
    BurnRateAlert("page", 6, timedelta(hours=6), timedelta(minutes=30)),
    BurnRateAlert("ticket", 1, timedelta(days=3), timedelta(hours=6)),
)


@dataclass(frozen=True)
class AlertHistory:
    """When *alert* was due over a series: its *looks* in order, each with True, False, or None where data was missing.

    A look is missing data when one of its windows reaches back before the series began, or has no event in it.
    """

    alert: BurnRateAlert
    looks: tuple[tuple[timedelta, bool | None], ...]

    @property
    def due(self) -> tuple[timedelta, ...]:
        """The times at which it was due."""
        return tuple(at for at, due in self.looks if due)

    @property
    def blind(self) -> tuple[timedelta, ...]:
        """The times at which data was missing."""
        return tuple(at for at, due in self.looks if due is None)

    def detection(self, fault: timedelta) -> timedelta | None:
        """Return how long after *fault*, a time in the series, it became due; None if it never did.

        Raises Inconclusive when it was due already, when nothing was looked at after the fault, or when data was
        missing between the fault and the moment it was due or the end: it might have been due earlier, or at all.
        """
        if any(due for at, due in self.looks if at <= fault):
            raise Inconclusive(f"the alert ({self.alert}) was due before the fault, so it detects nothing of it")
        after = [(at, due) for at, due in self.looks if at > fault]
        if not after:
            raise Inconclusive("nothing was counted after the fault, so no alert could be due", Missing.SAMPLE)
        first = next((at for at, due in after if due), None)
        blind = sum(due is None for at, due in after if first is None or at < first)
        if blind:
            raise Inconclusive(
                f"data was missing at {blind} looks after the fault, so nobody knows when the alert ({self.alert})"
                " would have been due",
                Missing.SAMPLE,
            )
        return None if first is None else first - fault


def burn_rate(objective: Objective, tally: Tally) -> float:
    """Return how many times as fast as it may the budget of *objective* burns, where *tally* was counted.

    Raises Inconclusive of nothing: no event is no burn rate of 0.
    """
    if not tally.total:
        raise Inconclusive(f"nothing was counted, so the budget of {objective.name} has no burn rate", Missing.SAMPLE)
    return float(tally.bad / (objective.allowed * tally.total))


def evaluate(objective: Objective, series: Sequence[Counted], alert: BurnRateAlert) -> AlertHistory:
    """Look at the end of each interval of *series* whether *alert* is due.

    *series* is in order of time and begins at 0. Raises Inconclusive when none of the looks had data in both windows,
    as when the series is shorter than the long one: scale the windows, or go on for longer.
    """
    windows = _Windows(series)
    threshold = alert.rate * objective.allowed
    looks: list[tuple[timedelta, bool | None]] = []
    for one in series:
        seen = [windows.ending_at(one.at, length) for length in (alert.long, alert.short)]
        known = all(tally is not None and tally.total for tally in seen)
        # Cross-multiplied, so that no rounding decides.
        due = all(tally.bad > threshold * tally.total for tally in seen if tally is not None) if known else None
        looks.append((one.at, due))
    if all(due is None for _, due in looks):
        spans = series[-1].at.total_seconds() if series else 0
        raise Inconclusive(
            f"there is no moment with data in both windows of the alert ({alert}) in a series of {spans:g} s:"
            " scale the windows or go on for longer",
            Missing.SAMPLE,
        )
    return AlertHistory(alert, tuple(looks))


class _Windows:
    """Sums over windows of a series, each in logarithmic time."""

    def __init__(self, series: Sequence[Counted]) -> None:
        self._ends = [one.at for one in series]
        self._sums = list(accumulate((one.tally for one in series), initial=Tally(0, 0)))

    def ending_at(self, end: timedelta, length: timedelta) -> Tally | None:
        """Return what was counted after *end* less *length* up to *end*; None if the series began later than that."""
        begin = end - length
        if begin < timedelta(0):
            return None
        first, last = (self._sums[bisect_right(self._ends, at)] for at in (begin, end))
        return Tally(last.good - first.good, last.total - first.total)
