"""Bringing a cluster up: from nothing, or from one that is switched off.

Nodes are born with their images unpacked. What does not depend on each other happens at the same time: add-ons are
applied as soon as the API server takes objects, the workers join side by side.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cluster import authority, configuration, network
from seatrial.cluster.command import CommandFailed, run
from seatrial.cluster.layout import INFRA, PLAN, REGISTRY_HOST, REGISTRY_PORT, Layout, NodePlan
from seatrial.cluster.leftovers import sweep
from seatrial.cluster.nodes import EmbeddedNode, RunningCluster
from seatrial.cluster.preload import PreloadedStore, hand_over
from seatrial.cluster.readiness import wait_registry, wait_serving
from seatrial.cluster.record import Record
from seatrial.cluster.supervisor import NodeRecipe, Supervisor
from seatrial.target import Edge, Registry
from seatrial.toolchain.places import cache_directory
from seatrial.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from seatrial.cluster.images import Workshop
    from seatrial.progress import Progress
    from seatrial.toolchain import Program

SYSTEM_IMAGES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "pause",
    "etcd",
    "coredns",
    "kube-router",
    "metrics-server",
    "traefik",
    "local-path-provisioner",
    "toolbox",
)
EDGE_NAMES = ("*.seatrial.test", "seatrial.test")
_READY_WITHIN = timedelta(minutes=4)
_RESUMED_WITHIN = timedelta(seconds=90)
_ADMIN = "etc/kubernetes/super-admin.conf"
_PRIVATE = 0o600


class _GivenUp(Exception):
    """The attempt that a wait belonged to has ended."""


@dataclass(frozen=True)
class Foundation:
    """Nodes that run, on a network that stands, with what is to be put on them."""

    settings: configuration.Settings
    running: RunningCluster
    certificate: authority.EdgeCertificate
    record: Record


class BringUp:
    """One attempt to have a running cluster."""

    def __init__(
        self, layout: Layout, progress: Progress, programs: Mapping[str, Program], workshop: Workshop, root: Path
    ) -> None:
        self.layout = layout
        self.progress = progress
        self.programs = programs
        self.workshop = workshop
        self.root = root
        self.supervisor = Supervisor(layout)
        self._preloaded = PreloadedStore(workshop.preloaded_storage, programs["containerd"], progress)
        self._given_up = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=2 * len(PLAN), thread_name_prefix="cluster")

    def describe(self, record: Record) -> RunningCluster:
        """Return the nouns of the cluster of *record*."""
        return RunningCluster(
            name=self.layout.name,
            kubeconfig=self.layout.kubeconfig,
            registry=self._registry(record.subnet),
            edge=Edge(address=str(record.subnet.node(PLAN[0])), port=443, ca=self.layout.edge_authority),
            nodes=tuple(EmbeddedNode(node, self.layout, str(record.subnet.node(node))) for node in PLAN),
            kubectl=self.programs["kubernetes"].binary("kubectl"),
            images=record.images,
        )

    def _registry(self, subnet: network.Subnet) -> Registry:
        return Registry(push=f"{subnet.bridge}:{REGISTRY_PORT}", pull=f"{REGISTRY_HOST}:{REGISTRY_PORT}", insecure=True)

    def resume(self, running: RunningCluster, record: Record) -> None:
        """Bring back what is switched off, cut off or dead, and see the whole cluster answer."""
        with self.progress.phase("Cluster", expected=timedelta(seconds=1)):
            eventually(
                lambda: all(
                    (self.layout.services / name / "supervise" / "ok").exists()
                    for name in ["registry", *(n.name for n in PLAN)]
                ),
                until=bool,
                within=timedelta(seconds=15),
                what="the supervisor looks after every node",
            )
            for node in running.nodes:
                if not node.connected:
                    node.reconnect()
                if not node.on:
                    self.progress.say(f"Node {node.name} is off; switching it on.")
                    node.power_on()
            wait_registry(record.subnet)
            self.workshop.publish(SYSTEM_IMAGES, running.registry)
            wait_serving(self.layout, running, within=_RESUMED_WITHIN)

    def make(self, identity: str) -> RunningCluster:
        """Make the cluster from nothing."""
        with self.progress.phase("Cluster", expected=timedelta(seconds=35)):
            try:
                return self._make(identity)
            except BaseException:
                # What waits in other threads stops waiting; what runs on the nodes ends with them.
                self._given_up.set()
                self._keep_logs()
                sweep(self.layout)
                raise
            finally:
                self._pool.shutdown(wait=True, cancel_futures=True)

    def lay_foundation(self, identity: str) -> Foundation:
        """Lay the network, serve the images and boot the nodes; Kubernetes is not on them yet."""
        with self.progress.phase("Network and image registry"):
            subnet = network.free_subnet(network.networks_in_use())
            for folder in (self.layout.state, self.layout.runtime):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
            network.create(self.layout, subnet)
            self.supervisor.define_registry(
                subnet, self.programs["registry"].binary("registry"), self.workshop.registry_storage
            )
            for node in PLAN:
                self.supervisor.define_node(node, self._recipe)
            self.supervisor.start()
            wait_registry(subnet)
        images = self.workshop.publish(SYSTEM_IMAGES, self._registry(subnet))
        settings = configuration.Settings(
            layout=self.layout,
            subnet=subnet,
            images=images,
            token=configuration.new_token(),
        )
        record = Record(identity, subnet, images)
        running = self.describe(record)
        certificate = authority.issue(*EDGE_NAMES)
        self.layout.edge_authority.write_text(certificate.authority)
        self.layout.edge_expired.write_text(certificate.expired)
        self._start_nodes(settings, self._preloaded.fill(images, self._registry(subnet)))
        return Foundation(settings, running, certificate, record)

    def _make(self, identity: str) -> RunningCluster:
        foundation = self.lay_foundation(identity)
        settings, running = foundation.settings, foundation.running
        workers = [node for node in running.nodes if not node.plan.control_plane]
        works = [self._pool.submit(self._install_addons, foundation)]
        self._init(running.control_plane)
        pin = authority.public_key_pin(self._node_file(PLAN[0], "etc/kubernetes/pki/ca.crt").read_text())
        works += [self._pool.submit(self._join, settings, node, pin) for node in workers]
        for work in wait(works, return_when=FIRST_EXCEPTION).done:
            work.result()
        with self.progress.phase("Nodes, names and ingress answer"):
            wait_serving(self.layout, running, within=_READY_WITHIN)
        foundation.record.write(self.layout)
        return running

    def _eventually(self, probe: Callable[[], bool], *, within: timedelta, what: str) -> None:
        """Wait until *probe* holds, unless the attempt is given up meanwhile."""

        def look() -> bool:
            if self._given_up.is_set():
                raise _GivenUp
            return probe()

        eventually(look, until=bool, within=within, what=what)

    def _keep_logs(self) -> None:
        """Copy what the nodes wrote to the cache, where it outlives them."""
        kept = cache_directory() / "logs" / "last-failed-cluster"
        shutil.rmtree(kept, ignore_errors=True)
        for node in PLAN:
            state = self.layout.node_state(node)
            for log in [*state.glob("*.log"), *(state / "upper" / "var" / "log").glob("*.log")]:
                (kept / node.name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(log, kept / node.name / log.name)
        if kept.exists():
            self.progress.say(f"The nodes' logs are kept in {kept}.")

    def _start_nodes(self, settings: configuration.Settings, images: Path) -> None:
        places = [self.layout.node_state(node) / "data" / "containerd" for node in PLAN]
        for work in [self._pool.submit(hand_over, images, place) for place in places]:
            work.result()
        for node in PLAN:
            upper = self.layout.node_state(node) / "upper"
            if node.control_plane:
                configuration.write_control_plane(settings, node, upper)
            else:
                configuration.write_worker(settings, node, upper)
            self.supervisor.release(node)

    @property
    def _recipe(self) -> NodeRecipe:
        programs = {name: self.programs[name].directory / "bin" for name in ("kubernetes", "containerd", "etcd")}
        return NodeRecipe(root=self.root, programs=programs)

    def _node_file(self, node: NodePlan, path: str) -> Path:
        return self.layout.node_state(node) / "upper" / path

    def _wait_runtime(self, node: EmbeddedNode) -> None:
        self._eventually(
            lambda: node.on and node.run(["ctr", "version"], check=False).returncode == 0,
            within=timedelta(seconds=60),
            what=f"the container runtime of {node.name} answers",
        )

    def _init(self, node: EmbeddedNode) -> None:
        with self.progress.phase("Control plane (kubeadm init)", expected=timedelta(seconds=10)):
            self._wait_runtime(node)
            done = node.run(
                ["kubeadm", "init", "--config", "/etc/seatrial/kubeadm.yaml", "-v=1"],
                check=False,
                timeout=timedelta(minutes=5),
            )
            self._keep_log(node, done)
            admin = self._node_file(node.plan, "etc/kubernetes/admin.conf").read_text()
            self.layout.kubeconfig.touch(mode=_PRIVATE)
            self.layout.kubeconfig.write_text(admin)

    def _join(self, settings: configuration.Settings, node: EmbeddedNode, pin: str) -> None:
        with self.progress.phase(f"{node.name} joins", expected=timedelta(seconds=5)):
            configuration.write_join(settings, node.plan, self._node_file(node.plan, ""), pin)
            self._wait_runtime(node)
            done = node.run(
                ["kubeadm", "join", "--config", "/etc/seatrial/kubeadm.yaml", "-v=1"],
                check=False,
                timeout=timedelta(minutes=5),
            )
            self._keep_log(node, done)

    def _keep_log(self, node: EmbeddedNode, done: subprocess.CompletedProcess[str]) -> None:
        (self.layout.node_state(node.plan) / "kubeadm.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise CommandFailed(["kubeadm on", node.name], done.returncode, done.stdout + done.stderr)

    def _install_addons(self, foundation: Foundation) -> None:
        """Apply the add-ons as soon as the API server takes objects, while kubeadm is still at work."""
        running = foundation.running
        credentials = self._node_file(PLAN[0], _ADMIN)
        kubectl: list[str | Path] = [running.kubectl, "--kubeconfig", credentials]
        text = addons(foundation, INFRA / "addons")
        self._eventually(
            lambda: (
                credentials.exists()
                and run([*kubectl, "get", "--raw", "/readyz"], check=False, timeout=timedelta(seconds=10)).returncode
                == 0
            ),
            within=_READY_WITHIN,
            what="the API server is ready",
        )
        with self.progress.phase("Add-ons"):
            self._eventually(
                lambda: (
                    run([*kubectl, "apply", "--server-side", "--filename", "-"], stdin=text, check=False).returncode
                    == 0
                ),
                within=timedelta(seconds=60),
                what="the add-ons are accepted",
            )


def addons(foundation: Foundation, folder: Path) -> str:
    """Return the manifests of the kustomization in *folder*, images filled in, and the certificate of the ingress."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "edge-certificate", "namespace": "ingress"},
        "stringData": {"tls.crt": foundation.certificate.certificate, "tls.key": foundation.certificate.key},
    }
    objects = run([foundation.running.kubectl, "kustomize", folder]).stdout
    return f"{referenced(objects, foundation.record.images)}\n---\n{json.dumps(secret)}\n"


def referenced(text: str, images: Mapping[str, str]) -> str:
    """Put full image references into manifests, also into those that stand as text inside a ConfigMap."""
    return re.sub(
        r"(\bimage: )seatrial/([a-z0-9-]+)$", lambda found: found[1] + images[found[2]], text, flags=re.MULTILINE
    )
