"""Good and total by the servers' own counters, and whether they agree with what the customers saw.

A counter only grows, until its process is started anew and it begins again at 0:
https://prometheus.io/docs/concepts/metric_types/#counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.slo.objective import Judgement
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ReplicaCount:
    """What a replica has answered since it was *started* (seconds since the epoch), and has *in_flight* right now.

    *good* are those with a status below 400.
    """

    started: float
    good: int
    total: int
    in_flight: int


@dataclass(frozen=True)
class Increase:
    """What the replicas counted between two looks, and what is unsure about it.

    Of those *restarted* or *gone*, what they had counted since the first look is lost. *in_flight* were under way at
    one of the looks, and may have been counted on either side of it.
    """

    tally: Tally
    restarted: tuple[str, ...]
    gone: tuple[str, ...]
    in_flight: int


@dataclass(frozen=True)
class Seen:
    """What the customers saw: *unknown* of them had no answer, or one that may be from somebody before the service."""

    tally: Tally
    unknown: int


def increase(before: Mapping[str, ReplicaCount], after: Mapping[str, ReplicaCount]) -> Increase:
    """Return what was counted from the look *before* to the look *after*, both by the replica's name.

    A replica that is new, or was started anew, counts from 0.
    """
    tally, restarted = Tally(0, 0), []
    for name, now in after.items():
        then = before.get(name)
        if then is not None and _anew(then, now):
            restarted.append(name)
            then = None
        tally += Tally(now.good, now.total) if then is None else Tally(now.good - then.good, now.total - then.total)
    in_flight = sum(one.in_flight for look in (before, after) for one in look.values())
    return Increase(tally, tuple(sorted(restarted)), tuple(sorted(set(before) - set(after))), in_flight)


def _anew(then: ReplicaCount, now: ReplicaCount) -> bool:
    fell = now.good < then.good or now.total < then.total or now.total - now.good < then.total - then.good
    return fell or now.started != then.started


def reconcile(seen: Seen, counted: Increase) -> Judgement:
    """Judge whether the replicas *counted* exactly what the customers have *seen*: as many in all, and as many good.

    Raises Inconclusive when nothing was seen, and when they differ by no more than is unsure on either side; the reason
    says what made it unsure.
    """
    if not seen.tally.total:
        raise Inconclusive("the customers saw nothing, so there is nothing to agree about", Missing.SAMPLE)
    more = counted.tally.total - seen.tally.total
    better = counted.tally.good - seen.tally.good
    said = f"the replicas counted {counted.tally} and the customers saw {seen.tally}"
    doubts = _doubts(seen, counted)
    if (more or better) and doubts and _explained(seen, counted, more=more, better=better):
        raise Inconclusive(f"{said}; {' and '.join(doubts)}", Missing.SAMPLE)
    agree = not more and not better
    return Judgement(said, agree, counted.tally.total, seen.tally.total, seen.tally.total)


def _explained(seen: Seen, counted: Increase, *, more: int, better: int) -> bool:
    lost = bool(counted.restarted or counted.gone)
    # The service may have answered with success what nobody waited for any more, or have never heard of it.
    fewest, most_good = -seen.unknown - counted.in_flight, seen.unknown + counted.in_flight
    total = (lost or more >= fewest) and more <= counted.in_flight
    good = (lost or better >= -counted.in_flight) and better <= most_good
    return total and good


def _doubts(seen: Seen, counted: Increase) -> list[str]:
    doubts = []
    if counted.restarted:
        doubts.append(f"what {', '.join(counted.restarted)} counted before being started anew is lost")
    if counted.gone:
        doubts.append(f"what {', '.join(counted.gone)} counted is lost, because it is gone")
    if counted.in_flight:
        doubts.append(f"{counted.in_flight} requests were in flight when the counters were read")
    if seen.unknown:
        doubts.append(f"{seen.unknown} requests had no answer of the service's own")
    return doubts
