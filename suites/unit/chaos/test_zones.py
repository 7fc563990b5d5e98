"""A zone loses its power as a whole, and no zone without which nothing is known any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos import actions, injection, session
from seatrial.chaos.ground import Ground
from seatrial.chaos.injection import injected
from seatrial.chaos.journal import Journal
from seatrial.chaos.limits import BeyondLimits, Limits
from seatrial.chaos.nodes import NodePowerOff, ZoneOutage
from seatrial.cluster.layout import Layout
from seatrial.cluster.network import Subnet
from seatrial.cluster.record import Record
from seatrial.errors import UsageError
from seatrial.kube import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTAGE = ZoneOutage("local", "b", ("one", "two"))
RULES = "node-role.kubernetes.io/control-plane"
ZONES = {"control-plane": "a", "worker-system": "a", "worker-application": "b"}


@dataclass
class Power:
    """Which nodes are on, in the place of the supervisor; *broken* cannot be switched on."""

    on: set[str] = field(default_factory=lambda: {"one", "two"})
    broken: str = ""


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Power:
    power = Power()

    def have(self: NodePowerOff, *, yes: bool) -> None:
        if yes and self.node == power.broken:
            raise OSError(f"{self.node} does not start")
        (power.on.add if yes else power.on.discard)(self.node)

    monkeypatch.setattr(NodePowerOff, "_have", have)
    monkeypatch.setattr(NodePowerOff, "_has", lambda self: self.node in power.on)
    monkeypatch.setattr(NodePowerOff, "_there", lambda self: self.node in {"one", "two"})
    return power


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(injection, "ensure_reaper", lambda journal: None)  # noqa: ARG005 (the real one's argument)
    return Journal(tmp_path)


def test_all_its_nodes_are_off_and_on_again(power: Power, journal: Journal) -> None:
    with injected(OUTAGE, journal=journal) as done:
        assert power.on == set()
        assert done.shown == "one is off, two is off"
    assert (power.on, journal.leases()) == ({"one", "two"}, ())


def test_half_a_zone_is_no_outage(power: Power) -> None:
    power.on.remove("one")
    assert OUTAGE.effect("mark", None) == ""
    assert OUTAGE.residue("mark") == ("one is off",)


@pytest.mark.parametrize(("broken", "other"), [("one", "two"), ("two", "one")], ids=str)
def test_one_that_does_not_start_keeps_back_no_other(power: Power, broken: str, other: str) -> None:
    power.on, power.broken = set(), broken
    with pytest.raises(OSError, match=f"{broken} does not start"):
        OUTAGE.undo("mark")
    assert power.on == {other}
    power.broken = ""
    OUTAGE.undo("mark")
    assert power.on == {"one", "two"}


def test_a_zone_without_nodes_is_none() -> None:
    with pytest.raises(ValueError, match="no node stands in the zone b"):
        ZoneOutage("local", "b", ())


@dataclass
class Nodes:
    """Stands in for the API, as far as nodes have names, zones and roles."""

    ruling: tuple[str, ...] = ("control-plane",)

    @property
    def items(self) -> tuple[Document, ...]:
        return tuple(self.get("Node", name) for name in ZONES)

    def list(self, selection: object) -> Nodes:
        del selection
        return self

    def get(self, kind: object, name: str, namespace: str | None = None) -> Document:
        del kind, namespace
        roles = {RULES: ""} if name in self.ruling else {}
        labels = {"topology.kubernetes.io/zone": ZONES[name], **roles}
        return Document({"metadata": {"name": name, "labels": labels}})

    def close(self) -> None:
        """Nothing is held."""


def ground(monkeypatch: pytest.MonkeyPatch, nodes: Nodes) -> Ground:
    made = Ground(Layout().kubeconfig)
    monkeypatch.setitem(made.__dict__, "api", nodes)
    record = Record("identity", Subnet(IPv4Network("10.1.0.0/24")), {})
    monkeypatch.setattr(Record, "read", lambda layout: record)  # noqa: ARG005 (the real one's argument)
    return made


def test_the_nodes_of_a_zone_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ground(monkeypatch, Nodes())
    assert found.outage("b") == ZoneOutage("local", "b", ("worker-application",))
    with pytest.raises(UsageError, match="No node stands in the zone c: known are a, b"):
        found.outage("c")


def test_the_zone_that_all_is_ruled_from_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="The zone a holds all nodes that the cluster is ruled from"):
        ground(monkeypatch, Nodes()).outage("a")
    two = ground(monkeypatch, Nodes(ruling=("control-plane", "worker-application")))
    assert two.outage("a") == ZoneOutage("local", "a", ("control-plane", "worker-system"))


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> Iterator[session.Session]:
    limits = Limits(namespaces=("shop",), share=0.5, zones=("a",))
    one = session.Session(limits, lambda: ground(monkeypatch, Nodes()), journal)
    session.begin(one)
    yield one
    session.finish(one)


@pytest.mark.parametrize(("zone", "why"), [("b", "declares a"), ("a", "is ruled from")], ids=str)
def test_what_an_experiment_may_not_do_is_kept_as_its_refusal(
    under_way: session.Session, power: Power, zone: str, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        actions.power_off_zone(zone)
    assert why in str(under_way.refused)
    assert isinstance(under_way.refused, BeyondLimits) is (zone == "b")
    assert (power.on, under_way.held) == ({"one", "two"}, [])
