"""Faults of whole nodes of the embedded cluster: no power, no network, no pods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path  # noqa: TC003 (leases are read by these annotations)
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.connection import connected
from seatrial.chaos.fault import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State
    from seatrial.cluster.layout import Layout, NodePlan
    from seatrial.kube import Node

_DRAINED = timedelta(minutes=3)


def _found(cluster: str, node: str) -> tuple[Layout, NodePlan]:
    # Loading it takes longer than most faults: only those of nodes wait for it.
    from seatrial.cluster.layout import PLAN, Layout  # noqa: PLC0415

    return Layout(cluster), next(plan for plan in PLAN if plan.name == node)


@dataclass(frozen=True)
class _Lack(ABC):
    """*node* of the embedded cluster *cluster* lacks something that it has again afterwards."""

    cluster: str
    node: str

    @property
    def target(self) -> str:
        return f"node {self.node}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        self._have(yes=False)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        return "" if self._has() else self._said()

    def undo(self, mark: str) -> None:
        del mark
        if self._there():
            self._have(yes=True)

    def residue(self, mark: str) -> tuple[str, ...]:
        del mark
        return (self._said(),) if self._there() and not self._has() else ()

    def state(self) -> State:
        return {}

    @abstractmethod
    def _said(self) -> str:
        """Say that the node lacks it."""

    @abstractmethod
    def _there(self) -> bool:
        """Whether there is a node that could have it."""

    @abstractmethod
    def _has(self) -> bool:
        """Whether the node has it."""

    @abstractmethod
    def _have(self, *, yes: bool) -> None:
        """Let the node have it, or not."""


@registered
@dataclass(frozen=True)
class NodePowerOff(_Lack):
    """*node* of the embedded cluster *cluster* loses its power: all its processes end at once, its disk stays."""

    kind: ClassVar[str] = "node-power-off"

    def _said(self) -> str:
        return f"{self.node} is off"

    def _there(self) -> bool:
        layout, plan = _found(self.cluster, self.node)
        return layout.node_service(plan).is_dir()

    def _has(self) -> bool:
        from seatrial.cluster.supervisor import Supervisor  # noqa: PLC0415 (as in _found)

        layout, plan = _found(self.cluster, self.node)
        return Supervisor(layout).first_process(plan) is not None

    def _have(self, *, yes: bool) -> None:
        from seatrial.cluster.supervisor import Supervisor  # noqa: PLC0415 (as in _found)

        layout, plan = _found(self.cluster, self.node)
        Supervisor(layout).power(plan, on=yes)


@registered
@dataclass(frozen=True)
class ZoneOutage:
    """All *nodes* that stand in *zone* of the embedded cluster *cluster* lose their power together."""

    kind: ClassVar[str] = "zone-outage"
    cluster: str
    zone: str
    nodes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError when there is no node: what is done to none is seen at once, and is nothing."""
        if not self.nodes:
            raise ValueError(f"no node stands in the zone {self.zone}")

    @property
    def parts(self) -> tuple[NodePowerOff, ...]:
        """The fault of each node."""
        return tuple(NodePowerOff(self.cluster, node) for node in self.nodes)

    @property
    def target(self) -> str:
        return f"zone {self.zone} ({', '.join(self.nodes)})"

    def inject(self, mark: str) -> Injector | None:
        # Each is waited for until its last process has ended: one after the other, they would not fail together.
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda part: part.inject(mark), self.parts))
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        seen = [part.effect(mark, injector) for part in self.parts]
        return ", ".join(seen) if all(seen) else ""

    def undo(self, mark: str) -> None:
        with ExitStack() as stack:
            # One that cannot be switched on keeps back no other.
            for part in self.parts:
                stack.callback(part.undo, mark)

    def residue(self, mark: str) -> tuple[str, ...]:
        return tuple(line for part in self.parts for line in part.residue(mark))

    def state(self) -> State:
        return {}


@registered
@dataclass(frozen=True)
class NodeCutOff(_Lack):
    """*node* of the embedded cluster *cluster* loses its network; what runs on it goes on."""

    kind: ClassVar[str] = "node-cut-off"

    def _said(self) -> str:
        return f"the cable of {self.node} is out"

    def _there(self) -> bool:
        from seatrial.cluster import network  # noqa: PLC0415 (as in _found)

        return network.attached(_found(self.cluster, self.node)[0])

    def _has(self) -> bool:
        from seatrial.cluster import network  # noqa: PLC0415 (as in _found)

        return network.cable_connected(*_found(self.cluster, self.node))

    def _have(self, *, yes: bool) -> None:
        from seatrial.cluster import network  # noqa: PLC0415 (as in _found)

        layout, plan = _found(self.cluster, self.node)
        network.set_cable(layout, plan, connected=yes)


@registered
@dataclass(frozen=True)
class NodeDrain:
    """*node* takes no new pods, and those that can run elsewhere have to leave, as budgets allow it."""

    kind: ClassVar[str] = "node-drain"
    kubeconfig: Path
    context: str | None
    node: str

    @property
    def target(self) -> str:
        return f"node {self.node}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        with self._node() as node:
            node.drain(within=_DRAINED)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        with self._node() as node:
            return f"{self.node} is drained" if node.document.flag("spec.unschedulable") else ""

    def undo(self, mark: str) -> None:
        del mark
        if self.kubeconfig.exists():
            with self._node() as node:
                node.uncordon()

    def residue(self, mark: str) -> tuple[str, ...]:
        """Return nothing: what draining leaves at a node is among its taints, which are compared."""
        del mark
        return ()

    def state(self) -> State:
        """Return its labels and taints; nothing when its cluster is gone."""
        if not self.kubeconfig.exists():
            return {}
        with self._node() as node:
            document = node.document
        labels = tuple(f"{key}={value}" for key, value in document.labels.items())
        # When a taint was set is not what it is.
        taints = tuple(f"{one.text('key')}:{one.text('effect')}" for one in document.documents("spec.taints"))
        return {"labels": labels, "taints": taints}

    @contextmanager
    def _node(self) -> Iterator[Node]:
        from seatrial.kube.node import Node  # noqa: PLC0415 (as in _found)

        with connected(self.kubeconfig, self.context) as api:
            yield Node(api, self.node)
