"""What the cluster can do, found out by trying: so that a missing ability is never taken for a good or a bad result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from seatrial.kube import kinds
from seatrial.kube.api import Absent, Interrupted, Refused, Selection
from seatrial.kube.cluster import measured
from seatrial.kube.namespace import Namespace
from seatrial.kube.node import ZONE
from seatrial.kube.pod import PodPlan
from seatrial.kube.store import Store
from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from seatrial.kube.cluster import Cluster
    from seatrial.kube.document import Document
    from seatrial.target import Edge

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
PORT = 8080
# The service that every cluster has.
API_NAME = "kubernetes.default.svc.cluster.local."
_POLICY_TAKES_HOLD = timedelta(seconds=30)
_METRICS_ANSWER = timedelta(seconds=60)


@dataclass(frozen=True)
class Capability:
    """Whether the cluster can do something; *reason* says what was seen, *lack* what is missing without it."""

    name: str
    present: bool
    reason: str
    lack: Missing = Missing.ABILITY

    def require(self) -> None:
        """Raise Inconclusive, with the reason, when it is absent."""
        if not self.present:
            raise Inconclusive(f"{self.name}: {self.reason}", self.lack)


@dataclass(frozen=True)
class Capabilities:
    """The abilities of *cluster*, each tried once, when first asked for.

    *toolbox* is an image with a shell, nc and wget.
    """

    cluster: Cluster
    toolbox: str

    @cached_property
    def network_policy(self) -> Capability:
        """Whether traffic that a NetworkPolicy denies is stopped, while traffic that it allows still passes.

        A pod listens, two others knock; then a policy lets in one of them alone.
        """
        name, lack = "enforced network policy", Missing.ENFORCEMENT
        try:
            with Namespace.passing(self.cluster.api, "probe-policy") as place:
                listener = place.start(listener_plan(self.toolbox, "listener", {"role": "listener"}))
                permitted = place.start(idle_plan(self.toolbox, "permitted", {"role": "permitted"}))
                stranger = place.start(idle_plan(self.toolbox, "stranger", {"role": "stranger"}))
                if not (permitted.connects(listener.address, PORT) and stranger.connects(listener.address, PORT)):
                    reason = "pods do not reach each other even without a policy"
                    return Capability(name, present=False, reason=reason, lack=lack)
                self.cluster.api.create(_only_permitted(place.name))
                eventually(
                    lambda: (permitted.connects(listener.address, PORT), stranger.connects(listener.address, PORT)),
                    until=lambda seen: seen == (True, False),
                    within=_POLICY_TAKES_HOLD,
                    what="the permitted pod passes and the stranger does not",
                )
        except NotObserved as error:
            return Capability(name, present=False, reason=str(error), lack=lack)
        return Capability(name, present=True, reason="a policy stopped a stranger and let its permitted twin pass")

    @cached_property
    def metrics(self) -> Capability:
        """Whether the metrics API answers with the use of at least one node."""
        name = "metrics API"

        def look() -> tuple[Document, ...] | str:
            try:
                return self.cluster.scrapes
            except (Refused, Interrupted) as error:
                return str(error)

        try:
            first = look()
            if isinstance(first, str) and self._not_installed:
                return Capability(name, present=False, reason=first)
            eventually(
                look,
                until=lambda seen: isinstance(seen, tuple) and bool(measured(seen, datetime.now(UTC))),
                within=_METRICS_ANSWER,
                what="the metrics API reports a node",
            )
        except NotObserved as error:
            lack = Missing.FRESHNESS if isinstance(error.last, tuple) and error.last else Missing.SAMPLE
            return Capability(name, present=False, reason=str(error), lack=lack)
        return Capability(name, present=True, reason="it reports the use of nodes")

    @property
    def _not_installed(self) -> bool:
        try:
            self.cluster.api.ask("GET", "/apis/metrics.k8s.io/v1beta1")
        except Absent:
            return True
        except (Refused, Interrupted):
            return False
        return False

    @cached_property
    def default_storage(self) -> Capability:
        """Whether a claim that names no storage class gets one."""
        classes = self.cluster.api.list(Selection(kinds.STORAGE_CLASS)).items
        found = [item.name for item in classes if item.annotations.get(_DEFAULT_CLASS) == "true"]
        reason = f"{found[0]} is the default" if found else f"none of {len(classes)} storage classes is the default"
        return Capability("default storage class", present=bool(found), reason=reason)

    @cached_property
    def pod_security(self) -> Capability:
        """Whether Pod Security admission refuses what a namespace's label forbids, and admits what it allows."""
        name, lack = "Pod Security admission", Missing.ENFORCEMENT
        with Namespace.passing(self.cluster.api, "probe-admission") as place:
            forbidden = place.admits(PodPlan("forbidden", self.toolbox, ("true",), {}, privileged=True))
            allowed = place.admits(PodPlan("allowed", self.toolbox, ("true",), {}))
        if allowed is not None:
            return Capability(name, present=False, reason=f"even a restricted pod is refused: {allowed}", lack=lack)
        reason = forbidden or "a privileged pod is admitted to a namespace labelled restricted"
        return Capability(name, present=forbidden is not None, reason=reason, lack=lack)

    @cached_property
    def ingress(self) -> Capability:
        """Whether there is an ingress class, and an edge through which its traffic enters."""
        name = "ingress"
        classes = self.cluster.api.list(Selection(kinds.INGRESS_CLASS)).items
        if not classes:
            return Capability(name, present=False, reason="the cluster has no ingress class")
        if self.cluster.target.edge is None:
            return Capability(name, present=False, reason="no edge is known: give its address with --edge")
        default = [item.name for item in classes if item.annotations.get(_DEFAULT_INGRESS) == "true"]
        return Capability(name, present=True, reason=f"ingress class {(default or [classes[0].name])[0]}")

    @property
    def edge(self) -> Edge:
        """Where the traffic of ingresses enters. Raises Inconclusive when there is no such place."""
        self.ingress.require()
        if self.cluster.target.edge is None:
            raise Inconclusive("no edge is known", Missing.ABILITY)
        return self.cluster.target.edge

    @cached_property
    def zones(self) -> Capability:
        """Whether the workers stand in more than one zone."""
        zones = sorted({node.labels[ZONE] for node in self.cluster.workers if ZONE in node.labels})
        reason = f"the workers stand in {', '.join(zones) or 'no named zone'}"
        return Capability("more than one zone", present=len(zones) > 1, reason=reason)

    @cached_property
    def etcd(self) -> Capability:
        """Whether the cluster's own store can be read: etcd runs as a pod and brings etcdctl along."""
        name = "readable etcd"
        store = Store.of(self.cluster.namespace("kube-system"))
        if store is None:
            return Capability(
                name, present=False, reason="no etcd pod in kube-system: the control plane is not ours to see"
            )
        try:
            store.value("namespaces", None, "kube-system")
        except (Refused, Interrupted, Inconclusive) as error:
            return Capability(name, present=False, reason=str(error))
        return Capability(name, present=True, reason="the namespaces can be read in it")

    @property
    def store(self) -> Store:
        """The cluster's own store. Raises Inconclusive when it cannot be read."""
        self.etcd.require()
        found = Store.of(self.cluster.namespace("kube-system"))
        if found is None:
            raise Inconclusive("the etcd pod is gone", Missing.ANSWER)
        return found


def listener_plan(image: str, name: str, labels: dict[str, str], *, node: str | None = None) -> PodPlan:
    """Plan a pod that serves a page on port 8080."""
    serve = f"mkdir -p /tmp/page && echo hello > /tmp/page/index.html && exec httpd -f -p {PORT} -h /tmp/page"
    return PodPlan(name, image, ("sh", "-c", serve), labels, node=node, ready_on_port=PORT)


def idle_plan(image: str, name: str, labels: dict[str, str], *, node: str | None = None) -> PodPlan:
    """Plan a pod that waits to be told what to run."""
    return PodPlan(name, image, ("sleep", "3600"), labels, node=node)


def _only_permitted(namespace: str) -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "only-permitted", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"role": "listener"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "permitted"}}}]}],
        },
    }
