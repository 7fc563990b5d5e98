"""The cluster under test, as the place where everything else is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.kube import kinds
from seatrial.kube.api import Api, Interrupted, Refused, Selection, settings_from
from seatrial.kube.namespace import SCENARIO_LABEL, Namespace
from seatrial.kube.node import CORDONED_BY_US, Node

if TYPE_CHECKING:
    from seatrial.target import Target


@dataclass(frozen=True)
class Cluster:
    """A connection to the cluster that *target* names."""

    target: Target
    api: Api

    @classmethod
    def connect(cls, target: Target) -> Cluster:
        """Connect to *target* with a client of its own; the client library's global settings stay as they are.

        Raises Interrupted when the API does not answer.
        """
        return cls(target, Api(settings_from(target.kubeconfig, target.context)))

    def close(self) -> None:
        """Close all connections."""
        self.api.close()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All its nodes."""
        return tuple(Node(self.api, item.name) for item in self.api.list(Selection(kinds.NODE)).items)

    @property
    def workers(self) -> tuple[Node, ...]:
        """Its nodes that are there for workloads."""
        return tuple(node for node in self.nodes if node.worker)

    def node(self, name: str) -> Node:
        """Return the node *name*, which need not exist."""
        return Node(self.api, name)

    def namespace(self, name: str) -> Namespace:
        """Return the namespace *name*, which need not exist."""
        return Namespace(self.api, name)

    @property
    def measured_nodes(self) -> tuple[str, ...]:
        """The nodes whose use of CPU and memory the metrics API reports.

        Raises Refused, Interrupted when that API is not there.
        """
        answer = self.api.ask("GET", "/apis/metrics.k8s.io/v1beta1/nodes")
        return tuple(
            item.name for item in answer.documents("items") if item.text("usage.cpu") and item.text("usage.memory")
        )

    def measured_pods(self, namespace: str) -> tuple[str, ...]:
        """Return the pods of *namespace* whose use the metrics API reports; none when that API is not there."""
        try:
            answer = self.api.ask("GET", f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")
        except (Refused, Interrupted):
            return ()
        return tuple(item.name for item in answer.documents("items"))

    def spare_worker(self, namespace: Namespace, labels: dict[str, str]) -> Node | None:
        """Return a ready worker that serves from *namespace* but holds none of its volumes.

        It runs a ready pod with *labels*, and no pod that is bound to a volume.

        Losing such a node takes a replica away but no data. None when there is none.
        """
        pods = namespace.pods()
        bound = {pod.node for pod in pods if pod.claims}
        serving = {pod.node for pod in namespace.pods(labels) if pod.ready}
        return next((node for node in self.workers if node.name in serving - bound and node.ready), None)

    def restore(self) -> None:
        """Undo what a run that was killed may have left: nodes cordoned by a test, and namespaces made for one."""
        for node in self.nodes:
            if CORDONED_BY_US in node.document.annotations:
                node.uncordon()
        for leftover in self.api.list(Selection(kinds.NAMESPACE, labels=SCENARIO_LABEL)).items:
            Namespace(self.api, leftover.name).delete()
