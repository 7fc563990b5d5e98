"""How the processes begin that send traffic: with their plan from standard input, ahead of what they measure."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_URGENCY = -15


def come_first() -> None:
    """Get the processor before what is measured does, where the system allows it.

    On a machine that also carries the cluster, a generator that waits for its turn would measure its own delay. It uses
    little; a session of its own makes the scheduler weigh it by itself.
    """
    with contextlib.suppress(OSError):
        os.setsid()
        Path("/proc/self/autogroup").write_text(str(_URGENCY), encoding="ascii")
    with contextlib.suppress(OSError):
        os.nice(_URGENCY)


def first_line() -> str:
    """Read one line byte by byte, so that what follows stays in the pipe for the event loop."""
    line = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    return line.decode()
