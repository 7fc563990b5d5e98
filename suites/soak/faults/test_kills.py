"""Whoever does a fault is killed at a random instant: within 15 seconds nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from seatrial.chaos.injection import sweep
from seatrial.chaos.reaping import reaper_runs
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from seatrial.chaos.journal import Journal
    from suites.processes.chaos.neighbour import Neighbour
    from suites.processes.chaos.pair import Pair
    from suites.soak.faults.kills import Kill

PROMISE = timedelta(seconds=15)


def test_nothing_is_left_after_a_kill(kill: Kill, pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    before = pair.space.state()
    with _begun(kill, pair, neighbour) as runner:
        _let_pass(kill.after)
        if kill.reaper_too:
            for process in _reapers(journal):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        os.killpg(runner.pid, signal.SIGKILL)
    if kill.reaper_too:
        # It may just have been started when its runner died, and then it does what it is for.
        assert sweep(journal, within=PROMISE).failures == ()
    eventually(
        lambda: _left(pair, neighbour, journal), until=lambda found: not found, within=PROMISE, what="nothing is left"
    )
    assert pair.space.state() == before


def test_the_next_run_works(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    assert len(pair.talk("udp", count=20).answers) == 20
    assert neighbour.identity.state == "S"
    eventually(lambda: reaper_runs(journal), until=lambda runs: not runs, within=PROMISE, what="no reaper is left")


def _begun(kill: Kill, pair: Pair, neighbour: Neighbour) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "suites.faulty", kill.fault, f"st{pair.name}a", str(neighbour.process.pid)]
    runner = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert runner.stdout is not None
    assert runner.stdout.readline() == "begins\n"
    return runner


def _let_pass(length: timedelta) -> None:
    end = time.monotonic() + length.total_seconds()
    with suppress(NotObserved):
        eventually(
            lambda: time.monotonic() >= end, until=bool, within=length + timedelta(seconds=1), what="time passes"
        )


def _reapers(journal: Journal) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"seatrial.chaos.reaper", str(journal.folder)} <= set(process.info["cmdline"] or [])
    ]


def _left(pair: Pair, neighbour: Neighbour, journal: Journal) -> list[str]:
    """All that a fault of any mark can have left: leases, rules, disciplines, processes, one that stands still."""
    found = [str(lease) for lease in journal.leases()]
    found += [rule for rule in pair.space.rules() if "seatrial-" in rule]
    discipline = pair.space.run(["tc", "qdisc", "show", "dev", pair.space.interface]).strip()
    found += [discipline] if "noqueue" not in discipline else []
    found += [f"stopped: {neighbour.process.pid}"] if neighbour.identity.state == "T" else []
    found += [f"in the group: {one}" for one in neighbour.group.processes() - {neighbour.process.pid}]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                ours = {b"seatrial.chaos.impairing", b"seatrial.chaos.stressing"} & set(words)
                found += [f"process {entry.name}"] if ours and _of(entry, pair, neighbour) else []
    return found


def _of(entry: Path, pair: Pair, neighbour: Neighbour) -> bool:
    """Whether the process of *entry* has to do with this pair; other tests of this machine may have their own."""
    words = (entry / "cmdline").read_bytes()
    return f"st{pair.name}a".encode() in words or f'"process": {neighbour.process.pid},'.encode() in words
