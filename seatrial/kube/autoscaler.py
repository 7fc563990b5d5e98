"""An autoscaler: what it measures, what it wants, what it got."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube.api import Selection
from seatrial.kube.kinds import AUTOSCALER, DEPLOYMENT
from seatrial.kube.quantity import amount
from seatrial.kube.watching import watched
from seatrial.kube.workload import Workload
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document
    from seatrial.kube.watching import Objects


@dataclass(frozen=True)
class Growth:
    """That an autoscaler added replicas: how many were ready then, and the metric by which it had decided."""

    replicas: int
    decided_by: str


# Within a tenth of its target an autoscaler leaves the number as it is: the default of the controller manager's flag
# --horizontal-pod-autoscaler-tolerance.
_TOLERANCE = 0.1
_CALM = 0.5
_ROOM = 16 << 20
# What the program that holds the memory needs beside it.
_PROGRAM = 8 << 20


@dataclass(frozen=True)
class Autoscaler:
    """A HorizontalPodAutoscaler, by name. What it says of itself is read anew each time."""

    api: Api
    name: str
    namespace: str

    @property
    def document(self) -> Document:
        """The object as it is now. Raises Absent."""
        return self.api.get(AUTOSCALER, self.name, self.namespace)

    @property
    def workload(self) -> Workload:
        """The Deployment that it looks after."""
        return Workload(self.api, DEPLOYMENT, self.document.text("spec.scaleTargetRef.name"), self.namespace)

    @property
    def floor(self) -> int:
        """The fewest replicas it may ask for."""
        return self.document.number("spec.minReplicas") or 1

    @property
    def ceiling(self) -> int:
        """The most replicas it may ask for."""
        return self.document.number("spec.maxReplicas")

    @property
    def current(self) -> int:
        """How many replicas it last counted."""
        return self.document.number("status.currentReplicas")

    @property
    def wanted(self) -> int:
        """How many replicas it last asked for."""
        return self.document.number("status.desiredReplicas")

    @property
    def utilisation(self) -> int | None:
        """The CPU use that it last measured, in per cent of what the pods request.

        None before the first measurement.
        """
        return utilisation(self.document)

    def wait_grown(self, *, within: timedelta) -> Growth:
        """Return how it grew, once it asked for more than its floor and has got more. Raises NotObserved."""
        deadline = time.monotonic() + within.total_seconds()
        floor = self.floor
        seen = self._wait(lambda seen: seen.number("status.desiredReplicas") > floor, f"asks for over {floor}", within)
        left = timedelta(seconds=max(1.0, deadline - time.monotonic()))
        return Growth(len(self.workload.wait_ready(floor + 1, within=left).ready_pods), decided_by(seen))

    def wait_at_floor(self, *, within: timedelta) -> Autoscaler:
        """Return once it has gone down to the fewest replicas it may ask for, and counts so many.

        Raises NotObserved.
        """
        self._wait(_at_floor, "is back at its floor", within)
        return self

    def wait_at_rest(self, *, within: timedelta) -> Autoscaler:
        """Return once it counts the fewest replicas it may ask for and is `calm`. Raises NotObserved."""
        self._wait(lambda seen: _at_floor(seen) and calm(seen), "is at rest", within)
        return self

    @contextmanager
    def memory_filled(self, *, at_most: timedelta) -> Iterator[None]:
        """Have its replicas use more memory than it lets them, and less than their limits, until the block ends.

        The memory is given back after *at_most*, whatever happens. Raises Inconclusive when it does not look at
        memory, or the containers have no limit that leaves room.
        """
        held = memory(self.document)
        if held is None:
            raise Inconclusive(f"autoscaler {self.name} does not measure memory", Missing.SAMPLE)
        with ExitStack() as filled:
            for pod in self.workload.ready_pods:
                filled.enter_context(pod.filled(held.to_add(pod.memory_limit, self.name), at_most=at_most))
            yield

    @contextmanager
    def held(self, replicas: int, *, within: timedelta) -> Iterator[Workload]:
        """Keep its workload at exactly *replicas*, all of them ready, until the block ends; then let it decide again.

        Raises NotObserved.
        """
        before = {bound: self.document.number(f"spec.{bound}") for bound in ("minReplicas", "maxReplicas")}
        self._bound(dict.fromkeys(before, replicas))
        try:
            yield self.workload.scaled(replicas, within=within)
        finally:
            self._bound(before)

    def _bound(self, bounds: dict[str, int]) -> None:
        self.api.merge(AUTOSCALER, self.name, self.namespace, {"spec": bounds})

    def _wait(self, until: Callable[[Document], bool], what: str, within: timedelta) -> Document:
        objects = watched(
            self.api,
            Selection.one(AUTOSCALER, self.name, self.namespace),
            until=lambda objects: bool(objects) and until(objects[0]),
            within=within,
            what=f"autoscaler {self.name} {what}",
            shown=_shown,
        )
        return objects[0]


@dataclass(frozen=True)
class HeldMemory:
    """Bytes of memory that a pod uses on *average*, and the average above which its autoscaler adds pods."""

    average: int
    target: int

    def to_add(self, limit: int, whose: str) -> int:
        """Return how many MiB a pod with that *limit* can take for the autoscaler *whose* to act: halfway to the limit.

        Raises Inconclusive where that is so little that nothing would follow from it.
        """
        acts = self.target * (1 + _TOLERANCE)
        goal = (acts + limit) / 2
        if limit - acts < _ROOM:
            raise Inconclusive(
                f"the pods of autoscaler {whose} may use {limit >> 20} MiB and it acts at {int(acts) >> 20} MiB:"
                " there is no room to fill"
            )
        return max(1, (int(goal) - self.average - _PROGRAM) >> 20)


def _at_floor(autoscaler: Document) -> bool:
    counts = {autoscaler.number("status.desiredReplicas"), autoscaler.number("status.currentReplicas")}
    return counts == {autoscaler.number("spec.minReplicas") or 1}


def calm(autoscaler: Document) -> bool:
    """Return whether each resource that it looks at was measured, and nothing speaks for more replicas soon.

    That is so where no more memory is used than it aims at, and at most half as much of the processor: what is measured
    is up to half a minute old, and a load that has just ended may still be on its way into it.
    """
    used = {metric.text("resource.name"): metric for metric in autoscaler.documents("status.currentMetrics")}
    return all(
        _little(metric, used.get(metric.text("resource.name"))) for metric in autoscaler.documents("spec.metrics")
    )


def _little(aim: Document, used: Document | None) -> bool:
    if used is None:
        return False
    if aim.at("resource.target.averageUtilization") is not None:
        share = used.at("resource.current.averageUtilization")
        most = aim.number("resource.target.averageUtilization") * _CALM
        return share is not None and used.number("resource.current.averageUtilization") <= most
    value = used.text("resource.current.averageValue")
    return bool(value) and amount(value) <= amount(aim.text("resource.target.averageValue"))


def decided_by(autoscaler: Document) -> str:
    """Return the metric from which the number of replicas in the status was reckoned, as the autoscaler calls it.

    Of several metrics that is the one that asks for most. Events say the same, but not each of them is kept: a source
    may tell 25 about one object, and then one in five minutes (client-go, tools/record/events_cache.go).
    """
    for condition in autoscaler.documents("status.conditions"):
        if condition.text("type") == "ScalingActive" and condition.text("status") == "True":
            return condition.text("message").rpartition(" from ")[2]
    return ""


def memory(autoscaler: Document) -> HeldMemory | None:
    """Return what the status reports of memory and what the specification allows, None when it has no such metric."""

    def average(path: str, where: str) -> int | None:
        for metric in autoscaler.documents(path):
            if metric.text("resource.name") == "memory" and (value := metric.text(f"resource.{where}.averageValue")):
                return int(amount(value))
        return None

    used, target = average("status.currentMetrics", "current"), average("spec.metrics", "target")
    return None if used is None or target is None else HeldMemory(used, target)


def utilisation(autoscaler: Document) -> int | None:
    """Return the CPU utilisation that the status reports, None when it reports none."""
    for metric in autoscaler.documents("status.currentMetrics"):
        if metric.text("resource.name") == "cpu" and metric.at("resource.current.averageUtilization") is not None:
            return metric.number("resource.current.averageUtilization")
    return None


def _shown(objects: Objects) -> str:
    if not objects:
        return "no such autoscaler"
    seen = objects[0]
    return (
        f"{seen.number('status.currentReplicas')} replicas, {seen.number('status.desiredReplicas')} wanted, "
        f"CPU use {utilisation(seen)} % of the request, {_megabytes(seen)}"
    )


def _megabytes(seen: Document) -> str:
    held = memory(seen)
    return "memory not measured" if held is None else f"{held.average >> 20} MiB of memory each"
