"""Which cluster a run is against."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes import client

from seatrial.errors import UsageError
from seatrial.target import Edge, Registry, parse_edge, parse_registry, truth_label
from seatrial.truth import TruthLabel


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("r.example:5000", Registry("r.example:5000", "r.example:5000", insecure=False)),
        ("https://r.example/a/b", Registry("r.example/a/b", "r.example/a/b", insecure=False)),
        ("http://127.0.0.1:5000=r.internal:5000", Registry("127.0.0.1:5000", "r.internal:5000", insecure=True)),
    ],
)
def test_a_registry_is_read(text: str, registry: Registry) -> None:
    assert parse_registry(text) == registry


@pytest.mark.parametrize("text", ["a b", "", "r:port", "ftp://r", "r:5000=a b"])
def test_a_registry_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read: write it as host:port"):
        parse_registry(text)


@pytest.mark.parametrize(
    ("text", "edge"),
    [
        ("e.example", Edge("e.example", 443, None)),
        ("10.0.0.1:8443", Edge("10.0.0.1", 8443, None)),
        ("[::1]:8443", Edge("::1", 8443, None)),
    ],
)
def test_an_edge_is_read(text: str, edge: Edge) -> None:
    assert parse_edge(text) == edge


def test_an_edge_keeps_its_authority() -> None:
    assert parse_edge("e", ca=Path("ca.pem")).ca == Path("ca.pem")


@pytest.mark.parametrize("text", ["", "a b", "a:0", "a:65536", "a:x", "https://a"])
def test_an_edge_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read: write it as host or host:port"):
        parse_edge(text)


def node(provider: str | None = None, **labels: str) -> client.V1Node:
    written = {name.replace("__", "/").replace("_", "."): value for name, value in labels.items()}
    return client.V1Node(metadata=client.V1ObjectMeta(labels=written), spec=client.V1NodeSpec(provider_id=provider))


@pytest.mark.parametrize(
    ("nodes", "version", "label"),
    [
        ([], "v1.36.3", TruthLabel.OTHER),
        ([], "v1.33.1-eks-1234567", TruthLabel.EKS),
        ([node("kind://docker/kind/kind-control-plane")], "v1.36.3", TruthLabel.KIND),
        ([node(minikube_k8s_io__name="minikube")], "v1.36.3", TruthLabel.MINIKUBE),
        ([node(seatrial_dev__pool="system")], "v1.36.3", TruthLabel.EMBEDDED),
        ([node(seatrial_dev__pool="system"), node()], "v1.36.3", TruthLabel.OTHER),
        ([node("kind://a"), node("aws://b")], "v1.36.3", TruthLabel.OTHER),
    ],
)
def test_a_cluster_is_named_by_what_all_its_nodes_say(
    nodes: list[client.V1Node], version: str, label: TruthLabel
) -> None:
    assert truth_label(nodes, version) is label
