"""When a cluster is up: what is waited for, and how it is seen."""

from __future__ import annotations

import ssl
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.cluster.command import run
from seatrial.cluster.layout import NAME_SERVICE, PLAN, REGISTRY_PORT, Layout, NodePlan
from seatrial.kube import Cluster, kinds
from seatrial.kube.api import Selection
from seatrial.kube.watching import watched
from seatrial.target import Target
from seatrial.truth import TruthLabel
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from seatrial.cluster.network import Subnet
    from seatrial.cluster.nodes import RunningCluster
    from seatrial.kube.document import Document
    from seatrial.target import Edge

_SYSTEM_WORKLOADS = (
    (kinds.DEPLOYMENT, "kube-system", "coredns"),
    (kinds.DAEMON_SET, "kube-system", "kube-proxy"),
    (kinds.DAEMON_SET, "kube-system", "kube-router"),
    (kinds.DAEMON_SET, "ingress", "traefik"),
    (kinds.DEPLOYMENT, "storage", "local-path-provisioner"),
)


def wait_registry(subnet: Subnet) -> None:
    """Wait until the cluster's image registry answers; raises NotObserved."""

    def answers() -> bool:
        try:
            with httpx.Client(trust_env=False, timeout=2) as client:
                return client.get(f"http://{subnet.bridge}:{REGISTRY_PORT}/v2/").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    eventually(answers, until=bool, within=timedelta(seconds=20), what="the image registry answers")


def wait_serving(layout: Layout, running: RunningCluster, *, within: timedelta) -> None:
    """Wait until every node is Ready, the add-ons run, names resolve and the ingress answers over TLS.

    Raises NotObserved, with what was seen last, once *within* has passed.
    """
    deadline = time.monotonic() + within.total_seconds()

    def left() -> timedelta:
        return timedelta(seconds=max(deadline - time.monotonic(), 0.1))

    target = Target(running.name, TruthLabel.EMBEDDED, running.kubeconfig, None, running.registry, running.edge)
    eventually(
        lambda: (
            run(
                [running.kubectl, "--kubeconfig", running.kubeconfig, "get", "--raw", "/readyz"],
                check=False,
                timeout=timedelta(seconds=10),
            ).returncode
        ),
        until=lambda code: code == 0,
        within=left(),
        what="the API server is ready",
    )
    cluster = Cluster.connect(target)
    try:
        for node in PLAN:
            cluster.node(node.name).wait_ready(within=left())
        for kind, namespace, name in _SYSTEM_WORKLOADS:
            watched(
                cluster.api,
                Selection.one(kind, name, namespace),
                until=lambda found: bool(found) and _available(found[0]),
                within=left(),
                what=f"{name} is available on every node it belongs on",
                shown=lambda found: found[0].text("status") if found else "not there",
            )
    finally:
        cluster.close()
    eventually(
        lambda: all(name_resolves(layout, node) for node in PLAN),
        until=bool,
        within=left(),
        what="kubernetes.default.svc.cluster.local resolves on every node",
    )
    eventually(lambda: edge_answers(running.edge), until=bool, within=left(), what="the ingress answers over TLS")


def _available(workload: Document) -> bool:
    """Whether the controller has seen the newest template of *workload* and all of it is up to date and available."""
    if workload.number("status.observedGeneration") < workload.number("metadata.generation"):
        return False
    if workload.text("kind") == "DaemonSet":
        wanted = workload.number("status.desiredNumberScheduled")
        counts = ("updatedNumberScheduled", "numberAvailable")
        return wanted > 0 and all(workload.number(f"status.{count}") == wanted for count in counts)
    wanted = workload.number("spec.replicas")
    return all(workload.number(f"status.{count}") == wanted for count in ("updatedReplicas", "availableReplicas"))


def name_resolves(layout: Layout, node: NodePlan = PLAN[0]) -> bool:
    """Whether the cluster's name service, asked at its service address from *node*, knows the API server."""
    space = f"/run/netns/{layout.network_namespace(node)}"
    question = ["busybox", "nslookup", "kubernetes.default.svc.cluster.local", NAME_SERVICE]
    try:
        return run(["nsenter", f"--net={space}", *question], check=False, timeout=timedelta(seconds=3)).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def edge_answers(edge: Edge) -> bool:
    """Whether the ingress shows the cluster's own certificate; that it knows no such page yet is a good answer."""
    context = ssl.create_default_context(cafile=edge.ca)
    try:
        with httpx.Client(verify=context, trust_env=False, timeout=3) as client:
            answer = client.get(
                f"https://{edge.address}:{edge.port}/",
                headers={"Host": "ready.seatrial.test"},
                extensions={"sni_hostname": "ready.seatrial.test"},
            )
            return answer.status_code == httpx.codes.NOT_FOUND
    except httpx.HTTPError:
        return False
