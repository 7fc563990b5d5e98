"""A workload: what runs, in how many replicas, how soon it recovers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.kube.api import Interrupted, Refused, Selection
from seatrial.kube.kinds import JOB, POD
from seatrial.kube.pod import Pod, is_ready
from seatrial.kube.watching import watched
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document, Kind
    from seatrial.kube.watching import Objects

_ROLLOUT = timedelta(minutes=3)
_FIRST_LOOK = timedelta(seconds=30)
_TOO_MANY_REQUESTS = 429
_FINISHED = ("Succeeded", "Failed")
_SET_BY_API = ("batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid", "job-name", "controller-uid")
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def selector(labels: Mapping[str, str]) -> str:
    """Write *labels* as a label selector that asks for all of them."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


@dataclass(frozen=True)
class Workload:
    """A Deployment or a StatefulSet, by name. What it says of itself is read anew each time."""

    api: Api
    kind: Kind
    name: str
    namespace: str

    @property
    def document(self) -> Document:
        """The object as it is now. Raises Absent."""
        return self.api.get(self.kind, self.name, self.namespace)

    @property
    def replicas(self) -> int:
        """How many replicas it is told to have."""
        return self.document.number("spec.replicas")

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels by which it knows its pods."""
        return self.document.texts("spec.selector.matchLabels")

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Its pods, those on their way out included."""
        return tuple(Pod(self.api, item) for item in self.api.list(self._pods()).items)

    @property
    def ready_pods(self) -> tuple[Pod, ...]:
        """Its pods that are ready to serve."""
        return tuple(pod for pod in self.pods if pod.ready)

    def wait_ready(self, replicas: int, *, within: timedelta) -> Workload:
        """Return once at least *replicas* pods are ready. Raises NotObserved."""
        self._wait_pods(
            lambda pods: ready_count(pods) >= replicas, f"{self.name} has {replicas} ready replicas", within
        )
        return self

    def wait_complete(self, *, within: timedelta) -> Workload:
        """Return once all replicas it is told to have are ready. Raises NotObserved."""
        return self.wait_ready(self.replicas, within=within)

    def wait_replaced(self, lost: Pod, *, within: timedelta) -> Workload:
        """Return once all replicas it is told to have are ready and none of them is *lost*. Raises NotObserved."""
        wanted = self.replicas

        def replaced(pods: Objects) -> bool:
            return ready_count(tuple(pod for pod in pods if pod.uid != lost.uid)) >= wanted

        self._wait_pods(replaced, f"{self.name} has {wanted} ready replicas without {lost.name}", within)
        return self

    def wait_without(self, gone: tuple[Pod, ...], *, within: timedelta) -> Workload:
        """Return once none of the pods *gone* exists any more. Raises NotObserved."""
        known = {pod.uid for pod in gone}
        what = f"{self.name} has none of its {len(gone)} old replicas"
        self._wait_pods(lambda pods: not known.intersection(pod.uid for pod in pods), what, within)
        return self

    def wait_away_from(self, node: str, *, within: timedelta) -> Workload:
        """Return once all its replicas are ready on other nodes than *node*. Raises NotObserved."""
        wanted = self.replicas

        def moved(pods: Objects) -> bool:
            return sum(is_ready(pod) and pod.text("spec.nodeName") != node for pod in pods) >= wanted

        self._wait_pods(moved, f"{self.name} has {wanted} ready replicas away from {node}", within)
        return self

    def wait_nodes(self, count: int, *, within: timedelta) -> Workload:
        """Return once its ready replicas stand on at least *count* nodes. Raises NotObserved."""

        def spread(pods: Objects) -> bool:
            return len({pod.text("spec.nodeName") for pod in pods if is_ready(pod)}) >= count

        self._wait_pods(spread, f"{self.name} is ready on {count} nodes", within)
        return self

    def spread_over(self, nodes: int, *, within: timedelta) -> Workload:
        """Return once its ready replicas stand on at least *nodes* nodes; roll it out anew if they do not yet.

        Nothing moves a replica back when a node returns: the scheduler only looks at new pods. Raises NotObserved.
        """
        if len({pod.node for pod in self.ready_pods}) < nodes:
            self.restart(within=within)
        return self.wait_nodes(nodes, within=within)

    def scaled(self, replicas: int, *, within: timedelta = _ROLLOUT) -> Workload:
        """Tell it to have *replicas* and return once exactly so many pods are left and ready. Raises NotObserved."""
        self.api.merge(self.kind, self.name, self.namespace, {"spec": {"replicas": replicas}}, part="scale")

        def settled(pods: Objects) -> bool:
            left = sum(pod.text("status.phase") not in _FINISHED for pod in pods)
            return left == ready_count(pods) == replicas

        self._wait_pods(settled, f"{self.name} is scaled to {replicas} replicas", within)
        return self

    def restart(self, *, within: timedelta = _ROLLOUT) -> Workload:
        """Roll out all replicas anew, as ``kubectl rollout restart`` does, and return once that is done.

        Raises NotObserved.
        """
        stamp = datetime.now(UTC).isoformat()
        change = {"spec": {"template": {"metadata": {"annotations": {_RESTARTED_AT: stamp}}}}}
        self.api.merge(self.kind, self.name, self.namespace, change)
        return self.wait_rolled_out(within=within)

    def wait_rolled_out(self, *, within: timedelta) -> Workload:
        """Return once each replica is of the newest template and available, and no older one is left.

        Raises NotObserved.
        """
        watched(
            self.api,
            Selection.one(self.kind, self.name, self.namespace),
            until=lambda objects: bool(objects) and rolled_out(objects[0]),
            within=within,
            what=f"{self.name} is rolled out",
            shown=_progress,
        )
        return self

    def kill_one(self) -> Pod:
        """End one ready replica at once; return what it was. Raises NotObserved when none is ready."""
        ready = self.ready_pods
        if not ready:
            raise NotObserved(f"{self.name} has a replica to kill", last=f"{len(self.pods)} pods", within=timedelta(0))
        ready[0].kill()
        return ready[0]

    def evict(self, count: int) -> int:
        """Ask *count* ready replicas to leave, one right after the other.

        Return how many a disruption budget let go.
        """
        allowed = 0
        for pod in self.ready_pods[:count]:
            try:
                pod.evict()
            except Refused as error:
                if error.status != _TOO_MANY_REQUESTS:
                    raise
            else:
                allowed += 1
        return allowed

    @contextmanager
    def observed(self) -> Iterator[Availability]:
        """Follow how many replicas are ready, change by change, for as long as the context lasts."""
        seen = Availability()
        begun, over = threading.Event(), threading.Event()

        def look(pods: Objects) -> bool:
            seen.counts.append(ready_count(pods))
            begun.set()
            return over.is_set()

        def follow() -> None:
            try:
                watched(self.api, self._pods(), until=look, within=_ROLLOUT * 4, what="the observation ends")
            except (NotObserved, Refused, Interrupted) as error:
                seen.lost = str(error)

        threading.Thread(target=follow, name=f"availability of {self.name}", daemon=True).start()
        if not begun.wait(_FIRST_LOOK.total_seconds()):
            raise NotObserved(f"{self.name} can be followed", last=seen.lost, within=_FIRST_LOOK)
        try:
            yield seen
        finally:
            over.set()

    def _pods(self) -> Selection:
        return Selection(POD, self.namespace, labels=selector(self.labels))

    def _wait_pods(self, until: Callable[[Objects], bool], what: str, within: timedelta) -> None:
        watched(self.api, self._pods(), until=until, within=within, what=what, shown=summary)


@dataclass
class Availability:
    """How many replicas were ready at each change; *lost* says why the observation ended early, None if it did not."""

    counts: list[int] = field(default_factory=list)
    lost: str | None = None

    @property
    def lowest(self) -> int:
        """The fewest that were ready at any time. Raises ValueError when nothing was observed."""
        return min(self.counts)


@dataclass(frozen=True)
class Job:
    """A Job, by name."""

    api: Api
    name: str
    namespace: str

    @property
    def document(self) -> Document:
        """The object as it is now. Raises Absent."""
        return self.api.get(JOB, self.name, self.namespace)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Its pods."""
        chosen = Selection(POD, self.namespace, labels=f"batch.kubernetes.io/job-name={self.name}")
        return tuple(Pod(self.api, item) for item in self.api.list(chosen).items)

    def wait_ended(self, *, within: timedelta) -> Job:
        """Return once it is complete or has failed. Raises NotObserved."""
        watched(
            self.api,
            Selection.one(JOB, self.name, self.namespace),
            until=lambda objects: (
                bool(objects) and (objects[0].condition("Complete") or objects[0].condition("Failed"))
            ),
            within=within,
            what=f"job {self.name} ends",
            shown=lambda objects: objects[0].at("status") if objects else "no such job",
        )
        return self

    def wait_complete(self, *, within: timedelta) -> Job:
        """Return once it has ended well. Raises NotObserved, also when it failed."""
        self.wait_ended(within=within)
        document = self.document
        if not document.condition("Complete"):
            raise NotObserved(f"job {self.name} ends well", last=document.at("status"), within=within)
        return self

    def again(self, name: str, *, within: timedelta, arguments: Sequence[str] | None = None) -> Job:
        """Run the same pods once more as the new Job *name* and return once that has ended. Raises NotObserved.

        *arguments* take the place of those of its containers.
        """
        template = self.document
        labels = {
            key: value
            for key, value in template.texts("spec.template.metadata.labels").items()
            if key not in _SET_BY_API
        }
        spec = template.at("spec.template.spec")
        if arguments is not None and isinstance(spec, dict):
            spec = {**spec, "containers": [{**container, "args": [*arguments]} for container in spec["containers"]]}
        self.api.create(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {
                    "backoffLimit": template.number("spec.backoffLimit"),
                    "template": {"metadata": {"labels": labels}, "spec": spec},
                },
            }
        )
        return Job(self.api, name, self.namespace).wait_ended(within=within)

    @property
    def complete(self) -> bool:
        """Whether it reached its end with success."""
        return self.document.condition("Complete")

    def delete(self) -> None:
        """Remove it with its pods."""
        self.api.delete(JOB, self.name, self.namespace)


def ready_count(pods: Objects) -> int:
    """How many of *pods* are ready to serve."""
    return sum(map(is_ready, pods))


def rolled_out(workload: Document) -> bool:
    """Whether the controller has seen the newest template and every replica is of it and available."""
    wanted = workload.number("spec.replicas")
    status = {name: workload.number(f"status.{name}") for name in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = workload.number("status.observedGeneration") >= workload.number("metadata.generation")
    return seen and all(count == wanted for count in status.values())


def summary(pods: Objects) -> str:
    """Write *pods* and their states on one line."""
    return (
        ", ".join(f"{pod.name} {_state(pod)} on {pod.text('spec.nodeName') or 'no node'}" for pod in pods) or "no pods"
    )


def _state(pod: Document) -> str:
    if pod.text("metadata.deletionTimestamp"):
        return "terminating"
    waiting = (item.text("state.waiting.reason") for item in pod.documents("status.containerStatuses"))
    return "ready" if is_ready(pod) else next(filter(None, waiting), pod.text("status.phase") or "unknown")


def _progress(objects: Objects) -> str:
    if not objects:
        return "no such workload"
    status = {
        name: objects[0].number(f"status.{name}") for name in ("replicas", "updatedReplicas", "availableReplicas")
    }
    return f"{objects[0].number('spec.replicas')} wanted, " + ", ".join(
        f"{name} {count}" for name, count in status.items()
    )
