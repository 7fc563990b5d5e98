"""Control groups of the nodes, on either version of the hierarchy.

A node lives in one group per hierarchy, named by its path below the root. Whatever a node starts stays below it, so the
group is the complete list of the node's processes: what is to be killed, and the proof that nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from seatrial.cluster.mounts import TABLE, mounts
from seatrial.waiting import eventually

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Hierarchy:
    """One mounted control group tree; *controllers* is empty for version 2."""

    mount: Path
    controllers: tuple[str, ...]
    options: str

    @property
    def unified(self) -> bool:
        """Whether this is the version 2 tree."""
        return not self.controllers


def hierarchies(table: Path = TABLE) -> tuple[Hierarchy, ...]:
    """Return the trees: the version 2 tree where there is no other, else all version 1 trees.

    A hybrid machine (version 1 controllers and an empty version 2 tree) counts as version 1, as kubelet and runc do.
    """
    found: list[Hierarchy] = []
    unified: list[Hierarchy] = []
    for mount in mounts(table):
        if mount.kind == "cgroup":
            names = tuple(option for option in mount.options if option not in {"rw", "ro", "relatime", "xattr", ""})
            found.append(Hierarchy(mount.point, names, ",".join(names)))
        elif mount.kind == "cgroup2":
            unified.append(Hierarchy(mount.point, (), ""))
    return tuple(found) if found else tuple(unified[:1])


def version() -> int:
    """Return 1 or 2: the version whose controllers this machine uses."""
    trees = hierarchies()
    return 2 if trees and trees[0].unified else 1


@dataclass(frozen=True)
class Group:
    """The control group *path* in every hierarchy."""

    path: str

    def folders(self) -> tuple[Path, ...]:
        """Return its folder in each hierarchy, existing or not."""
        return tuple(tree.mount / self.path for tree in hierarchies())

    def weigh(self, times: int) -> None:
        """Give the group, and the groups above it, the processor share of *times* ordinary processes.

        The scheduler counts a group as one process, however many it holds: unweighed, a whole cluster would get no more
        than a single busy program beside it.
        """
        for tree in hierarchies():
            for path in [Path(self.path), *Path(self.path).parents][:-1]:
                if tree.unified and (file := tree.mount / path / "cpu.weight").exists():
                    file.write_text(str(100 * times))
                elif "cpu" in tree.controllers:
                    (tree.mount / path / "cpu.shares").write_text(str(1024 * times))

    def create(self) -> None:
        """Make the group, with controllers handed down (version 2) or cpusets filled in (version 1)."""
        for tree in hierarchies():
            folder = tree.mount
            for part in Path(self.path).parts:
                if tree.unified:
                    available = (folder / "cgroup.controllers").read_text().split()
                    for controller in available:
                        # One controller that cannot be handed down, such as one in use elsewhere, keeps back no other.
                        with contextlib.suppress(OSError):
                            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
                parent, folder = folder, folder / part
                folder.mkdir(exist_ok=True)
                if "cpuset" in tree.controllers:
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        if not (folder / name).read_text().strip():
                            (folder / name).write_text((parent / name).read_text().strip())

    def processes(self) -> frozenset[int]:
        """Return the ids of all processes in the group and below it, as this process sees them."""
        ids: set[int] = set()
        for folder in self.folders():
            for current, _, files in os.walk(folder):
                if "cgroup.procs" in files:
                    with contextlib.suppress(OSError):
                        ids.update(int(word) for word in (Path(current) / "cgroup.procs").read_text().split())
        ids.discard(0)
        return frozenset(ids)

    def kill(self, *, within: timedelta = timedelta(seconds=20)) -> None:
        """Kill every process in the group, until none is left.

        Raises NotObserved, naming the survivors, once *within* has passed.
        """

        def strike() -> frozenset[int]:
            alive = self.processes()
            for process in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            return alive

        eventually(strike, until=lambda alive: not alive, within=within, what=f"the processes of {self.path} end")

    def remove(self) -> None:
        """Remove the group and all below it, and its parents that hold nothing else; it must hold no process.

        Raises NotObserved when the kernel still holds on to a part of it after ten seconds.
        """

        def sweep() -> bool:
            for folder in self.folders():
                for current, _, _ in os.walk(folder, topdown=False):
                    # A group whose last process has just ended is busy for a moment.
                    with contextlib.suppress(OSError):
                        Path(current).rmdir()
            return self.exists()

        eventually(sweep, until=lambda there: not there, within=timedelta(seconds=10), what=f"{self.path} is removed")
        for tree in hierarchies():
            for parent in list(Path(self.path).parents)[:-1]:
                with contextlib.suppress(OSError):
                    (tree.mount / parent).rmdir()

    def exists(self) -> bool:
        """Whether any hierarchy has the group."""
        return any(folder.exists() for folder in self.folders())
