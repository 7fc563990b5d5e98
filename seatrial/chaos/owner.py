"""Who holds a fault, told so that nobody can be taken for somebody else: process, start of the process, boot."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_GONE: Final = ("Z", "X", "x")


def boot() -> str:
    """Return the identity of this boot of the machine."""
    return _BOOT.read_text(encoding="ascii").strip()


def since_boot() -> float:
    """Return the seconds since boot, suspension included: a clock that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def started(process: int) -> int | None:
    """Return when *process* was started, in clock ticks since boot; None when there is none that runs."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in brackets may hold anything; what follows its last bracket is in the order of proc(5), from field 3 on.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in _GONE else int(fields[19])


@dataclass(frozen=True)
class Owner:
    """One process of one boot; *start* in clock ticks since that boot."""

    process: int
    start: int
    boot: str

    @classmethod
    def of(cls, process: int) -> Owner | None:
        """Return the identity of *process*; None when it does not run."""
        start = started(process)
        return None if start is None else cls(process, start, boot())

    @classmethod
    def this(cls) -> Owner:
        """Return the identity of this process."""
        found = cls.of(os.getpid())
        if found is None:
            raise ProcessLookupError("this process is not in /proc: mount it")
        return found

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs; one that has ended and was not waited for does not."""
        return boot() == self.boot and started(self.process) == self.start
