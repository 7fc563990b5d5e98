"""Processes around a run under load: a peer to load, and plain Locust to compare with."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class PeerProcess:
    """A peer that serves at *url*."""

    process: subprocess.Popen[str]
    url: str


@dataclass(frozen=True)
class PlainResult:
    """What plain Locust measured; times in seconds, *processor* is time on a processor."""

    requests: int
    failures: int
    p99: float
    processor: float
    seconds: float


@dataclass(frozen=True)
class PlainLocust:
    """Plain Locust at work."""

    process: subprocess.Popen[str]

    def stop(self) -> PlainResult:
        """End it; return what it measured."""
        said, _ = self.process.communicate("stop\n", timeout=60)
        return PlainResult(**json.loads(said))


@contextlib.contextmanager
def peer(*mode: str) -> Iterator[PeerProcess]:
    """Run a peer during the block."""
    with _running("peer.py", *mode) as process:
        yield PeerProcess(process, f"http://127.0.0.1:{_line(process)}")


@contextlib.contextmanager
def plain_locust(url: str, *, users: int, per_second: float = 0) -> Iterator[PlainLocust]:
    """Let *users* of plain Locust ask at *url* during the block, each *per_second* times, or as often as they can."""
    with _running("plain.py", url, str(users), str(per_second)) as process:
        assert _line(process) == "sending"
        yield PlainLocust(process)


@contextlib.contextmanager
def _running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(_HERE / program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
