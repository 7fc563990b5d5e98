"""Following a fault while customers come: when all is over, its course is told as evidence."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.chaos.course import course_of
from seatrial.chaos.lookout import Lookout
from seatrial.chaos.naming import COURSE_TITLE
from seatrial.chaos.times import Timeline
from seatrial.slo.reading import OBJECTIVES, read_objectives
from seatrial.verdict import Inconclusive
from seatrial.witness import tell_data, tell_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.kube import Workload
    from seatrial.load import Traffic


@contextmanager
def followed(workload: Workload, traffic: Traffic | None) -> Iterator[Timeline]:
    """Let a fault be noted in a timeline while *traffic* goes on, and look at *workload* meanwhile.

    At the end the traffic is stopped, and the course of the fault is told. Where no customers come, or no fault was
    done, there is nothing to tell of; where the traffic cannot tell, the reason is told in its place.
    """
    timeline = Timeline()
    if traffic is None:
        yield timeline
        return
    lookout = Lookout(lambda: frozenset(pod.uid for pod in workload.ready_pods))
    with lookout.looking():
        try:
            yield timeline
        finally:
            if "injected" in timeline.instants:
                _tell(workload, traffic, timeline, lookout)


def _tell(workload: Workload, traffic: Traffic, timeline: Timeline, lookout: Lookout) -> None:
    objectives = [one for one in read_objectives(OBJECTIVES) if one.service == workload.name]
    try:
        course = course_of(timeline, traffic.stop().sound(), lookout.looks, objectives)
    except Inconclusive as problem:
        tell_document(f"{COURSE_TITLE} is not known", str(problem))
        return
    tell_document(COURSE_TITLE, course.text())
    tell_data(COURSE_TITLE, course.data())
