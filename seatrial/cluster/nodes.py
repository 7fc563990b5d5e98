"""A running embedded cluster and its nodes, with the faults that can be done to a node as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.cluster import network
from seatrial.cluster.command import CommandFailed, run
from seatrial.cluster.supervisor import Supervisor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from seatrial.cluster.layout import Layout, NodePlan
    from seatrial.target import Edge, Registry

# Followed by the id of the node's first process, and the command.
ENTER = ("nsenter", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--target")
PROGRAM_PATH = ":".join(
    [
        *(f"/opt/seatrial/{program}" for program in ("kubernetes", "containerd", "etcd")),
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
)


@dataclass(frozen=True)
class EmbeddedNode:
    """One node of the embedded cluster, and the faults that can be done to it as a whole."""

    plan: NodePlan
    layout: Layout
    address: str

    @property
    def name(self) -> str:
        """The node's name, in the cluster and here."""
        return self.plan.name

    @property
    def zone(self) -> str:
        """The zone it stands in."""
        return self.plan.zone

    @property
    def pool(self) -> str | None:
        """The pool it belongs to; None for the control plane."""
        return self.plan.pool

    @property
    def on(self) -> bool:
        """Whether the node's first process runs."""
        return Supervisor(self.layout).first_process(self.plan) is not None

    @property
    def connected(self) -> bool:
        """Whether the node's cable is in."""
        return network.cable_connected(self.layout, self.plan)

    def power_off(self) -> None:
        """Cut the power: every process of the node ends at once, its disk stays. Returns when all have ended."""
        Supervisor(self.layout).power(self.plan, on=False)

    def power_on(self) -> None:
        """Start the node again; does nothing to one that runs. Returns before the node is Ready."""
        Supervisor(self.layout).power(self.plan, on=True)

    def cut_off(self) -> None:
        """Pull the network cable; what runs on the node goes on."""
        network.set_cable(self.layout, self.plan, connected=False)

    def reconnect(self) -> None:
        """Put the network cable back."""
        network.set_cable(self.layout, self.plan, connected=True)

    def run(
        self, command: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: timedelta | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* on the node as root and return what it printed.

        Raises CommandFailed when *check* is set and it ends with an error, or when the node is off.
        """
        first = Supervisor(self.layout).first_process(self.plan)
        if first is None:
            raise CommandFailed(command, 255, f"node {self.name} is off")
        environment = {"PATH": PROGRAM_PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        return run([*ENTER, str(first), *command], check=check, stdin=stdin, env=environment, timeout=timeout)


@dataclass(frozen=True)
class RunningCluster:
    """An embedded cluster that answered when this was made."""

    name: str
    kubeconfig: Path
    registry: Registry
    edge: Edge
    nodes: tuple[EmbeddedNode, ...]
    kubectl: Path
    images: Mapping[str, str]

    @property
    def control_plane(self) -> EmbeddedNode:
        """The node that runs the API server."""
        return next(node for node in self.nodes if node.plan.control_plane)

    def node(self, name: str) -> EmbeddedNode:
        """Return the node called *name*; LookupError for another name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise LookupError(f"the embedded cluster has no node {name}; it has {', '.join(n.name for n in self.nodes)}")
