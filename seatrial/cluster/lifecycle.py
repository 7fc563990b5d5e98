"""The embedded cluster's life: up, down, status, and healing whatever an interrupted run left.

`up` trusts nothing but what it sees. A cluster that answers is used as it is; one that is only switched off, partly or
wholly, is switched on; anything else is removed and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from seatrial.cluster import authority, cgroups, configuration, network
from seatrial.cluster.command import CommandFailed, run
from seatrial.cluster.images import Workshop, programs_of
from seatrial.cluster.layout import INFRA, PLAN, REGISTRY_HOST, REGISTRY_PORT, Layout, NodePlan
from seatrial.cluster.supervisor import NodeRecipe, Supervisor, processes_of
from seatrial.errors import UsageError
from seatrial.kube import Cluster, kinds
from seatrial.kube.api import Selection
from seatrial.kube.manifests import rewritten
from seatrial.kube.watching import watched
from seatrial.progress import open_progress
from seatrial.target import Edge, Registry, Target, TruthLabel
from seatrial.toolchain import Program, ensure, install_debian_packages, package_group
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seatrial.kube.document import Document
    from seatrial.progress import Progress

CORE_PROGRAMS = (
    "kubernetes",
    "etcd",
    "containerd",
    "coredns",
    "kube-router",
    "metrics-server",
    "registry",
    "traefik",
    "local-path-provisioner",
)
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
_SYSTEM_WORKLOADS = (
    (kinds.DEPLOYMENT, "kube-system", "coredns"),
    (kinds.DAEMON_SET, "kube-system", "kube-proxy"),
    (kinds.DAEMON_SET, "kube-system", "kube-router"),
    (kinds.DAEMON_SET, "ingress", "traefik"),
    (kinds.DEPLOYMENT, "storage", "local-path-provisioner"),
)
EDGE_NAMES = ("*.seatrial.test", "seatrial.test")
_WORKER_IMAGES = ("pause", "kube-proxy", "kube-router", "traefik")
_READY_WITHIN = timedelta(minutes=4)
_RESUMED_WITHIN = timedelta(seconds=90)
_ADMIN = "/etc/kubernetes/super-admin.conf"
_PATH = "/opt/seatrial/kubernetes:/opt/seatrial/containerd:/opt/seatrial/etcd:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PRIVATE = 0o600


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
        inside = ["nsenter", "--target", str(first), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        environment = {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        return run([*inside, *command], check=check, stdin=stdin, env=environment, timeout=timeout)


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


@dataclass(frozen=True)
class NodeStatus:
    """How one node is: powered, connected, and its processes."""

    name: str
    address: str
    on: bool
    connected: bool
    processes: int


@dataclass(frozen=True)
class ClusterStatus:
    """How the embedded cluster is; *leftovers* names what of it exists on the machine."""

    name: str
    state: str
    nodes: tuple[NodeStatus, ...]
    leftovers: tuple[str, ...]


@dataclass(frozen=True)
class _Record:
    """What is known of a cluster that was made whole once."""

    identity: str
    subnet: network.Subnet
    images: Mapping[str, str]

    def write(self, layout: Layout) -> None:
        text = json.dumps(
            {"identity": self.identity, "subnet": str(self.subnet.network), "images": dict(self.images)}, indent=2
        )
        draft = layout.state / ".cluster.json"
        draft.write_text(text)
        draft.rename(layout.state / "cluster.json")

    @classmethod
    def read(cls, layout: Layout) -> _Record | None:
        try:
            found = json.loads((layout.state / "cluster.json").read_text())
            return cls(found["identity"], network.Subnet(IPv4Network(found["subnet"])), found["images"])
        except (OSError, ValueError, KeyError):
            return None


def _require_machine() -> None:
    if os.geteuid() != 0:
        message = "The embedded cluster makes namespaces and control groups, which needs root; run with sudo, or give --kubeconfig for a cluster of your own."
        raise UsageError(message)
    if not cgroups.hierarchies():
        message = "No control groups are mounted under /sys/fs/cgroup; mount them (version 1 or 2), then run again."
        raise UsageError(message)


def _identity(images: Mapping[str, str], programs: Mapping[str, Program], root: Path) -> str:
    total = hashlib.sha256()
    for name, reference in sorted(images.items()):
        total.update(f"{name} {reference}\n".encode())
    for name, program in sorted(programs.items()):
        total.update(f"{name} {program.key}\n".encode())
    total.update(f"{root}\n".encode())
    for folder in ("kubeadm", "node", "addons"):
        for file in sorted((INFRA / folder).rglob("*")):
            if file.is_file():
                total.update(str(file.relative_to(INFRA)).encode() + b"\0" + file.read_bytes())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        total.update(file.read_bytes())
    return total.hexdigest()


def leftovers(layout: Layout | None = None) -> tuple[str, ...]:
    """Return, one line each, all that exists on the machine of the cluster: the proof of `down` is that it is empty."""
    layout = layout or Layout()
    found = [f"process {process}" for process in sorted(processes_of(layout))]
    found += [f"network namespace {space}" for space in network.leftovers(layout)]
    if Path("/sys/class/net", layout.host_link).exists():
        found.append(f"link {layout.host_link}")
    found += [f"control group {folder}" for folder in cgroups.Group(layout.cgroup).folders() if folder.exists()]
    found += [f"mount {mount}" for mount in _mounts_below(layout.state, layout.runtime)]
    found += [f"folder {folder}" for folder in (layout.state, layout.runtime) if folder.exists()]
    return tuple(found)


def _mounts_below(*folders: Path) -> list[str]:
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount = line.split(" ")[4]
        if any(mount == str(folder) or mount.startswith(f"{folder}/") for folder in folders):
            mounts.append(mount)
    return mounts


def _sweep(layout: Layout) -> None:
    """Remove everything of the cluster, whatever it is in the middle of."""
    Supervisor(layout).stop()
    network.remove(layout)
    for mount in reversed(_mounts_below(layout.state, layout.runtime)):
        run(["umount", "--lazy", mount], check=False)
    for folder in (layout.runtime, layout.state):
        # First out of the way under a name that nothing reads: a kill in the middle leaves no half cluster.
        if folder.exists():
            doomed = folder.with_name(f".{folder.name}-removed")
            shutil.rmtree(doomed, ignore_errors=True)
            folder.rename(doomed)
    for folder in (layout.runtime, layout.state):
        shutil.rmtree(folder.with_name(f".{folder.name}-removed"), ignore_errors=True)


def down(layout: Layout | None = None, *, progress: Progress | None = None) -> None:
    """Remove the embedded cluster, running or in pieces, and prove that nothing of it is left.

    Raises NotObserved naming what could not be removed. The toolchain and the images in the user's cache stay.
    """
    layout = layout or Layout()
    _require_machine()
    with (progress or open_progress()).phase("Removing the cluster", expected=timedelta(seconds=4)):
        _sweep(layout)
        eventually(
            lambda: leftovers(layout),
            until=lambda left: not left,
            within=timedelta(seconds=20),
            what="nothing of the cluster is left",
        )


def status(layout: Layout | None = None) -> ClusterStatus:
    """Say how the cluster is, changing nothing; *state* is ``absent``, ``incomplete``, ``off``, ``degraded`` or ``running``."""
    layout = layout or Layout()
    left = leftovers(layout)
    record = _Record.read(layout)
    if record is None:
        return ClusterStatus(layout.name, "incomplete" if left else "absent", (), left)
    supervisor = Supervisor(layout)
    wired = network.attached(layout)
    nodes = tuple(
        NodeStatus(
            name=node.name,
            address=str(record.subnet.node(node)),
            on=supervisor.first_process(node) is not None,
            connected=wired and network.cable_connected(layout, node),
            processes=len(supervisor.node_group(node).processes()),
        )
        for node in PLAN
    )
    if all(node.on and node.connected for node in nodes) and supervisor.alive():
        state = "running"
    else:
        state = "degraded" if any(node.on for node in nodes) else "off"
    return ClusterStatus(layout.name, state, nodes, left)


def up(
    *, layout: Layout | None = None, progress: Progress | None = None, install: bool = True, fresh: bool = False
) -> RunningCluster:
    """Return the embedded cluster once its nodes are Ready, names resolve and the ingress serves; make, heal or use it.

    The caller holds the cluster's lock. Missing programs and images are built first. *install* allows Debian packages to
    be installed; *fresh* removes an existing cluster first.

    Raises UsageError when the machine lacks something, NotObserved when the cluster does not come up.
    """
    layout = layout or Layout()
    progress = progress or open_progress()
    _require_machine()
    install_debian_packages(package_group("cluster"), install=install)
    programs = ensure(CORE_PROGRAMS, progress=progress, install=install)
    workshop = Workshop(progress, programs)
    root = workshop.node_root()
    images = {name: f"{REGISTRY_HOST}:{REGISTRY_PORT}/{name}:{workshop.tag(name)}" for name in SYSTEM_IMAGES}
    identity = _identity(images, programs, root)
    record = _Record.read(layout)
    build = _Build(layout, progress, programs, workshop, root)
    if record and not fresh and record.identity == identity and _whole(layout):
        running = build.describe(record)
        try:
            build.resume(running, record)
        except (NotObserved, CommandFailed, UsageError) as problem:
            progress.say(f"The cluster that is there does not recover ({_first_line(problem)}); making a new one.")
        else:
            return running
    elif leftovers(layout):
        progress.say("Removing what is left of an earlier cluster.")
    _sweep(layout)
    return build.make(identity)


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0]


def _whole(layout: Layout) -> bool:
    return network.attached(layout) and Supervisor(layout).defined() and layout.kubeconfig.exists()


class _Build:
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

    def describe(self, record: _Record) -> RunningCluster:
        """Return the nouns of the cluster of *record*."""
        return RunningCluster(
            name=self.layout.name,
            kubeconfig=self.layout.kubeconfig,
            registry=self._registry(record.subnet),
            edge=Edge(
                address=str(record.subnet.node(PLAN[0])), port=443, ca=self.layout.state / "edge-authority.pem"
            ),
            nodes=tuple(EmbeddedNode(node, self.layout, str(record.subnet.node(node))) for node in PLAN),
            kubectl=self.programs["kubernetes"].binary("kubectl"),
            images=record.images,
        )

    def _registry(self, subnet: network.Subnet) -> Registry:
        return Registry(
            push=f"{subnet.bridge}:{REGISTRY_PORT}", pull=f"{REGISTRY_HOST}:{REGISTRY_PORT}", insecure=True
        )

    def resume(self, running: RunningCluster, record: _Record) -> None:
        """Bring back what is switched off, cut off or dead, and see the whole cluster answer."""
        with self.progress.phase("Cluster", expected=timedelta(seconds=1)):
            self.supervisor.start()
            eventually(
                lambda: all((self.layout.services / name / "supervise" / "ok").exists() for name in ["registry", *(n.name for n in PLAN)]),
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
            self._wait_registry(record.subnet)
            self._wait_serving(running, within=_RESUMED_WITHIN)

    def make(self, identity: str) -> RunningCluster:
        """Make the cluster from nothing."""
        with ExitStack() as stack:
            stack.enter_context(self.progress.phase("Cluster", expected=timedelta(seconds=35)))
            with self.progress.phase("Network and image registry"):
                subnet = network.free_subnet(network.networks_in_use())
                for folder in (self.layout.state, self.layout.runtime):
                    folder.mkdir(parents=True, exist_ok=True)
                    folder.chmod(0o700)
                network.create(self.layout, subnet)
                self.supervisor.define_registry(
                    subnet, self.programs["registry"].binary("registry"), self.workshop.registry_storage
                )
                self.supervisor.start()
                self._wait_registry(subnet)
            images = self.workshop.publish(SYSTEM_IMAGES, self._registry(subnet))
            settings = configuration.Settings(
                layout=self.layout,
                subnet=subnet,
                images=images,
                version=self.programs["kubernetes"].version,
                token=configuration.new_token(),
            )
            record = _Record(identity, subnet, images)
            running = self.describe(record)
            certificate = authority.issue(*EDGE_NAMES)
            (self.layout.state / "edge-authority.pem").write_text(certificate.authority)
            self._start_nodes(settings)
            with ThreadPoolExecutor(max_workers=len(PLAN) + 1) as pool:
                workers = [node for node in running.nodes if not node.plan.control_plane]
                fetches = [pool.submit(self._prefetch, node, images) for node in workers]
                addons = pool.submit(self._install_addons, running, images, certificate)
                self._init(running.control_plane)
                pin = authority.public_key_pin(self._node_file(PLAN[0], "etc/kubernetes/pki/ca.crt").read_text())
                joins = [pool.submit(self._join, settings, node, pin) for node in workers]
                for work in [*joins, addons, *fetches]:
                    work.result()
            with self.progress.phase("Nodes, names and ingress answer"):
                self._wait_serving(running, within=_READY_WITHIN)
            record.write(self.layout)
        return running

    def _start_nodes(self, settings: configuration.Settings) -> None:
        for node in PLAN:
            upper = self.layout.node_state(node) / "upper"
            if node.control_plane:
                configuration.write_control_plane(settings, node, upper)
            else:
                configuration.write_worker(settings, node, upper)
            recipe = NodeRecipe(
                root=self.root,
                programs={
                    name: self.programs[name].directory / "bin" for name in ("kubernetes", "containerd", "etcd")
                },
            )
            self.supervisor.define_node(node, recipe)

    def _node_file(self, node: NodePlan, path: str) -> Path:
        return self.layout.node_state(node) / "upper" / path

    def _wait_runtime(self, node: EmbeddedNode) -> None:
        eventually(
            lambda: node.on and node.run(["ctr", "version"], check=False).returncode,
            until=lambda code: code == 0 and code is not False,
            within=timedelta(seconds=60),
            what=f"the container runtime of {node.name} answers",
        )

    def _prefetch(self, node: EmbeddedNode, images: Mapping[str, str]) -> None:
        """Pull what every worker needs while the control plane starts."""
        self._wait_runtime(node)
        for name in _WORKER_IMAGES:
            node.run(["ctr", "--namespace", "k8s.io", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d", images[name]])

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

    def _install_addons(
        self, running: RunningCluster, images: Mapping[str, str], certificate: authority.EdgeCertificate
    ) -> None:
        """Apply the add-ons as soon as the API server takes objects, while kubeadm is still at work."""
        credentials = self._node_file(PLAN[0], _ADMIN.removeprefix("/"))
        kubectl = [running.kubectl, "--kubeconfig", credentials]
        eventually(
            lambda: credentials.exists()
            and run([*kubectl, "get", "--raw", "/readyz"], check=False, timeout=timedelta(seconds=10)).returncode == 0,
            until=bool,
            within=_READY_WITHIN,
            what="the API server is ready",
        )
        with self.progress.phase("Add-ons"):
            objects = run([running.kubectl, "kustomize", INFRA / "addons"]).stdout
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": "edge-certificate", "namespace": "ingress"},
                "stringData": {"tls.crt": certificate.certificate, "tls.key": certificate.key},
            }
            text = f"{rewritten(objects, images)}\n---\n{json.dumps(secret)}\n"
            eventually(
                lambda: run([*kubectl, "apply", "--server-side", "--filename", "-"], stdin=text, check=False),
                until=lambda done: done.returncode == 0,
                within=timedelta(seconds=60),
                what="the add-ons are accepted",
            )

    def _wait_registry(self, subnet: network.Subnet) -> None:
        def answers() -> bool:
            try:
                with httpx.Client(trust_env=False, timeout=2) as client:
                    return client.get(f"http://{subnet.bridge}:{REGISTRY_PORT}/v2/").status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        eventually(answers, until=bool, within=timedelta(seconds=20), what="the image registry answers")

    def _wait_serving(self, running: RunningCluster, *, within: timedelta) -> None:
        """Wait until every node is Ready, the add-ons run, names resolve and the ingress answers over TLS."""
        deadline = time.monotonic() + within.total_seconds()

        def left() -> timedelta:
            return timedelta(seconds=max(deadline - time.monotonic(), 0.1))

        target = Target(running.name, TruthLabel.EMBEDDED, running.kubeconfig, None, running.registry, running.edge)
        eventually(
            lambda: run([running.kubectl, "--kubeconfig", running.kubeconfig, "get", "--raw", "/readyz"], check=False, timeout=timedelta(seconds=10)).returncode,
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
            lambda: _name_resolves(self.layout),
            until=bool,
            within=left(),
            what="kubernetes.default.svc.cluster.local resolves",
        )
        eventually(lambda: _edge_answers(running.edge), until=bool, within=left(), what="the ingress answers over TLS")


def _available(workload: Document) -> bool:
    """Whether the controller has seen the newest template of *workload* and all it wants is up to date and available."""
    if workload.number("status.observedGeneration") < workload.number("metadata.generation"):
        return False
    if workload.text("kind") == "DaemonSet":
        wanted = workload.number("status.desiredNumberScheduled")
        counts = ("updatedNumberScheduled", "numberAvailable")
        return wanted > 0 and all(workload.number(f"status.{count}") == wanted for count in counts)
    wanted = workload.number("spec.replicas")
    return all(workload.number(f"status.{count}") == wanted for count in ("updatedReplicas", "availableReplicas"))


def _name_resolves(layout: Layout) -> bool:
    space = f"/run/netns/{layout.network_namespace(PLAN[0])}"
    question = ["busybox", "nslookup", "kubernetes.default.svc.cluster.local", "10.96.0.10"]
    try:
        return run(["nsenter", f"--net={space}", *question], check=False, timeout=timedelta(seconds=3)).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _edge_answers(edge: Edge) -> bool:
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




def images_for(
    target: Target, names: Sequence[str], *, progress: Progress | None = None, install: bool = True
) -> Mapping[str, str]:
    """Build what *target*'s registry lacks of the images *names*, push it, and return by name how a node pulls each.

    Raises UsageError when the target has no registry to push to.
    """
    if target.registry is None:
        message = (
            f"The target {target.name} names no image registry, so {', '.join(names)} cannot be deployed; give --registry "
            "host:port/prefix, one that you may push to and the nodes can pull from."
        )
        raise UsageError(message)
    progress = progress or open_progress()
    install_debian_packages(package_group("cluster"), install=install)
    # The recipes name the programs they copy; those of other images need not be built.
    workshop = Workshop(progress, ensure(programs_of(names), progress=progress, install=install))
    return workshop.publish(names, target.registry)
