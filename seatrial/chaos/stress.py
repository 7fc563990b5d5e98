"""Faults by which a container's own control group runs short: of processor, memory, disk space, or I/O."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from seatrial.chaos.fault import registered
from seatrial.chaos.groups import groups_of
from seatrial.chaos.injector import Injector, marked
from seatrial.chaos.processes import ProcessId  # noqa: TC001 (leases are read by these annotations)

if TYPE_CHECKING:
    from seatrial.chaos.lease import State

_LIMITS = ("cpu.cfs_quota_us", "cpu.shares", "cpu.max", "cpu.weight", "memory.limit_in_bytes", "memory.max")


@dataclass(frozen=True)
class _Stress:
    """A process of ours among the neighbours of *process*, which is one of the container's own."""

    process: ProcessId
    name: str = ""

    @property
    def target(self) -> str:
        return self.name or f"the container of process {self.process.number}"

    def _start(self, mark: str, settings: dict[str, Any]) -> Injector:
        if not self.process.there:
            raise ProcessLookupError(f"process {self.process.number} has ended")
        groups = [str(folder) for folder in groups_of(self.process.number)]
        given = {"groups": groups, "process": self.process.number, **settings}
        return Injector.start("seatrial.chaos.stressing", mark, given)

    def _inside(self, folder: str) -> str:
        return f"/proc/{self.process.number}/root{folder}"

    def undo(self, mark: str) -> None:
        """Nothing but the processes that carry the mark is to be ended, and that is done for every fault."""

    def residue(self, mark: str) -> tuple[str, ...]:
        return tuple(f"process {process}" for process in marked(mark))

    def state(self) -> State:
        """Return the limits of the container's control groups, and the groups below them; nothing once it has ended."""
        if not self.process.there:
            return {}
        folders = groups_of(self.process.number)
        limits = [
            f"{folder / name}: {(folder / name).read_text().strip()}"
            for folder in folders
            for name in _LIMITS
            if (folder / name).is_file()
        ]
        below = [str(one) for folder in folders for one in sorted(folder.iterdir()) if one.is_dir()]
        return {"limits": tuple(limits), "control groups": tuple(below)}

    def _joined(self, mark: str) -> bool:
        """Whether what carries *mark* is in the container's control groups, each of them."""
        own = set(groups_of(self.process.number)) if self.process.there else set()
        found = marked(mark)
        return bool(own and found) and all(own <= set(groups_of(process)) for process in found)


@registered
@dataclass(frozen=True)
class CpuStress(_Stress):
    """*workers* processes compute without end, each for *share* (0 to 1) of its time."""

    kind: ClassVar[str] = "cpu-stress"
    workers: int = 2
    share: float = 1.0

    def inject(self, mark: str) -> Injector | None:
        return self._start(mark, {"stress": "cpu", "workers": self.workers, "share": self.share})

    def effect(self, mark: str, injector: Injector | None) -> str:
        seconds = injector.ask()["seconds"] if injector is not None and self._joined(mark) else 0
        return f"{seconds:g} s of processor time were used" if seconds else ""


@registered
@dataclass(frozen=True)
class MemoryStress(_Stress):
    """*size* bytes of memory are taken and held."""

    kind: ClassVar[str] = "memory-stress"
    size: int = 32 << 20

    def inject(self, mark: str) -> Injector | None:
        return self._start(mark, {"stress": "memory", "size": self.size})

    def effect(self, mark: str, injector: Injector | None) -> str:
        amount = injector.ask()["amount"] if injector is not None and self._joined(mark) else 0
        return f"{amount} bytes are held" if amount >= self.size else ""


@registered
@dataclass(frozen=True)
class DiskFill(_Stress):
    """*size* bytes of the file system of *folder*, as the container sees it, are taken, *keep* free ones left."""

    kind: ClassVar[str] = "disk-fill"
    folder: str = "/tmp"  # noqa: S108 (a place that is there in each container; the file has no name)
    size: int = 64 << 20
    keep: int = 0

    def inject(self, mark: str) -> Injector | None:
        settings = {"stress": "disk", "folder": self._inside(self.folder), "size": self.size, "keep": self.keep}
        return self._start(mark, settings)

    def effect(self, mark: str, injector: Injector | None) -> str:
        amount = injector.ask()["amount"] if injector is not None and self._joined(mark) else 0
        there = os.statvfs(self._inside(self.folder)) if self.process.there else None
        full = there is not None and there.f_bavail * there.f_frsize <= self.keep
        return f"{amount} bytes are taken" if amount >= self.size or (amount and full) else ""


@registered
@dataclass(frozen=True)
class IoStress(_Stress):
    """*workers* processes write to the disk of *folder*, as the container sees it, as fast as it takes it."""

    kind: ClassVar[str] = "io-stress"
    folder: str = "/tmp"  # noqa: S108 (a place that is there in each container; the file has no name)
    workers: int = 1

    def inject(self, mark: str) -> Injector | None:
        settings = {"stress": "io", "folder": self._inside(self.folder), "workers": self.workers}
        return self._start(mark, settings)

    def effect(self, mark: str, injector: Injector | None) -> str:
        amount = injector.ask()["amount"] if injector is not None and self._joined(mark) else 0
        return f"{amount} bytes were written" if amount else ""
