"""Processes that faults live in: each ends when the one that started it does, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "--mark="
_ENDS_WITHIN = timedelta(seconds=5)
_GOOD_ORDER = timedelta(seconds=2)


class InjectorFailed(Exception):
    """The process that a fault was to live in could not do it; the text is what it said."""


def marked(mark: str) -> tuple[int, ...]:
    """Return the processes that carry *mark*."""
    wanted = f"{_MARK}{mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return tuple(sorted(found))


def end_marked(mark: str) -> None:
    """Kill the processes that carry *mark*. Raises NotObserved when one of them does not end."""

    def strike() -> tuple[int, ...]:
        alive = marked(mark)
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return alive

    eventually(strike, until=lambda alive: not alive, within=_ENDS_WITHIN, what=f"the processes of fault {mark} end")


@dataclass(frozen=True)
class Injector:
    """A process of ours that is the fault as long as it runs.

    It ends when its standard input does: this process alone holds the other side, so not even SIGKILL leaves it behind.
    """

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, module: str, mark: str, settings: Mapping[str, Any]) -> Injector:
        """Start ``python -m module`` with *settings* and return once it says that it is at work.

        Raises InjectorFailed with what it said instead.
        """
        words = [sys.executable, "-P", "-m", module, f"{_MARK}{mark}", json.dumps(settings)]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        )
        made = cls(process)
        if made._read() != "ready":
            process.kill()
            said = process.communicate()[1].strip().splitlines()
            raise InjectorFailed(f"{module}: {said[-1] if said else 'ended without a word'}")
        return made

    def ask(self) -> Mapping[str, Any]:
        """Return what it has done so far. Raises InjectorFailed when it does not run any more."""
        if self.process.stdin is None or self.process.poll() is not None:
            raise InjectorFailed("the process of the fault has ended")
        try:
            self.process.stdin.write("?\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise InjectorFailed("the process of the fault has ended") from error
        answer = self._read()
        if not answer:
            raise InjectorFailed("the process of the fault has ended")
        told: Mapping[str, Any] = json.loads(answer)
        return told

    def close(self) -> None:
        """Let it end in good order, or else kill it, and wait for it."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(_GOOD_ORDER.total_seconds())
        except subprocess.TimeoutExpired:
            self.process.kill()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self.process.wait()

    def _read(self) -> str:
        return self.process.stdout.readline().strip() if self.process.stdout is not None else ""
