"""What a fault feels like from where it is done: tried out inside of a pod's own network, not read off settings."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.chaos.spaces import NetworkSpace

REFUSED = 111  # ECONNREFUSED
_CONNECT = """
import json, socket, sys, time
one = socket.socket(); one.settimeout(float(sys.argv[3])); began = time.monotonic()
code = 0
try: one.connect((sys.argv[1], int(sys.argv[2])))
except TimeoutError: code = -1
except OSError as error: code = error.errno
print(json.dumps([code, time.monotonic() - began]))
"""
# A question for an address in the form of RFC 1035: one entry, recursion desired.
_NAME = """
import json, socket, struct, sys, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.settimeout(float(sys.argv[3])); began = time.monotonic()
labels = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[2].strip(".").split("."))
one.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack("!HH", 1, 1), (sys.argv[1], 53))
code = 0
try: one.recv(512)
except TimeoutError: code = -1
print(json.dumps([code, time.monotonic() - began]))
"""


@dataclass(frozen=True)
class Felt:
    """What came of it: *code* is 0 for an answer, -1 for none, else the error's number; and how long it took."""

    code: int
    took: timedelta

    @property
    def answered(self) -> bool:
        """Whether there was an answer."""
        return self.code == 0


def connect(space: NetworkSpace, address: str, port: int, *, patience: timedelta = timedelta(seconds=3)) -> Felt:
    """Connect from within *space* to *address*, and say what came of it."""
    return _felt(space, _CONNECT, address, str(port), patience)


def ask_name(space: NetworkSpace, server: str, name: str, *, patience: timedelta = timedelta(seconds=3)) -> Felt:
    """Ask the name server at *server* for *name* from within *space*, and say what came of it."""
    return _felt(space, _NAME, server, name, patience)


def throttled(groups: tuple[Path, ...]) -> int:
    """Return how many times one of the control groups *groups* was kept from the processor for having had its share."""
    for folder in groups:
        file = folder / "cpu.stat"
        if file.is_file():
            counted = dict(line.split() for line in file.read_text(encoding="utf-8").splitlines())
            return int(counted.get("nr_throttled", 0))
    return 0


def held(groups: tuple[Path, ...]) -> int:
    """Return how many bytes of memory the processes in the control groups *groups* hold, the kernel's own left out."""
    for folder in groups:
        file = folder / "memory.stat"
        if file.is_file():
            counted = dict(line.split() for line in file.read_text(encoding="utf-8").splitlines())
            names = ("total_rss", "total_mapped_file") if "total_rss" in counted else ("anon", "shmem")
            return sum(int(counted[name]) for name in names)
    return 0


def _felt(space: NetworkSpace, program: str, host: str, what: str, patience: timedelta) -> Felt:
    words = [sys.executable, "-I", "-S", "-c", program, host, what, str(patience.total_seconds())]
    code, took = json.loads(space.run(words))
    return Felt(code, timedelta(seconds=took))
