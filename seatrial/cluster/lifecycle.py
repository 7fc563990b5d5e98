"""The embedded cluster's life: up, down, status, and healing whatever an interrupted run left.

`up` trusts nothing but what it sees. A cluster that answers is used as it is; one that is only switched off, partly or
wholly, is switched on; anything else is removed and made anew.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cluster import cgroups, configuration, network
from seatrial.cluster import layout as layout_module
from seatrial.cluster import supervisor as supervisor_module
from seatrial.cluster.bringup import SYSTEM_IMAGES, BringUp
from seatrial.cluster.images import Workshop
from seatrial.cluster.layout import INFRA, PLAN, Layout
from seatrial.cluster.leftovers import leftovers, sweep
from seatrial.cluster.mounts import TABLE, mounts
from seatrial.cluster.record import Record
from seatrial.cluster.supervisor import Supervisor
from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.toolchain import Program, ensure, install_debian_packages, package_group
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from seatrial.cluster.nodes import RunningCluster
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


def file_system(path: Path, table: Path = TABLE) -> str:
    """Return the type of the file system that *path*, or the nearest folder above it that exists, lies on."""
    there = next(folder for folder in [path, *path.parents] if folder.exists()).resolve()
    around = [mount for mount in mounts(table) if there.is_relative_to(mount.point)]
    # Of two on the same point, the later one hides the other.
    return max(reversed(around), key=lambda mount: len(mount.point.parts)).kind if around else "unknown"


def _require_machine(layout: Layout) -> None:
    if os.geteuid() != 0:
        message = (
            "The embedded cluster makes namespaces and control groups, which needs root; run with sudo, or give "
            "--kubeconfig for a cluster of your own."
        )
        raise UsageError(message)
    if not cgroups.hierarchies():
        message = "No control groups are mounted under /sys/fs/cgroup; mount them (version 1 or 2), then run again."
        raise UsageError(message)
    if file_system(layout.state) in {"overlay", "aufs"}:
        message = (
            f"{layout.state} is on an overlay file system, on which the nodes' disks cannot lie; mount a volume at "
            f"{layout.state.parent}, or name a folder on another file system in SEATRIAL_STATE."
        )
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
    # The modules that shape a cluster; the others only watch over it.
    for module in (configuration, network, layout_module, supervisor_module):
        total.update(inspect.getsource(module).encode())
    return total.hexdigest()


def down(layout: Layout | None = None, *, progress: Progress | None = None) -> None:
    """Remove the embedded cluster, running or in pieces, and prove that nothing of it is left.

    Raises NotObserved naming what could not be removed. The toolchain and the images in the user's cache stay.
    """
    layout = layout or Layout()
    _require_machine(layout)
    with (progress or open_progress()).phase("Removing the cluster", expected=timedelta(seconds=4)):
        sweep(layout)
        eventually(
            lambda: leftovers(layout),
            until=lambda left: not left,
            within=timedelta(seconds=20),
            what="nothing of the cluster is left",
        )


def status(layout: Layout | None = None) -> ClusterStatus:
    """Say how the cluster is, changing nothing.

    Its state is one of ``absent``, ``incomplete``, ``off``, ``degraded`` and ``running``.
    """
    layout = layout or Layout()
    left = leftovers(layout)
    record = Record.read(layout)
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
    """Make, heal or use the cluster; return it once its nodes are Ready, names resolve and the ingress serves.

    The caller holds the cluster's lock. *install* allows Debian packages to be installed; *fresh* removes an existing
    cluster first.

    Raises UsageError when the machine lacks something, NotObserved when the cluster does not come up.
    """
    layout = layout or Layout()
    progress = progress or open_progress()
    build = prepare(layout, progress, install=install)
    identity = _identity(build.workshop.references(SYSTEM_IMAGES), build.programs, build.root)
    record = Record.read(layout)
    if record and not fresh and record.identity == identity and _whole(layout):
        running = build.describe(record)
        try:
            build.resume(running, record)
        except Exception as problem:  # noqa: BLE001 (whatever keeps it from recovering, a new one is the cure)
            progress.say(f"The cluster that is there does not recover ({_first_line(problem)}); making a new one.")
        else:
            return running
    elif leftovers(layout):
        progress.say("Removing what is left of an earlier cluster.")
    sweep(layout)
    return build.make(identity)


def prepare(layout: Layout, progress: Progress, *, install: bool = True) -> BringUp:
    """Return what brings *layout*'s cluster up, with all programs built and the nodes' file system unpacked.

    Raises UsageError when the machine lacks something.
    """
    _require_machine(layout)
    install_debian_packages(package_group("cluster"), install=install, progress=progress)
    programs = ensure(CORE_PROGRAMS, progress=progress, install=install)
    workshop = Workshop(progress, programs)
    return BringUp(layout, progress, programs, workshop, workshop.node_root())


def _first_line(problem: Exception) -> str:
    return next(iter(str(problem).splitlines()), type(problem).__name__)


def _whole(layout: Layout) -> bool:
    """Whether there is a cluster to go on with.

    One whose supervisor has ended is not: everything on it has, and a new cluster is quicker than to find out in what
    state each part was at that instant.
    """
    supervisor = Supervisor(layout)
    return network.attached(layout) and supervisor.defined() and supervisor.alive() and layout.kubeconfig.exists()
