"""An autoscaler: what it measures, what it wants, what it got."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube.api import Selection
from seatrial.kube.kinds import AUTOSCALER, DEPLOYMENT
from seatrial.kube.watching import watched
from seatrial.kube.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document
    from seatrial.kube.watching import Objects


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

    def wait_measuring(self, *, within: timedelta) -> Autoscaler:
        """Return once it has a measurement to act on. Raises NotObserved."""
        return self._wait(lambda seen: utilisation(seen) is not None, "measures", within)

    def wait_grown(self, *, within: timedelta) -> int:
        """Return how many replicas are ready, once it asked for more than its floor. Raises NotObserved."""
        deadline = time.monotonic() + within.total_seconds()
        floor = self.floor
        self._wait(lambda seen: seen.number("status.desiredReplicas") > floor, f"asks for more than {floor}", within)
        left = timedelta(seconds=max(1.0, deadline - time.monotonic()))
        return len(self.workload.wait_ready(floor + 1, within=left).ready_pods)

    def wait_at_floor(self, *, within: timedelta) -> Autoscaler:
        """Return once it has gone down to the fewest replicas it may ask for, and counts so many.

        Raises NotObserved.
        """

        def at_floor(seen: Document) -> bool:
            counts = {seen.number("status.desiredReplicas"), seen.number("status.currentReplicas")}
            return counts == {seen.number("spec.minReplicas") or 1}

        return self._wait(at_floor, "is back at its floor", within)

    def _wait(self, until: Callable[[Document], bool], what: str, within: timedelta) -> Autoscaler:
        watched(
            self.api,
            Selection.one(AUTOSCALER, self.name, self.namespace),
            until=lambda objects: bool(objects) and until(objects[0]),
            within=within,
            what=f"autoscaler {self.name} {what}",
            shown=_shown,
        )
        return self


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
        f"CPU use {utilisation(seen)} % of the request"
    )
