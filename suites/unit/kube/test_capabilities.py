from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from seatrial.kube import Absent, Api, Cluster, Document, Interrupted, kinds
from seatrial.kube.api import Listing
from seatrial.kube.capabilities import Capabilities, Capability
from seatrial.target import Edge, Target
from seatrial.truth import TruthLabel
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube import Kind, Selection

EDGE = Edge("192.0.2.1", 443, None)

USED = {"cpu": "1m", "memory": "1Mi"}


def named(
    name: str, *, annotations: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None
) -> Document:
    return Document({"metadata": {"name": name, "annotations": dict(annotations or {}), "labels": dict(labels or {})}})


@dataclass(frozen=True)
class World:
    """An API that holds *held*, and a metrics API if *metrics*."""

    held: Mapping[Kind, tuple[Document, ...]]
    metrics: bool = False

    def list(self, selection: Selection) -> Listing:
        return Listing(self.held.get(selection.kind, ()), "1")

    def get(self, kind: Kind, name: str, _: str | None = None) -> Document:
        return next(item for item in self.held[kind] if item.name == name)

    def ask(self, _: str, path: str) -> Document:
        if not self.metrics:
            raise Absent(404, "NotFound", f"nothing at {path}")
        return Document(
            {"items": [{"metadata": {"name": "n1"}, "timestamp": datetime.now(UTC).isoformat(), "usage": USED}]}
        )


def able(held: Mapping[Kind, tuple[Document, ...]], *, metrics: bool = False, edge: Edge | None = EDGE) -> Capabilities:
    target = Target("t", TruthLabel.OTHER, Path("kubeconfig"), None, None, edge)
    return Capabilities(Cluster(target, cast("Api", World(held, metrics))), "toolbox")


def test_what_is_absent_makes_a_step_inconclusive_and_says_why() -> None:
    with pytest.raises(Inconclusive, match="flight: it has no wings"):
        Capability("flight", present=False, reason="it has no wings").require()
    Capability("flight", present=True, reason="it flew").require()


def test_a_storage_class_must_be_the_default() -> None:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert able({kinds.STORAGE_CLASS: (named("slow"), named("fast", annotations=default))}).default_storage.present
    lacking = able({kinds.STORAGE_CLASS: (named("slow"),)}).default_storage
    assert (lacking.present, lacking.reason) == (False, "none of 1 storage classes is the default")


def test_an_ingress_needs_a_class_and_an_edge() -> None:
    classes = {kinds.INGRESS_CLASS: (named("traefik"),)}
    assert able(classes).edge == EDGE
    assert "no ingress class" in able({}).ingress.reason
    without = able(classes, edge=None)
    with pytest.raises(Inconclusive, match="give its address with --edge"):
        _ = without.edge


def test_zones_are_those_of_the_workers() -> None:
    zone = "topology.kubernetes.io/zone"
    control = named("c", labels={zone: "z", "node-role.kubernetes.io/control-plane": ""})
    first, second = named("a", labels={zone: "a"}), named("b", labels={zone: "b"})
    assert able({kinds.NODE: (control, first, second)}).zones.present
    one = able({kinds.NODE: (control, first, named("d", labels={zone: "a"}))}).zones
    assert (one.present, one.reason) == (False, "the workers stand in a")


def test_a_metrics_api_must_report_a_node() -> None:
    assert able({}, metrics=True).metrics.present
    assert "nothing at" in able({}).metrics.reason


def test_a_hidden_control_plane_has_no_store_to_read() -> None:
    hidden = able({})
    assert not hidden.etcd.present
    with pytest.raises(Inconclusive, match="not ours to see"):
        _ = hidden.store


def test_each_ability_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    capabilities = able({}, metrics=True)
    first = capabilities.metrics

    def broken(_: Cluster) -> tuple[str, ...]:
        raise Interrupted("asked again")

    monkeypatch.setattr(Cluster, "measured_nodes", property(broken))
    assert capabilities.metrics is first
