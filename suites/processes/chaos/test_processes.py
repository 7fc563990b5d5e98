"""Faults of a process and of its control group, as it feels them, and that they are gone afterwards."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos.groups import groups_of
from seatrial.chaos.injection import injected
from seatrial.chaos.injector import InjectorFailed, marked
from seatrial.chaos.processes import ProcessKill, ProcessPause
from seatrial.chaos.stress import CpuStress, DiskFill, IoStress, MemoryStress
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from seatrial.chaos.journal import Journal
    from suites.processes.chaos.neighbour import Neighbour

SOON = timedelta(seconds=20)


def test_a_stopped_process_goes_on_afterwards(neighbour: Neighbour, journal: Journal) -> None:
    with injected(ProcessPause((neighbour.identity,)), journal=journal):
        assert neighbour.identity.state == "T"
    eventually(lambda: neighbour.identity.state, until=lambda state: state == "S", within=SOON, what="it goes on")
    assert journal.leases() == ()


def test_processor_time_is_used_in_the_groups_of_the_neighbour(neighbour: Neighbour, journal: Journal) -> None:
    with injected(CpuStress(neighbour.identity, workers=2), journal=journal) as done:
        found = marked(done.lease.mark)
        assert len(found) == 3
        assert {groups_of(process) for process in found} == {groups_of(neighbour.process.pid)}
    assert neighbour.group.processes() == {neighbour.process.pid}


def test_memory_is_held_in_the_group_of_the_neighbour(neighbour: Neighbour, journal: Journal) -> None:
    size = 48 << 20
    before = used(neighbour)
    with injected(MemoryStress(neighbour.identity, size=size), journal=journal):
        assert used(neighbour) - before >= size
    eventually(
        lambda: used(neighbour) - before, until=lambda more: more < size / 2, within=SOON, what="it is given back"
    )


def test_disk_space_is_taken_and_given_back(neighbour: Neighbour, journal: Journal) -> None:
    size = 32 << 20
    before = free(neighbour.folder)
    with injected(DiskFill(neighbour.identity, folder=str(neighbour.folder), size=size), journal=journal) as done:
        holder = eventually(lambda: open_files(done.lease.mark), until=bool, within=SOON, what="a file is held open")
        assert holder == [size]
        assert list(neighbour.folder.iterdir()) == []
    assert free(neighbour.folder) > before - size


def test_the_disk_is_written_to(neighbour: Neighbour, journal: Journal) -> None:
    with injected(IoStress(neighbour.identity, folder=str(neighbour.folder)), journal=journal) as done:
        assert done.injector is not None
        assert done.injector.ask()["amount"] > 0
    assert list(neighbour.folder.iterdir()) == []


def test_a_place_that_is_not_there_cannot_be_filled(neighbour: Neighbour, journal: Journal) -> None:
    with (
        pytest.raises((NotObserved, InjectorFailed, FileNotFoundError)),
        injected(DiskFill(neighbour.identity, folder="/not-there"), journal=journal, effective=timedelta(seconds=1)),
    ):
        pytest.fail("it was done")
    assert journal.leases() == ()
    assert neighbour.group.processes() == {neighbour.process.pid}


def test_what_nobody_starts_again_fails_the_clean_up(neighbour: Neighbour, journal: Journal) -> None:
    folder = neighbour.group.folders()[0]
    waiting = os.fork()
    if not waiting:
        (folder / "cgroup.procs").write_text(str(os.getpid()))
        signal.pause()
    try:
        eventually(neighbour.group.processes, until=lambda found: len(found) == 2, within=SOON, what="two are there")
        program = Path(f"/proc/{neighbour.process.pid}/comm").read_text().strip()
        fault = ProcessKill(neighbour.identity, str(folder), "not-" + program[:8])
        with pytest.raises(Exception, match="does not run"), injected(fault, journal=journal) as done:
            done.patience = timedelta(seconds=1)
    finally:
        os.kill(waiting, signal.SIGKILL)
        os.waitpid(waiting, 0)
    assert len(journal.leases()) == 1


def used(neighbour: Neighbour) -> int:
    """What the memory group holds, in bytes, files that the kernel keeps left out."""
    folder = next(one for one in neighbour.group.folders() if (one / "memory.stat").exists())
    lines = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    names = ("total_rss", "total_mapped_file") if "total_rss" in lines else ("anon", "shmem")
    return sum(int(lines[name]) for name in names)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def open_files(mark: str) -> list[int]:
    """The sizes of the files without a name that the processes of a fault hold open."""
    sizes: list[int] = []
    for process in marked(mark):
        held = (entry for entry in Path(f"/proc/{process}/fd").iterdir() if " (deleted)" in str(entry.readlink()))
        sizes += [entry.stat().st_size for entry in held if entry.stat().st_size > 8]
    return sizes
