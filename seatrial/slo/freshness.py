"""Freshness: how old the newest event is, at each moment that somebody looks."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.slo.objective import Judgement
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

# Clocks of machines that keep their time differ by less than this.
_SKEW = timedelta(seconds=1)


def age(events: Sequence[datetime], now: datetime) -> timedelta:
    """Return how old the newest of *events* is at *now*; at least nothing.

    Raises Inconclusive when there is no event, or when the newest is of a time that is yet to come: then the clocks
    differ, and an age says nothing.
    """
    if not events:
        raise Inconclusive("there is no event, so none is the newest", Missing.SAMPLE)
    found = now - max(events)
    if found < -_SKEW:
        ahead = -found.total_seconds()
        raise Inconclusive(f"the newest event is of {ahead:g} s after now: the clocks differ", Missing.FRESHNESS)
    return max(found, timedelta(0))


def judge_freshness(events: Sequence[datetime], now: datetime, *, at_most: timedelta) -> Judgement:
    """Judge whether the newest of *events* is *at_most* that old at *now*; the judgement's numbers are in seconds.

    Raises Inconclusive as `age` does.
    """
    limit, found = at_most.total_seconds(), age(events, now).total_seconds()
    return Judgement(f"the newest event is at most {limit:g} s old", found <= limit, found, limit, len(events))


def freshness_tally(events: Sequence[datetime], looks: Sequence[datetime], *, at_most: timedelta) -> Tally:
    """Count at how many of the *looks* the newest event that had happened by then was *at_most* that old.

    A look before the first event is not good: nothing was there to be seen. Raises Inconclusive when there is no event
    at all, or no look.
    """
    if not events or not looks:
        raise Inconclusive("there is no event" if looks else "nobody looked", Missing.SAMPLE)
    ordered = sorted(events)
    good = 0
    for look in looks:
        place = bisect_right(ordered, look)
        good += place > 0 and look - ordered[place - 1] <= at_most
    return Tally(good, len(looks))
