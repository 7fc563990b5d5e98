"""A process that is made to stand still for a while, as a busy machine would make it."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

from seatrial.waiting import eventually

_MARGIN = timedelta(seconds=60)


def hold_up(process: int, duration: timedelta) -> None:
    """Stop the process of that number for *duration* and let it go on, however this ends. Raises ProcessLookupError."""
    os.kill(process, signal.SIGSTOP)
    try:
        end = time.monotonic() + duration.total_seconds()
        eventually(time.monotonic, until=lambda now: now >= end, within=duration + _MARGIN, what="it stood still")
    finally:
        os.kill(process, signal.SIGCONT)
