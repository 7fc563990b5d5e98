"""An emulator of the AWS API: moto's server, started for one use, with data of its own that end with it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START = timedelta(seconds=60)
_STOP = timedelta(seconds=10)
REGION = "ap-northeast-2"


class EmulatorGone(Exception):
    """The emulator ended before it was asked to; the text holds its last words."""


@dataclass
class Emulator:
    """A server under way; *url* is where each of its AWS services is reached."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, *, host: str = "127.0.0.1") -> Iterator[Emulator]:
        """Start one whose log is in *folder*, on a port that is free, until the block ends.

        It ends with this process too, however that ends. Raises EmulatorGone if it does not come up.
        """
        folder.mkdir(parents=True, exist_ok=True)
        told, log = folder / "port", folder / "emulator.log"
        told.unlink(missing_ok=True)
        command = [sys.executable, "-m", "seatrial.cloud.moto_server"]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, "--host", host, "--port", "0", "--port-file", str(told)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            port = eventually(
                lambda: _port(told, process, log), until=bool, within=_START, what="the emulator says its port"
            )
            emulator = cls(f"http://{host}:{port}", log, process)
            eventually(emulator.answers, until=bool, within=_START, what="the emulator answers")
            yield emulator
        finally:
            process.terminate()
            try:
                process.wait(_STOP.total_seconds())
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def answers(self) -> bool:
        """Whether it answers just now; raises EmulatorGone if its process has ended."""
        if self.process.poll() is not None:
            raise EmulatorGone(_last_words(self.log))
        try:
            return httpx.get(f"{self.url}/moto-api/", timeout=5.0).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _port(file: Path, process: subprocess.Popen[bytes], log: Path) -> int:
    if process.poll() is not None:
        raise EmulatorGone(_last_words(log))
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text(encoding="utf-8"))
    return 0


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    return f"The emulator ended; the last of {log}: {' / '.join(lines)}"
