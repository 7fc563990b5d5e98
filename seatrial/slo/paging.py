"""When somebody would have been called out of bed: the fastest alert of service, in a trial of minutes.

The alert is the first page of table 5-8 in Beyer et al., "The Site Reliability Workbook" (2018), chapter 5,
https://sre.google/workbook/alerting-on-slos/: the budget of 30 days burns more than 14.4 times as fast as it may, so
that 2 % of it is gone in an hour (14.4 * 1 h / 30 d = 0.02), over an hour and over the last five minutes. With
the target t it is due once more than 14.4 (1 - t) of the requests are bad in both windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from seatrial.slo.budget import Counted
from seatrial.slo.burn_rate import SERVICE_ALERTS, BurnRateAlert, evaluate
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.slo.definition import Objective

PAGE = SERVICE_ALERTS[0]
# Five minutes become a second, and the hour twelve: what a fault of fifteen seconds can be held against.
_SHORTEST = timedelta(seconds=1)


def scaled_page(objective: Objective, rate: float) -> BurnRateAlert:
    """Return the page for *objective* with windows for a trial at *rate* requests per second.

    The short window is a second, or as long as it takes for so many requests that one bad one alone is not too many:
    1 / (14.4 (1 - t)). The long one is twelve times that, as in service.
    """
    enough = math.ceil(1 / (Fraction(repr(PAGE.rate)) * objective.allowed))
    short = max(_SHORTEST, timedelta(seconds=enough / rate))
    return PAGE.scaled(short / PAGE.short)


@dataclass(frozen=True)
class Paged:
    """Whether *alert* for *objective* was due after the fault: between *earliest* and *latest*, or never (None)."""

    objective: str
    alert: BurnRateAlert
    due: tuple[timedelta, timedelta] | None


def paged(
    objective: Objective, series: Sequence[Counted], alert: BurnRateAlert, *, rate: float, since: timedelta
) -> Paged:
    """Say when *alert* was first due after *since*, a time in *series*.

    What came before the series is unknown. It is taken for as many requests, *rate* per second, all of them good: that
    is the least likely to call somebody. The intervals of *series* are equally long. Raises Inconclusive when it was
    due at *since* already, and when nothing was counted.
    """
    if not series:
        raise Inconclusive("nothing was counted, so no alert could be due")
    step = series[0].at
    lead = math.ceil(alert.long / step)
    history = evaluate(objective, [*_good(lead, step, rate), *_later(series, step * lead)], alert)
    looks = [(at - step * lead, due) for at, due in history.looks if at > step * lead]
    if any(due for at, due in looks if at <= since):
        raise Inconclusive(f"the alert ({alert}) was due before the fault already")
    last = since
    for at, due in looks:
        if at > since and due:
            return Paged(objective.name, alert, (last, at))
        if due is not None and at > since:
            last = at
    return Paged(objective.name, alert, None)


def _good(count: int, step: timedelta, rate: float) -> list[Counted]:
    each = Fraction(repr(float(rate))) * Fraction(repr(step.total_seconds()))
    whole = [math.floor(each * number) for number in range(count + 1)]
    return [
        Counted(step * number, Tally(now - before, now - before))
        for number, (before, now) in enumerate(pairwise(whole), start=1)
    ]


def _later(series: Sequence[Counted], by: timedelta) -> list[Counted]:
    return [Counted(one.at + by, one.tally) for one in series]
