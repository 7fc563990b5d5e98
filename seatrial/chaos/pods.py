"""Faults that are done through the cluster's API: pods that are killed, and pods that cannot start."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 (leases are read by these annotations)
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.connection import connected
from seatrial.chaos.fault import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State
    from seatrial.kube import Workload

# A name that no registry can have: hosts below .invalid do not exist (RFC 2606).
NOWHERE = "seatrial.invalid/absent:none"


@dataclass(frozen=True)
class Place:
    """A Deployment, and the kubeconfig by which it is reached; the file must be there as long as the fault is."""

    kubeconfig: Path
    context: str | None
    namespace: str
    deployment: str

    @contextmanager
    def workload(self) -> Iterator[Workload]:
        """Connect to the cluster for its Deployment until the block ends."""
        from seatrial.kube import Workload, kinds  # noqa: PLC0415 (as in connected)

        with connected(self.kubeconfig, self.context) as api:
            yield Workload(api, kinds.DEPLOYMENT, self.deployment, self.namespace)

    def state(self) -> State:
        """Return what the Deployment is told to be; nothing when it is gone, or its cluster is."""
        from seatrial.kube import Absent  # noqa: PLC0415 (as in connected)

        if not self.kubeconfig.exists():
            return {}
        with self.workload() as workload:
            try:
                document = workload.document
            except Absent:
                return {}
            images = (
                f"{container.text('name')}: {container.text('image')}"
                for container in document.documents("spec.template.spec.containers")
            )
            state: State = {"images": tuple(images)}
            if not self._scaled_by_others(workload):
                state["replicas"] = (str(document.number("spec.replicas")),)
            return state

    def _scaled_by_others(self, workload: Workload) -> bool:
        """Whether an autoscaler says how many replicas there are, which is then nothing that must stay."""
        from seatrial.kube import Selection, kinds  # noqa: PLC0415 (as in connected)

        scalers = workload.api.list(Selection(kinds.AUTOSCALER, self.namespace)).items
        return any(one.text("spec.scaleTargetRef.name") == self.deployment for one in scalers)

    def unready(self) -> tuple[str, ...]:
        """Return what keeps the Deployment from being whole, one line; none when it is gone."""
        from seatrial.kube.workload import rolled_out  # noqa: PLC0415 (as in connected)

        if not self.state():
            return ()
        with self.workload() as workload:
            whole = rolled_out(workload.document) and len(workload.ready_pods) >= workload.replicas
            return () if whole else (f"{len(workload.ready_pods)} of {workload.replicas} replicas are ready",)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.deployment}"


@registered
@dataclass(frozen=True)
class PodKill:
    """*pods* (names, with the identity that no successor shares) are killed at once, without grace."""

    kind: ClassVar[str] = "pod-kill"
    place: Place
    pods: tuple[tuple[str, str], ...]

    @property
    def target(self) -> str:
        return f"{', '.join(name for name, _ in self.pods)} of {self.place}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        with self.place.workload() as workload:
            for pod in workload.pods:
                if (pod.name, pod.uid) in self.pods:
                    pod.kill()
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        with self.place.workload() as workload:
            left = {pod.uid for pod in workload.pods if pod.ready} & {uid for _, uid in self.pods}
        return "" if left else f"{self.target} does not serve any more"

    def undo(self, mark: str) -> None:
        """Do nothing: replacing what was killed is what the platform is tried for."""

    def residue(self, mark: str) -> tuple[str, ...]:
        del mark
        return self.place.unready()

    def state(self) -> State:
        return self.place.state()


@registered
@dataclass(frozen=True)
class PodCannotStart:
    """New pods of a Deployment cannot start: the image of *container* is one that nobody has, in place of *image*."""

    kind: ClassVar[str] = "pod-cannot-start"
    place: Place
    container: str
    image: str

    @property
    def target(self) -> str:
        return f"new pods of {self.place}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        self._set(NOWHERE)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        with self.place.workload() as workload:
            waiting = {
                state.text("state.waiting.reason")
                for pod in workload.pods
                for state in pod.document.documents("status.containerStatuses")
                if state.text("image") == NOWHERE or NOWHERE in state.text("state.waiting.message")
            }
        return ", ".join(sorted(filter(None, waiting & {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"})))

    def undo(self, mark: str) -> None:
        del mark
        if self.place.state():
            self._set(self.image)

    def residue(self, mark: str) -> tuple[str, ...]:
        del mark
        return self.place.unready()

    def state(self) -> State:
        return self.place.state()

    def _set(self, image: str) -> None:
        with self.place.workload() as workload:
            containers = workload.document.at("spec.template.spec.containers")
            if not isinstance(containers, list):
                raise TypeError(f"{self.place} has no list of containers")
            changed = [{**one, "image": image} if one.get("name") == self.container else one for one in containers]
            workload.api.merge(
                workload.kind,
                workload.name,
                workload.namespace,
                {"spec": {"template": {"spec": {"containers": changed}}}},
            )
