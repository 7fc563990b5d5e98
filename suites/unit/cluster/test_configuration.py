"""The files that nodes start with: complete, and readable by those alone who shall read them."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest
import yaml

from seatrial.cluster import configuration
from seatrial.cluster.layout import PLAN, Layout
from seatrial.cluster.network import Subnet

if TYPE_CHECKING:
    from pathlib import Path

_REGISTRY = "registry.seatrial.internal:5000"


@pytest.fixture
def settings() -> configuration.Settings:
    tags = {"kube-apiserver": "v1.36.3_0123", "coredns": "1.14.7-45", "etcd": "3.6.16-67", "pause": "1.36.3-89"}
    images = {name: f"{_REGISTRY}/{name}:{tag}" for name, tag in tags.items()}
    return configuration.Settings(
        Layout("test"), Subnet(IPv4Network("10.91.0.0/24")), images, configuration.new_token()
    )


def test_kubeadm_is_told_the_addresses_images_and_version(settings: configuration.Settings, tmp_path: Path) -> None:
    configuration.write_control_plane(settings, PLAN[0], tmp_path)
    documents = list(yaml.safe_load_all((tmp_path / "etc/seatrial/kubeadm.yaml").read_text()))
    by_kind = {document["kind"]: document for document in documents}
    assert by_kind["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"] == "10.91.0.2"
    cluster = by_kind["ClusterConfiguration"]
    assert cluster["kubernetesVersion"] == "v1.36.3+0123"
    assert cluster["imageRepository"] == _REGISTRY
    assert cluster["dns"]["imageTag"] == "1.14.7-45"
    assert {"KubeletConfiguration", "KubeProxyConfiguration"} <= by_kind.keys()


def test_no_placeholder_is_left_in_any_file(settings: configuration.Settings, tmp_path: Path) -> None:
    configuration.write_control_plane(settings, PLAN[0], tmp_path / "a")
    configuration.write_worker(settings, PLAN[1], tmp_path / "b")
    configuration.write_join(settings, PLAN[1], tmp_path / "b", "sha256:00")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert not [file for file in files if re.search(r"\$\{?[a-z]", file.read_text())]


def test_what_holds_keys_and_tokens_is_for_root_alone(settings: configuration.Settings, tmp_path: Path) -> None:
    configuration.write_control_plane(settings, PLAN[0], tmp_path)
    for name in ("etc/seatrial/kubeadm.yaml", "etc/seatrial/apiserver/encryption.yaml"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_two_clusters_share_neither_key_nor_token(settings: configuration.Settings, tmp_path: Path) -> None:
    configuration.write_control_plane(settings, PLAN[0], tmp_path / "one")
    configuration.write_control_plane(settings, PLAN[0], tmp_path / "two")
    name = "etc/seatrial/apiserver/encryption.yaml"
    assert (tmp_path / "one" / name).read_text() != (tmp_path / "two" / name).read_text()
    assert re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", settings.token)
    assert configuration.new_token() != configuration.new_token()


def test_secrets_are_encrypted_before_they_are_written(settings: configuration.Settings, tmp_path: Path) -> None:
    configuration.write_control_plane(settings, PLAN[0], tmp_path)
    found = json.loads((tmp_path / "etc/seatrial/apiserver/encryption.yaml").read_text())
    (rule,) = found["resources"]
    assert rule["resources"] == ["secrets"]
    # The first provider writes.
    assert next(iter(rule["providers"][0])) == "secretbox"


def test_each_node_knows_all_names_and_its_own_pod_range(settings: configuration.Settings, tmp_path: Path) -> None:
    for node in PLAN:
        configuration.write_worker(settings, node, tmp_path / node.name)
        hosts = (tmp_path / node.name / "etc/hosts").read_text()
        assert all(f"{settings.subnet.node(other)} {other.name}\n" in hosts for other in PLAN)
        network = json.loads((tmp_path / node.name / "etc/cni/net.d/10-seatrial.conflist").read_text())
        assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": node.pod_network}]]
