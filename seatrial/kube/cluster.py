"""The cluster under test, as the place where everything else is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.kube import kinds
from seatrial.kube.api import Api, Selection, settings_from
from seatrial.kube.namespace import SCENARIO_LABEL, Namespace
from seatrial.kube.node import CORDONED_BY_US, Node
from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.kube.document import Document
    from seatrial.kube.workload import Workload
    from seatrial.target import Target

# Metrics are collected at least once a minute; what is that old was not collected any more.
_FRESH = timedelta(minutes=5)


def measured(scrapes: Iterable[Document], now: datetime) -> tuple[str, ...]:
    """Return the names of what *scrapes* of the metrics API say the use of, leaving out those that are stale *now*."""
    found = []
    for scrape in scrapes:
        at = scrape.moment("timestamp")
        if at is not None and now - at <= _FRESH and scrape.text("usage.cpu") and scrape.text("usage.memory"):
            found.append(scrape.name)
    return tuple(found)


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
        """The nodes whose use of CPU and memory the metrics API reports, as it was within the last minutes.

        Raises Refused, Interrupted when that API is not there.
        """
        return measured(self.scrapes, datetime.now(UTC))

    @property
    def scrapes(self) -> tuple[Document, ...]:
        """What the metrics API reports of each node, however old. Raises Refused, Interrupted when it is not there."""
        return self.api.ask("GET", "/apis/metrics.k8s.io/v1beta1/nodes").documents("items")

    def wait_measured(self, *, within: timedelta) -> tuple[str, ...]:
        """Return the nodes whose use the metrics API reports, once those are all that are ready.

        Raises NotObserved, and Inconclusive when no node is ready.
        """
        ready = {node.name for node in self.nodes if node.ready}
        if not ready:
            raise Inconclusive("no node is ready, so there is none to measure", Missing.SAMPLE)
        return eventually(
            lambda: self.measured_nodes,
            until=lambda names: ready <= set(names),
            within=within,
            what="the metrics API reports the use of every ready node",
        )

    def spare_worker(self, namespace: Namespace, workload: Workload) -> Node:
        """Return a ready worker that serves *workload* but holds none of the volumes of *namespace*.

        Losing such a node takes a replica away but no data. Raises Inconclusive when there is none.
        """
        bound = {pod.node for pod in namespace.pods() if pod.claims}
        serving = {pod.node for pod in workload.ready_pods}
        found = next((node for node in self.workers if node.name in serving - bound and node.ready), None)
        if found is None:
            raise Inconclusive(
                f"no worker runs {workload.name} without holding data: it runs on {', '.join(sorted(serving))}, "
                f"data is on {', '.join(sorted(bound))}"
            )
        return found

    def restore(self) -> None:
        """Undo what a run that was killed may have left: nodes cordoned by a test, and namespaces made for one."""
        for node in self.nodes:
            if CORDONED_BY_US in node.document.annotations:
                node.uncordon()
        for leftover in self.api.list(Selection(kinds.NAMESPACE, labels=SCENARIO_LABEL)).items:
            Namespace(self.api, leftover.name).delete()
