"""Letting time pass, which is what faults that last are about."""

from __future__ import annotations

import time
from datetime import timedelta

from seatrial.waiting import eventually


def pass_time(seconds: float) -> None:
    """Return *seconds* later."""
    end = time.monotonic() + seconds
    # On a busy machine the look that sees the end may come late.
    within = timedelta(seconds=seconds + 60)
    eventually(time.monotonic, until=lambda now: now >= end, within=within, what="time passes")
