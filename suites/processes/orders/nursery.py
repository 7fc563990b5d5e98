"""Processes of the services that start at once: copies of one that has loaded everything already."""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.context import ForkServerContext, ForkServerProcess
    from pathlib import Path

    from suites.soak.orders.stage import Launch, Running

_PLANTED = "suites.processes.orders.planted"
_DIE_WITH_PARENT = 1


def nursery() -> ForkServerContext:
    """Return where processes come from; what they need is loaded once, when the first is asked for."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reference_app.orders.__main__", "reference_app.catalog.__main__", _PLANTED])
    return context


def launching(context: ForkServerContext, bug: str | None = None) -> Launch:
    """Return what starts services from *context*, with *bug* planted in each process."""
    return partial(_launch, context, bug)


def _launch(
    context: ForkServerContext, bug: str | None, words: Sequence[str], environment: Mapping[str, str], log: Path
) -> Running:
    process = context.Process(target=_live, args=(tuple(words), dict(environment), str(log), bug))
    process.start()
    return _Forked(process)


class _Forked:
    """A process of `multiprocessing`, handled as one of `subprocess`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()


def _live(words: Sequence[str], environment: Mapping[str, str], log: str, bug: str | None) -> None:
    """Run one command of a service in this process."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.environ.clear()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    if bug is not None:
        importlib.import_module(_PLANTED).BUGS[bug]()
    raise SystemExit(importlib.import_module(f"{words[0]}.__main__").main(list(words[1:])))
