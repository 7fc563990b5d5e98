"""Running the programs of the base system that faults are done with, without a library that takes long to load."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.witness import tell_command

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 30.0


class ToolFailed(Exception):
    """A program ended with an error; the text is its command and its last words."""


def run(words: Sequence[str]) -> str:
    """Run a command to its end and return what it printed. Raises ToolFailed."""
    began = time.monotonic()
    code: int | None = None
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_LONGEST
        )
        code = done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolFailed(f"{' '.join(words)}: {error}") from error
    finally:
        tell_command(words, code, timedelta(seconds=time.monotonic() - began))
    if done.returncode != 0:
        raise ToolFailed(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
