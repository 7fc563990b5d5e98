"""``python -m seatrial.chaos.stressing``: use processor, memory, disk or I/O of another process's control group.

It joins the control groups and the process namespace of that process, so that it counts as its neighbour in them and
ends with it. It is the fault as long as it runs: the memory and the files it takes are nobody's once it ends, and it
ends when its standard input does. Imports nothing but the standard library, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seatrial.chaos.impairing import enter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROCESSES = 0x20000000  # CLONE_NEWPID
_PARENT_DEATH_SIGNAL = 1
_BLOCK = 1 << 20
_SLICE = 0.1


def join_groups(folders: list[str]) -> None:
    """Move this process, and with it all that it starts, into the control groups in *folders*. Raises OSError."""
    for folder in folders:
        (Path(folder) / "cgroup.procs").write_text(str(os.getpid()))


def _worker(work: Callable[[], object]) -> int:
    """Start a process that does *work* and dies with this one; return its number."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    # In another process namespace the parent has no number; there, its death is that of standard input's other side.
    if os.getppid() in (parent, 0):
        with suppress(KeyboardInterrupt):
            work()
    os._exit(0)


def burn(share: float) -> None:
    """Use *share* of one processor, in slices of a tenth of a second."""
    while True:
        until = time.monotonic() + _SLICE * share
        while time.monotonic() < until:
            pass
        if share < 1:
            signal.sigtimedwait([], _SLICE * (1 - share))


def hold(size: int, done: Callable[[int], object]) -> None:
    """Take *size* bytes of memory, tell *done* how many there are by now, and keep them."""
    memory = mmap.mmap(-1, size)
    for start in range(0, size, _BLOCK):
        memory[start : start + _BLOCK] = b"\x01" * min(_BLOCK, size - start)
        done(min(size, start + _BLOCK))
    signal.pause()


def fill(folder: str, size: int, keep: int, done: Callable[[int], object]) -> None:
    """Take *size* bytes of the file system of *folder*, or all but *keep* of those free, in a file that has no name."""
    with tempfile.TemporaryFile(dir=folder) as file:
        written = 0
        while written < size:
            there = os.statvfs(folder)
            block = min(_BLOCK, size - written, there.f_bavail * there.f_frsize - keep)
            if block <= 0:
                break
            try:
                os.posix_fallocate(file.fileno(), written, block)
            except OSError:
                break
            written += block
            done(written)
        signal.pause()


def write(folder: str, done: Callable[[int], object]) -> None:
    """Write to the disk of *folder* as fast as it takes it, over and over to a file that has no name."""
    written = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        while True:
            file.seek(0)
            for _ in range(8):
                written += file.write(os.urandom(_BLOCK))
            os.fsync(file.fileno())
            done(written)


def _start(given: Mapping[str, Any], report: mmap.mmap) -> list[int]:
    def done(amount: int) -> None:
        report[:8] = amount.to_bytes(8, "little")

    kind = given["stress"]
    if kind == "cpu":
        return [_worker(lambda: burn(given["share"])) for _ in range(given["workers"])]
    if kind == "memory":
        return [_worker(lambda: hold(given["size"], done))]
    if kind == "disk":
        return [_worker(lambda: fill(given["folder"], given["size"], given["keep"], done))]
    return [_worker(lambda: write(given["folder"], done)) for _ in range(given["workers"])]


def _seconds() -> float:
    """Return the processor time that the workers of this process have used, as far as they are known here."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(OSError):
                fields = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _serve(answers: IO[str], report: mmap.mmap) -> None:
    answers.write("ready\n")
    answers.flush()
    while sys.stdin.readline():
        told = {"amount": int.from_bytes(report[:8], "little"), "seconds": _seconds()}
        answers.write(f"{json.dumps(told)}\n")
        answers.flush()


def main() -> None:
    """Do what the settings given as JSON say, until standard input ends."""
    given = json.loads(sys.argv[2])
    # Asked for before this process counts as one of the group: what the worker holds is then all that it holds.
    report = mmap.mmap(-1, 8)
    join_groups(given["groups"])
    if given["process"]:
        enter(f"/proc/{given['process']}/ns/pid", _PROCESSES)
    children = _start(given, report)
    try:
        _serve(sys.stdout, report)
    finally:
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
