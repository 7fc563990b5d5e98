"""One fault done to a workload for a while, and what was seen of it: felt, noticed by the platform, recovered from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from seatrial.chaos.injection import injected
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.fault import Fault
    from seatrial.chaos.times import Timeline
    from seatrial.kube import Workload

T = TypeVar("T")
_RECOVERS = timedelta(minutes=3)
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Trial(Generic[T]):
    """What was seen: *felt* from where the fault was, *lowest* ready pods meanwhile, and when what happened."""

    felt: T
    lowest: int
    timeline: Timeline

    @property
    def recovery(self) -> timedelta:
        """How long after the end of the fault all replicas were ready, at most."""
        length, error = self.timeline.between("clean", "recovered")
        return max(length + error, timedelta(0))


def try_out(
    fault: Fault, workload: Workload, feel: Callable[[], T], *, lasting: timedelta, timeline: Timeline | None = None
) -> Trial[T]:
    """Do *fault* for *lasting*, then undo it with proof, and wait until all replicas of *workload* are ready.

    What happens is noted in *timeline*, if one is given. *feel* is called while it is in effect. Raises NotObserved,
    CleanUpFailed.
    """
    wanted = workload.replicas
    counts = [wanted]

    def look() -> int:
        counts.append(len(workload.ready_pods))
        if counts[-1] < wanted and "detected" not in done.timeline.instants:
            done.timeline.happened("detected", before_look[0])
        before_look[0] = done.timeline.clock()
        return counts[-1]

    with injected(fault, lasting=lasting + _MARGIN, timeline=timeline) as done:
        began = done.timeline.clock()
        before_look = [began]
        felt = feel()
        end = began + lasting.total_seconds()
        eventually(
            look, until=lambda _: done.timeline.clock() >= end, within=lasting + _MARGIN, what="the fault has lasted"
        )
    done.timeline.observe(
        "recovered",
        lambda: len(workload.ready_pods),
        until=lambda ready: ready >= wanted,
        within=_RECOVERS,
        what=f"all replicas of {workload.name} are ready again",
    )
    done.timeline.tell(f"times of {done.lease.kind} on {done.lease.target}, with recovery")
    return Trial(felt, min(counts), done.timeline)
