"""Where an embedded cluster keeps what it owns: names, folders and addresses, all derived from its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
INFRA = REPOSITORY / "infra" / "cluster"

REGISTRY_HOST = "registry.seatrial.internal"
REGISTRY_PORT = 5000
POD_NETWORK = "10.244.0.0/16"
SERVICE_NETWORK = "10.96.0.0/16"
# kubeadm gives the name service the tenth address of the service range.
NAME_SERVICE = str(IPv4Network(SERVICE_NETWORK)[10])


@dataclass(frozen=True)
class NodePlan:
    """One node as it is meant to be."""

    name: str
    index: int
    zone: str
    pool: str | None

    @property
    def control_plane(self) -> bool:
        """Whether the API server runs here."""
        return self.pool is None

    @property
    def pod_network(self) -> str:
        """The range from which this node's pods get addresses."""
        return f"10.244.{self.index}.0/24"


PLAN = (
    NodePlan("control-plane", 2, "local-a", None),
    NodePlan("worker-system", 3, "local-a", "system"),
    NodePlan("worker-application", 4, "local-b", "application"),
)


@dataclass(frozen=True)
class Layout:
    """The names of everything that one embedded cluster owns on the machine."""

    name: str = "local"

    @property
    def state(self) -> Path:
        """Folder that survives a reboot: node file systems, keys, kubeconfig."""
        root = Path(os.environ.get("SEATRIAL_STATE", "/var/lib/seatrial"))
        return root / self.name

    @property
    def runtime(self) -> Path:
        """Folder for sockets, locks and the supervisor's service folders."""
        return Path("/run/seatrial") / self.name

    @property
    def lock(self) -> Path:
        """File whose lock whoever uses the cluster holds; it lies outside the folders that `down` removes."""
        return Path("/run/lock") / f"seatrial-{self.name}.lock"

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig, readable by its owner alone."""
        return self.state / "kubeconfig"

    @property
    def edge_authority(self) -> Path:
        """Certificate of the authority that signed the edge's."""
        return self.state / "edge-authority.pem"

    @property
    def edge_expired(self) -> Path:
        """Certificate of the edge that has run out; its key is the edge's own."""
        return self.state / "edge-expired.pem"

    @property
    def services(self) -> Path:
        """Folder that the supervisor watches: one service folder per node, and the registry."""
        return self.runtime / "services"

    @property
    def cgroup(self) -> str:
        """Path of the cluster's control group below each hierarchy's root."""
        return f"seatrial/{self.name}"

    @property
    def switch(self) -> str:
        """Network namespace that holds the bridge between the nodes."""
        return f"seatrial-{self.name}-switch"

    @property
    def host_link(self) -> str:
        """The one link the cluster has in the host's own network namespace (15 characters at most)."""
        return f"st-{self.name[:12]}"

    def network_namespace(self, node: NodePlan) -> str:
        """Network namespace of *node*."""
        return f"seatrial-{self.name}-{node.name}"

    def node_state(self, node: NodePlan) -> Path:
        """Folder that holds *node*'s disk."""
        return self.state / "nodes" / node.name

    def node_service(self, node: NodePlan) -> Path:
        """Supervisor's service folder of *node*."""
        return self.services / node.name
