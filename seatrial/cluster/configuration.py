"""The files a node starts with: names, network, container runtime and what kubeadm is told."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING

from seatrial.cluster.layout import (
    INFRA,
    PLAN,
    POD_NETWORK,
    REGISTRY_HOST,
    REGISTRY_PORT,
    SERVICE_NETWORK,
    Layout,
    NodePlan,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from seatrial.cluster.network import Subnet

_PRIVATE = 0o600


@dataclass(frozen=True)
class Settings:
    """What all nodes of one cluster share: addresses, image references by name and the join token."""

    layout: Layout
    subnet: Subnet
    images: Mapping[str, str]
    token: str

    def image_tag(self, name: str) -> str:
        """Return the tag of image *name*."""
        return self.images[name].rpartition(":")[2]


def new_token() -> str:
    """Return a new bootstrap token in kubeadm's form: six characters, a dot, sixteen characters."""
    return f"{secrets.token_hex(3)}.{secrets.token_hex(8)}"


def _template(path: str, **values: str) -> str:
    return Template((INFRA / path).read_text()).substitute(values)


def _labels(node: NodePlan) -> str:
    labels = {"topology.kubernetes.io/zone": node.zone, "topology.kubernetes.io/region": "local"}
    if node.pool:
        labels["seatrial.dev/pool"] = node.pool
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _container_network(node: NodePlan) -> str:
    return json.dumps(
        {
            "cniVersion": "1.0.0",
            "name": "seatrial",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": "cni0",
                    "isGateway": True,
                    # Masqueraded, a pod's packets would look like its node's, and no policy could tell pods apart.
                    "ipMasq": False,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": node.pod_network}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=2,
    )


def _common(settings: Settings, node: NodePlan) -> dict[str, str]:
    registry = f"{REGISTRY_HOST}:{REGISTRY_PORT}"
    hosts = [
        "127.0.0.1 localhost",
        f"{settings.subnet.bridge} {REGISTRY_HOST}",
        *(f"{settings.subnet.node(other)} {other.name}" for other in PLAN),
    ]
    return {
        "etc/hostname": f"{node.name}\n",
        "etc/hosts": "\n".join(hosts) + "\n",
        # Nothing answers there, at once: a look-up of an outside name fails fast instead of waiting for a time-out.
        "etc/resolv.conf": f"nameserver {settings.subnet.bridge}\noptions timeout:1 attempts:1\n",
        "etc/cni/net.d/10-seatrial.conflist": _container_network(node),
        "etc/containerd/config.toml": _template("node/containerd.toml", pause=settings.images["pause"]),
        f"etc/containerd/certs.d/{registry}/hosts.toml": registry_hosts(registry),
    }


def registry_hosts(address: str) -> str:
    """Return the hosts.toml by which containerd pulls from the registry at *address*, without TLS."""
    return f'server = "http://{address}"\n\n[host."http://{address}"]\n  capabilities = ["pull", "resolve"]\n'


def _encryption() -> str:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return json.dumps(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [
                {
                    "resources": ["secrets"],
                    "providers": [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}],
                }
            ],
        }
    )


def write_control_plane(settings: Settings, node: NodePlan, root: Path) -> None:
    """Write what the control plane's node needs, below *root*, the node's root folder."""
    files = _common(settings, node) | {
        "etc/seatrial/kubeadm.yaml": _template(
            "kubeadm/init.yaml",
            token=settings.token,
            address=str(settings.subnet.node(node)),
            node=node.name,
            labels=_labels(node),
            cluster=settings.layout.name,
            version=settings.image_tag("kube-apiserver").replace("_", "+"),
            registry=settings.images["kube-apiserver"].rpartition("/")[0],
            pod_network=POD_NETWORK,
            service_network=SERVICE_NETWORK,
            coredns_tag=settings.image_tag("coredns"),
            etcd_tag=settings.image_tag("etcd"),
        ),
        "etc/seatrial/apiserver/admission.yaml": _template("kubeadm/admission.yaml"),
        "etc/seatrial/apiserver/audit-policy.yaml": _template("kubeadm/audit-policy.yaml"),
        "etc/seatrial/apiserver/encryption.yaml": _encryption(),
        # The name of the file is what kubeadm knows it by.
        "etc/seatrial/patches/corednsdeployment.yaml": _template("kubeadm/patches/corednsdeployment.yaml"),
    }
    _write(root, files)


def write_worker(settings: Settings, node: NodePlan, root: Path) -> None:
    """Write what a worker's node needs before it starts."""
    _write(root, _common(settings, node))


def write_join(settings: Settings, node: NodePlan, root: Path, ca_hash: str) -> None:
    """Write what kubeadm needs to join *node*; *ca_hash* pins the cluster's authority."""
    text = _template(
        "kubeadm/join.yaml",
        token=settings.token,
        endpoint=f"{settings.subnet.node(PLAN[0])}:6443",
        ca_hash=ca_hash,
        node=node.name,
        address=str(settings.subnet.node(node)),
        labels=_labels(node),
    )
    _write(root, {"etc/seatrial/kubeadm.yaml": text})


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if "seatrial" in name:
            # Tokens and keys are in these.
            place.touch(mode=_PRIVATE)
        place.write_text(text)
