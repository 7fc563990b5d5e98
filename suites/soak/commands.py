"""The commands of a person at the keyboard, and how to find the processes behind them."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from seatrial.cluster.layout import Layout
from seatrial.waiting import NotObserved, eventually
from suites.soak.instants import Phase, Victim

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
LONGEST = timedelta(minutes=20)
_PROOF = "all_nodes_are_ready or a_note_is_found or a_new_product_is_shown"
_FAULT = "a_node_loses_its_power or one_replica_is_killed"
UP = ("cluster", "--", "up")
DOWN = ("cluster", "--", "down")
PROOF = ("e2e", "--", "-k", _PROOF)
COMMANDS = {Phase.UP: UP, Phase.SCENARIO: ("e2e", "--", "-k", _FAULT), Phase.DOWN: DOWN}
BEFORE = {Phase.UP: DOWN, Phase.SCENARIO: UP, Phase.DOWN: UP}


@dataclass(frozen=True)
class Command:
    """One ``./nox`` command under way; what it prints goes to *log*."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, words: Sequence[str], log: Path) -> Command:
        """Start it in a session of its own, as a terminal does."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(ROOT / "nox"), "-s", *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    @classmethod
    def completed(cls, words: Sequence[str], log: Path) -> timedelta:
        """Run it to its end; return how long it took. Raises AssertionError, with its last lines, when it fails."""
        begin = time.monotonic()
        started = cls.start(words, log)
        code = started.process.wait(LONGEST.total_seconds())
        if code != 0:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
            raise AssertionError(f"./nox -s {' '.join(words)} ended with code {code}:\n{last}")
        return timedelta(seconds=time.monotonic() - begin)

    def pass_time(self, length: timedelta) -> None:
        """Let *length* pass, or less when the command ends."""
        end = time.monotonic() + length.total_seconds()
        try:
            eventually(
                lambda: time.monotonic() >= end or self.process.poll() is not None,
                until=bool,
                within=length + timedelta(seconds=5),
                what="time passes",
            )
        except NotObserved as error:
            raise AssertionError("this machine is too busy to tell the time") from error

    def victim(self, wanted: Victim) -> psutil.Process | None:
        """Return the process to kill, None when there is none at this instant."""
        if wanted is Victim.SUPERVISOR:
            return _supervisor()
        try:
            launcher = psutil.Process(self.process.pid)
            below = launcher.children(recursive=True)
        except psutil.NoSuchProcess:
            return None
        if wanted is Victim.LAUNCHER:
            return launcher
        return next((child for child in below if _works(child)), None)


def _supervisor() -> psutil.Process | None:
    services = str(Layout().services)
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[:1] == ["runsvdir"] and services in words:
            return process
    return None


def _works(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "pytest" in words or any(Path(word).name == "seatrial" for word in words[:2])
