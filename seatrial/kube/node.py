"""A node: is it ready, where does it stand, who may run on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.kube.api import Interrupted, Refused, Selection
from seatrial.kube.kinds import NODE, POD
from seatrial.kube.pod import Pod
from seatrial.kube.watching import watched
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document

ZONE = "topology.kubernetes.io/zone"
POOL = "seatrial.dev/pool"
CORDONED_BY_US = "seatrial.dev/cordoned"
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_TOO_MANY_REQUESTS = 429
_NOT_MOVED = ("DaemonSet", "Node")


@dataclass(frozen=True)
class Node:
    """A node, by name. What it says of itself is read anew each time."""

    api: Api
    name: str

    @property
    def document(self) -> Document:
        """The object as it is now. Raises Absent."""
        return self.api.get(NODE, self.name)

    @property
    def ready(self) -> bool:
        """Whether its kubelet reports that pods can run on it."""
        return self.document.condition("Ready")

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.document.labels

    @property
    def zone(self) -> str:
        """The zone it stands in; empty when it names none."""
        return self.labels.get(ZONE, "")

    @property
    def pool(self) -> str:
        """The group of nodes it belongs to; empty when it names none."""
        return self.labels.get(POOL) or self.labels.get("eks.amazonaws.com/nodegroup", "")

    @property
    def worker(self) -> bool:
        """Whether it is there for workloads and not for the control plane."""
        return _CONTROL_PLANE not in self.labels

    @property
    def conditions(self) -> Mapping[str, str]:
        """Its conditions by name: True, False or Unknown."""
        return {item.text("type"): item.text("status") for item in self.document.documents("status.conditions")}

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The pods placed on it, of all namespaces."""
        return tuple(
            Pod(self.api, item) for item in self.api.list(Selection(POD, fields=f"spec.nodeName={self.name}")).items
        )

    def wait_ready(self, *, within: timedelta) -> Node:
        """Return once it is ready. Raises NotObserved."""
        return self._wait(ready=True, within=within)

    def wait_not_ready(self, *, within: timedelta) -> Node:
        """Return once the cluster has noticed that it is not ready. Raises NotObserved."""
        return self._wait(ready=False, within=within)

    def cordon(self) -> None:
        """Let no new pod be placed on it; leave a mark by which a later run can tell that this was a test's doing."""
        self.api.merge(
            NODE,
            self.name,
            None,
            {"metadata": {"annotations": {CORDONED_BY_US: "true"}}, "spec": {"unschedulable": True}},
        )

    def uncordon(self) -> None:
        """Let pods be placed on it again."""
        self.api.merge(
            NODE,
            self.name,
            None,
            {"metadata": {"annotations": {CORDONED_BY_US: None}}, "spec": {"unschedulable": None}},
        )

    def drain(self, *, within: timedelta) -> Node:
        """Cordon it and evict what can run elsewhere, as ``kubectl drain`` does; return once that is gone.

        Each eviction that a disruption budget forbids is asked for again. Raises NotObserved.
        """
        self.cordon()

        def left() -> tuple[str, ...]:
            staying = []
            for pod in self.pods:
                if _moves(pod):
                    staying.append(f"{pod.namespace}/{pod.name}")
                    _evict_if_allowed(pod)
            return tuple(staying)

        eventually(left, until=lambda pods: not pods, within=within, what=f"{self.name} is drained")
        return self

    def _wait(self, *, ready: bool, within: timedelta) -> Node:
        watched(
            self.api,
            Selection.one(NODE, self.name),
            until=lambda nodes: bool(nodes) and nodes[0].condition("Ready") is ready,
            within=within,
            what=f"node {self.name} is {'ready' if ready else 'seen as lost'}",
            shown=lambda nodes: _reason(nodes[0]) if nodes else "no such node",
        )
        return self


def _moves(pod: Pod) -> bool:
    owners = {owner.text("kind") for owner in pod.document.documents("metadata.ownerReferences")}
    finished = pod.document.text("status.phase") in ("Succeeded", "Failed")
    return not finished and not owners.intersection(_NOT_MOVED)


def _evict_if_allowed(pod: Pod) -> None:
    if pod.document.text("metadata.deletionTimestamp"):
        return
    try:
        pod.evict()
    except Refused as error:
        if error.status not in (_TOO_MANY_REQUESTS, 404):
            raise
    except Interrupted:
        return


def _reason(node: Document) -> str:
    ready = next((item for item in node.documents("status.conditions") if item.text("type") == "Ready"), None)
    return f"Ready={ready.text('status')}: {ready.text('message')}" if ready else "no Ready condition"
