"""The cluster that an experiment is done to, as far as its actions and probes need it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos.certificates import CertificateExpiry, Keeping
from seatrial.chaos.entrance import Entrance
from seatrial.chaos.nodes import ZoneOutage
from seatrial.chaos.pods import Place
from seatrial.chaos.targets import LocalPod
from seatrial.errors import UsageError
from seatrial.kube.api import Api, Selection, settings_from
from seatrial.kube.kinds import DEPLOYMENT, NODE, POD, SERVICE
from seatrial.kube.node import Node
from seatrial.kube.workload import Workload
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from seatrial.cluster import EmbeddedNode
    from seatrial.cluster.layout import Layout
    from seatrial.cluster.record import Record
    from seatrial.kube import Pod

_HTTPS = 443


@dataclass(frozen=True)
class Ground:
    """The cluster behind a kubeconfig; *nodes* are those of the embedded cluster, by name, where it is that one."""

    kubeconfig: Path
    context: str | None = None

    @classmethod
    def found(cls) -> Ground:
        """Return the cluster of KUBECONFIG, or else the embedded one. Raises UsageError when there is neither."""
        from seatrial.cluster.layout import Layout  # noqa: PLC0415 (loading it takes long)

        named = os.environ.get("KUBECONFIG")
        kubeconfig = Path(named) if named else Layout().kubeconfig
        if not kubeconfig.is_file():
            raise UsageError(
                f"There is no cluster to experiment on: {kubeconfig} does not exist; start the embedded one, or name "
                "the kubeconfig of another in KUBECONFIG."
            )
        return cls(kubeconfig)

    @cached_property
    def api(self) -> Api:
        """A connection to it."""
        return Api(settings_from(self.kubeconfig, self.context))

    def close(self) -> None:
        """Close the connection, if there is one."""
        with suppress(KeyError):
            self.__dict__.pop("api").close()

    def place(self, namespace: str, deployment: str) -> Place:
        """Return how a Deployment is reached by a fault of it."""
        return Place(self.kubeconfig, self.context, namespace, deployment)

    def workload(self, namespace: str, deployment: str) -> Workload:
        """Return a Deployment."""
        return Workload(self.api, DEPLOYMENT, deployment, namespace)

    def pods(self, namespace: str, deployment: str, count: int) -> tuple[Pod, ...]:
        """Return *count* ready pods of a Deployment. Raises UsageError when there are fewer."""
        ready = sorted(self.workload(namespace, deployment).ready_pods, key=lambda pod: pod.name)
        if count < 1 or len(ready) < count:
            raise UsageError(f"{namespace}/{deployment} has {len(ready)} ready pods: {count} were to be chosen.")
        return tuple(ready[:count])

    def local(self, pod: Pod) -> LocalPod:
        """Return *pod* as it runs on this machine. Raises Inconclusive."""
        return LocalPod.find(pod)

    def addresses(self, namespace: str, service: str) -> tuple[str, ...]:
        """Return the addresses of a Service and of the pods behind it. Raises Absent."""
        document = self.api.get(SERVICE, service, namespace)
        selected = ",".join(f"{key}={value}" for key, value in document.texts("spec.selector").items())
        pods = self.api.list(Selection(POD, namespace, labels=selected)).items
        own = document.text("spec.clusterIP")
        found = [own] if own and own != "None" else []
        return tuple(found + [pod.text("status.podIP") for pod in pods if pod.text("status.podIP")])

    def expiry(self, namespace: str, secret: str, host: str) -> CertificateExpiry:
        """Return the fault that the certificate in *secret*, which the edge shows under the name *host*, has run out.

        Raises UsageError when the cluster is not the embedded one, Inconclusive when there is no such certificate.
        """
        from seatrial.cluster.layout import PLAN  # noqa: PLC0415 (as above)

        embedded = self._embedded()
        if embedded is None:
            raise UsageError(
                f"The authority of {namespace}/{secret} is not known: only the embedded cluster keeps a certificate of "
                "its own that has run out."
            )
        layout, record = embedded
        if not layout.edge_expired.is_file():
            raise Inconclusive(f"{layout.edge_expired} is missing: the cluster was made without it", Missing.ABILITY)
        keeping = Keeping(self.kubeconfig, self.context, namespace, secret)
        entrance = Entrance(str(record.subnet.node(PLAN[0])), _HTTPS, host, layout.edge_authority)
        return CertificateExpiry.planned(keeping, entrance, layout.edge_expired.read_text(encoding="utf-8"))

    def node(self, name: str) -> EmbeddedNode:
        """Return a node of the embedded cluster. Raises UsageError when that is not the one."""
        from seatrial.cluster.layout import PLAN  # noqa: PLC0415 (as above)
        from seatrial.cluster.nodes import EmbeddedNode  # noqa: PLC0415 (as above)

        plan = next((plan for plan in PLAN if plan.name == name), None)
        embedded = self._embedded()
        if plan is None or embedded is None:
            raise UsageError(f"{name} is no node of the embedded cluster, and nodes of another cannot be reached.")
        layout, record = embedded
        return EmbeddedNode(plan, layout, str(record.subnet.node(plan)))

    def outage(self, zone: str) -> ZoneOutage:
        """Return the fault that all nodes of *zone* lose their power.

        Raises UsageError when none stands there, or all do that the cluster is ruled from: nobody could say then what
        became of it.
        """
        nodes = tuple(Node(self.api, item.name) for item in self.api.list(Selection(NODE)).items)
        zones = {node.name: node.zone for node in nodes}
        there = tuple(name for name, found in zones.items() if found == zone)
        if not there:
            known = ", ".join(sorted(set(filter(None, zones.values())))) or "none"
            raise UsageError(f"No node stands in the zone {zone}: known are {known}.")
        ruling = {node.name for node in nodes if not node.worker}
        if ruling and ruling <= set(there):
            raise UsageError(
                f"The zone {zone} holds all nodes that the cluster is ruled from: choose another, or have one of them "
                "elsewhere."
            )
        clusters = {self.node(name).layout.name for name in there}
        return ZoneOutage(clusters.pop(), zone, there)

    def _embedded(self) -> tuple[Layout, Record] | None:
        """Return what the embedded cluster is made of, None when it is not the one."""
        from seatrial.cluster.layout import Layout  # noqa: PLC0415 (as above)
        from seatrial.cluster.record import Record  # noqa: PLC0415 (as above)

        layout = Layout()
        record = Record.read(layout)
        same = self.kubeconfig.resolve() == layout.kubeconfig.resolve()
        return (layout, record) if record is not None and same else None
