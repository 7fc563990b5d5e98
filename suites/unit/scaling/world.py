"""A scaling event of which each instant is known, written down as the API of Kubernetes 1.36 does it.

The documents are those that a cluster gave (its names, forms and whole seconds), the instants are chosen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.kube.document import Document
from seatrial.scaling.seen import Look, Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube.watching import Objects

# The API's clock says this when the looker's says 0.
AHEAD = 1_790_000_000.25
GROWING = ("the load", "measured", "published", "decided", "created", "scheduled", "started", "ready", "routed")
SHRINKING = ("the end of the load", "wished", "decided", "told", "withdrawn")
OLD, NEW = "2adf98e0-0925-40b7-9703-157ced670d17", "5c0d6a33-3f1a-4d0e-8f0e-1b8a0f7c9d11"
GRACE = 30
_CPU = (
    "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"
)


def utc(api_seconds: float) -> str:
    """Write a time as the API does: without what is less than a second."""
    return datetime.fromtimestamp(math.floor(api_seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def autoscaler(
    version: int, wanted: int, use: int, *, scaled: float | None = None, written: float = AHEAD, able: str = ""
) -> Document:
    """Write the catalogue's autoscaler: how many it wants, and how many thousandths of a core each replica uses."""
    request, target = 50, 60
    metrics = [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "current": {"averageUtilization": use * 100 // request, "averageValue": f"{use}m"},
            },
        },
        {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "79024Ki"}}},
    ]
    return Document(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": "catalog",
                "namespace": "shop",
                "resourceVersion": str(version),
                "managedFields": [
                    {"manager": "seatrial", "operation": "Apply", "time": utc(AHEAD + 10_000)},
                    {"manager": "kube-controller-manager", "subresource": "status", "time": utc(written)},
                ],
            },
            "spec": {
                "minReplicas": 2,
                "maxReplicas": 4,
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
                "metrics": [
                    {"resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}},
                    {"resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "200Mi"}}},
                ],
            },
            "status": {
                "currentReplicas": 2,
                "desiredReplicas": wanted,
                "currentMetrics": metrics,
                **({"lastScaleTime": utc(scaled)} if scaled is not None else {}),
                "conditions": [
                    {"type": "AbleToScale", "status": "True", "reason": able or "ReadyForNewScale"},
                    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": _CPU},
                ],
            },
        }
    )


def pod(uid: str, dates: Mapping[str, float], *, told: float | None = None) -> Document:
    """Write a replica that has come as far as *dates* go."""
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": utc(dates[name])}
        for kind, name in (("PodScheduled", "scheduled"), ("Ready", "ready"))
        if name in dates
    ]
    running = [
        {"name": "catalog", "state": {"running": {"startedAt": utc(dates[name])}}}
        for name in ("started",)
        if name in dates
    ]
    leaving = {"deletionTimestamp": utc(told + GRACE), "deletionGracePeriodSeconds": GRACE} if told is not None else {}
    return Document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"catalog-{uid}", "uid": uid, "creationTimestamp": utc(dates["created"]), **leaving},
            "status": {"conditions": conditions, "containerStatuses": running},
        }
    )


def slices(written: float, *ready: str) -> Objects:
    """Write the one EndpointSlice of the service, in which the pods *ready* are ready, and another is not."""
    endpoints = [{"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "uid": uid}} for uid in ready]
    endpoints.append({"conditions": {"ready": False}, "targetRef": {"kind": "Pod", "uid": "another"}})
    managed = [{"manager": "kube-controller-manager", "operation": "Update", "time": utc(written)}]
    return (
        Document(
            {"metadata": {"name": "catalog-x", "uid": "s", "managedFields": managed}, "endpoints": endpoints},
        ),
    )


def sample(ended: float, use: int) -> Objects:
    """Write what the metrics API says of the two old replicas: of one more than of the other."""
    return tuple(
        Document(
            {
                "metadata": {"name": f"catalog-{place}"},
                "timestamp": utc(ended - place / 4),
                "window": "10.034s",
                "containers": [{"name": "catalog", "usage": {"cpu": f"{(use + more) * 10**6}n", "memory": "79024Ki"}}],
            }
        )
        for place, more in enumerate((-3, 3))
    )


@dataclass
class World:
    """One event of growing, then one of shrinking: the lengths of their parts in seconds, from *start* on."""

    growing: tuple[float, ...] = (8.2, 0.7, 2.1, 0.1, 0.2, 1.9, 5.4, 0.1)
    shrinking: tuple[float, ...] = (11.3, 57.2, 0.1, 0.3)
    start: float = 100.4
    every: float = 1.0
    error: float = 0.05
    lag: Mapping[str, float] = field(default_factory=dict)

    @property
    def grew(self) -> dict[str, float]:
        """When each part of growing ended, by the looker's clock."""
        return _ends(GROWING, self.start, self.growing)

    @property
    def shrank(self) -> dict[str, float]:
        """When each part of shrinking ended, by the looker's clock: the load lasts a second longer than the growing."""
        return _ends(SHRINKING, self.grew["routed"] + 1, self.shrinking)

    def api(self, name: str, at: float) -> float:
        """Return what the clock says that dates the end of the part *name*."""
        return AHEAD + at + self.lag.get(name, 0)

    def seen(self) -> Seen:
        """Return what a looker sees of it who looks once in *every* seconds."""
        up = {name: self.api(name, at) for name, at in self.grew.items()}
        down = {name: self.api(name, at) for name, at in self.shrank.items()}
        born = {"created": AHEAD, "scheduled": AHEAD, "started": AHEAD, "ready": AHEAD}
        ages = [{name: up[name] for name in GROWING[4:end]} for end in range(5, 9)]
        old, last = pod(OLD, born), self.shrank["withdrawn"] + 2
        return Seen(
            autoscaler=[
                autoscaler(1, 2, 6),
                autoscaler(2, 2, 20, written=up["measured"]),
                autoscaler(3, 4, 65, scaled=up["decided"], written=up["decided"]),
                autoscaler(4, 4, 6, scaled=up["decided"], written=down["wished"], able="ScaleDownStabilized"),
                autoscaler(5, 3, 6, scaled=down["decided"], written=down["decided"], able="SucceededRescale"),
            ],
            pods=[(old,), *((old, pod(NEW, age)) for age in ages), (old, pod(NEW, ages[-1], told=down["told"]))],
            slices=[slices(AHEAD, OLD), slices(up["routed"], OLD, NEW), slices(down["withdrawn"], OLD)],
            samples=self._looks(last, *self._sampled()),
            routes=self._looks(last, *self._routed()),
            ahead=Instant(AHEAD - self.error, AHEAD + self.error),
            began=Instant(self.start, self.start),
            ended=Instant(self.shrank["the end of the load"] - 0.02, self.shrank["the end of the load"] + 0.02),
        )

    def _sampled(self) -> tuple[tuple[float, Objects], ...]:
        before, during = sample(AHEAD + self.start - 3, 6), sample(self.api("measured", self.grew["measured"]), 65)
        return (0, before), (self.grew["published"], during)

    def _routed(self) -> tuple[tuple[float, Objects], ...]:
        few, more = slices(AHEAD, OLD), slices(AHEAD, OLD, NEW)
        return (0, few), (self.grew["routed"], more), (self.shrank["withdrawn"], few)

    def _looks(self, last: float, *shown: tuple[float, Objects]) -> list[Look]:
        """Look once in a while at what is *shown* from some time on."""
        count = int((last - self.start) / self.every) + 3
        times = [self.start - self.every * 1.3 + self.every * place for place in range(count)]
        return [Look(at, at + 0.01, [what for since, what in shown if since <= at + 0.005][-1]) for at in times]


def _ends(names: tuple[str, ...], start: float, lengths: tuple[float, ...]) -> dict[str, float]:
    ends = [start]
    for length in lengths:
        ends.append(ends[-1] + length)
    return dict(zip(names, ends, strict=True))
