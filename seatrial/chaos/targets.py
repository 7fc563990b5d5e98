"""What faults are done to, found on this machine: the processes and the network of a pod, a container, a node.

A node of the embedded cluster is on this machine with all it runs, so a pod is found by the control groups that its
kubelet named after it. On a cluster whose nodes are elsewhere nothing is found: the scenario is inconclusive then.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos.owner import started
from seatrial.chaos.processes import ProcessId, ProcessKill, ProcessPause, name_of, processes_in
from seatrial.chaos.spaces import NetworkSpace
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.cluster import EmbeddedNode
    from seatrial.kube import Pod

_ROOT = Path("/sys/fs/cgroup")
_INTERFACE = "eth0"


def _tree() -> Path:
    """Return the folder of a hierarchy in which each process is in the group of its container."""
    return next((folder for folder in (_ROOT / "pids", _ROOT / "cpu") if folder.is_dir()), _ROOT)


def _group_of(uid: str, root: Path) -> Path | None:
    # The two ways in which kubelet names groups: cgroupfs, and systemd, where a dash means a level.
    wanted = re.compile(rf"(^pod{re.escape(uid)}$)|(-pod{re.escape(uid.replace('-', '_'))}\.slice$)")
    for folder, below, _ in os.walk(root):
        found = next((name for name in below if wanted.search(name)), None)
        if found is not None:
            return Path(folder) / found
    return None


@dataclass(frozen=True)
class LocalPod:
    """A pod whose processes run on this machine; *group* is the folder of its control group in one hierarchy."""

    pod: Pod
    group: Path

    @classmethod
    def find(cls, pod: Pod) -> LocalPod:
        """Return *pod* as it runs here. Raises Inconclusive when it does not run on this machine."""
        group = _group_of(pod.uid, _tree())
        if group is None or not processes_in(group):
            raise Inconclusive(
                f"the processes of {pod.namespace}/{pod.name} are not on this machine, and so cannot be reached",
                Missing.ABILITY,
            )
        return cls(pod, group)

    @property
    def name(self) -> str:
        """Its name, as it is told to persons."""
        return f"pod {self.pod.namespace}/{self.pod.name}"

    @property
    def space(self) -> NetworkSpace:
        """The network namespace that all its containers share."""
        return NetworkSpace.at(Path(f"/proc/{processes_in(self.group)[0]}/ns/net"), _INTERFACE, name=self.name)

    def container(self, name: str | None = None) -> LocalContainer:
        """Return the container *name*, or the only one. Raises Inconclusive when it does not run."""
        found = list(self._containers())
        chosen = [one for one in found if name is None or one.name == name]
        if len(chosen) != 1:
            raise Inconclusive(
                f"{self.name} runs {', '.join(one.name for one in found) or 'no container'}, not {name or 'just one'}",
                Missing.ABILITY,
            )
        return chosen[0]

    def _containers(self) -> Iterator[LocalContainer]:
        for status in self.pod.document.documents("status.containerStatuses"):
            identity = status.text("containerID").rpartition("/")[2]
            folder = next((one for one in self.group.iterdir() if identity and identity in one.name), None)
            if folder is not None and processes_in(folder):
                yield LocalContainer(status.text("name"), self, folder)


@dataclass(frozen=True)
class LocalContainer:
    """A container whose processes run on this machine."""

    name: str
    pod: LocalPod
    group: Path

    @property
    def processes(self) -> tuple[ProcessId, ...]:
        """All its processes."""
        return tuple(ProcessId.of(one) for one in processes_in(self.group) if started(one) is not None)

    @property
    def first(self) -> ProcessId:
        """The process that it was started with; it ends when that one does. Raises Inconclusive."""
        for process in processes_in(self.group):
            if started(process) is not None and _number_inside(process) == 1:
                return ProcessId.of(process)
        raise Inconclusive(f"container {self.name} of {self.pod.name} has no first process", Missing.ABILITY)

    def paused(self) -> ProcessPause:
        """Return the fault that all its processes are stopped."""
        return ProcessPause(self.processes, f"container {self.name} of {self.pod.name}")

    def crashed(self) -> ProcessKill:
        """Return the fault that its first process is killed; the node's kubelet starts the container anew."""
        first = self.first
        told = f"container {self.name} of {self.pod.name}"
        return ProcessKill(first, str(self.pod.group), name_of(first.number), told)


def _number_inside(process: int) -> int:
    """Return the number that *process* has in its own process namespace; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def component(node: EmbeddedNode, program: str) -> ProcessKill:
    """Return the fault that *program* (such as kubelet or kube-apiserver) of *node* is killed. Raises Inconclusive."""
    group = _tree() / node.layout.cgroup / node.name
    name = program[:15]  # as much of it as the kernel keeps
    for process in processes_in(group):
        if name_of(process) == name:
            return ProcessKill(ProcessId.of(process), str(group), name, f"{program} on node {node.name}")
    raise Inconclusive(f"{program} does not run on node {node.name}", Missing.ABILITY)


def node_space(node: EmbeddedNode) -> NetworkSpace:
    """Return the network namespace of *node* itself; its pods have their own."""
    path = Path("/run/netns") / node.layout.network_namespace(node.plan)
    return NetworkSpace.at(path, _INTERFACE, shared=True, name=f"node {node.name}")
