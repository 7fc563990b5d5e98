"""A process in control groups of its own, as a container's is: what faults of processes are done to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.chaos.processes import ProcessId
from seatrial.cluster.cgroups import Group

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Neighbour:
    """A process that waits; *folder* is a place to write in."""

    process: subprocess.Popen[bytes]
    group: Group
    folder: Path

    @classmethod
    def create(cls, name: str, folder: Path) -> Neighbour:
        """Make its groups and start it in them."""
        group = Group(f"seatrial-test-{name}")
        group.create()
        process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"])
        for one in group.folders():
            (one / "cgroup.procs").write_text(str(process.pid))
        return cls(process, group, folder)

    @property
    def identity(self) -> ProcessId:
        """Which process it is."""
        return ProcessId.of(self.process.pid)

    def remove(self) -> None:
        """End it and remove its groups."""
        self.process.kill()
        self.process.wait()
        self.group.kill()
        self.group.remove()
