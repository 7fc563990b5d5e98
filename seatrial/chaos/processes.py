"""Faults of processes: stopped for a while, or killed so that whoever watches over them has to start them again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.fault import registered
from seatrial.chaos.owner import started

if TYPE_CHECKING:
    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State

_STOPPED = "T"


@dataclass(frozen=True)
class ProcessId:
    """One process and no other that may get its number later; *start* in clock ticks since boot."""

    number: int
    start: int

    @classmethod
    def of(cls, number: int) -> ProcessId:
        """Return the identity of process *number*. Raises ProcessLookupError."""
        start = started(number)
        if start is None:
            raise ProcessLookupError(f"there is no process {number}")
        return cls(number, start)

    @property
    def there(self) -> bool:
        """Whether it still runs."""
        return started(self.number) == self.start

    @property
    def state(self) -> str:
        """Its state as proc(5) writes it, such as S or T; empty when it has ended."""
        if not self.there:
            return ""
        try:
            return Path(f"/proc/{self.number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2][1]
        except OSError:
            return ""

    def signal(self, what: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.there:
            with suppress(ProcessLookupError):
                os.kill(self.number, what)


@registered
@dataclass(frozen=True)
class ProcessPause:
    """*processes* are stopped: they keep their connections and answer nothing (SIGSTOP)."""

    kind: ClassVar[str] = "process-pause"
    processes: tuple[ProcessId, ...]
    name: str = ""

    @property
    def target(self) -> str:
        return self.name or f"processes {', '.join(str(one.number) for one in self.processes)}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        for process in self.processes:
            process.signal(signal.SIGSTOP)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        states = {process.state for process in self.processes}
        return f"{len(self.processes)} processes are stopped" if states == {_STOPPED} else ""

    def undo(self, mark: str) -> None:
        del mark
        for process in self.processes:
            process.signal(signal.SIGCONT)

    def residue(self, mark: str) -> tuple[str, ...]:
        del mark
        return tuple(f"process {one.number} is stopped" for one in self.processes if one.state == _STOPPED)

    def state(self) -> State:
        return {"stopped": tuple(str(one.number) for one in self.processes if one.state == _STOPPED)}


@registered
@dataclass(frozen=True)
class ProcessKill:
    """*process* is killed; what watches over it has to start the program anew.

    *group* is the folder of the control group in which the new one appears, *program* its name in proc(5)'s ``comm``.
    """

    kind: ClassVar[str] = "process-kill"
    process: ProcessId
    group: str
    program: str
    name: str = ""

    @property
    def target(self) -> str:
        return self.name or f"{self.program} (process {self.process.number})"

    def inject(self, mark: str) -> Injector | None:
        del mark
        self.process.signal(signal.SIGKILL)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        return "" if self.process.there else f"process {self.process.number} has ended"

    def undo(self, mark: str) -> None:
        """Do nothing: starting it again is what the platform is tried for."""

    def residue(self, mark: str) -> tuple[str, ...]:
        del mark
        # A node that is gone, or off, owes nobody a program.
        if not Path(self.group).is_dir() or not processes_in(Path(self.group)):
            return ()
        running = any(name_of(one) == self.program for one in processes_in(Path(self.group)))
        return () if running else (f"{self.program} does not run in {self.group}",)

    def state(self) -> State:
        return {}


def name_of(process: int) -> str:
    """Return the name of *process*, at most 15 characters as the kernel keeps it; empty when it has ended."""
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def processes_in(group: Path) -> tuple[int, ...]:
    """Return the processes of the control group in the folder *group* and of all below it."""
    found: set[int] = set()
    for folder, _, files in os.walk(group):
        if "cgroup.procs" in files:
            with suppress(OSError):
                found.update(int(word) for word in (Path(folder) / "cgroup.procs").read_text().split())
    found.discard(0)
    return tuple(sorted(found))
