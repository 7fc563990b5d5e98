"""Builds that nobody waits for yet: in a process of their own, which gives way to all others."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.toolchain.build import Toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seatrial.progress import Progress

_LAST_IN_LINE = 19
_COMMAND = (sys.executable, "-c", "from seatrial.cli import main; main()", "toolchain", "build")


@contextmanager
def building_beside(names: Iterable[str], *, progress: Progress, command: Sequence[str] = _COMMAND) -> Iterator[bool]:
    """Build what the store lacks of *names* while the block lasts; yield whether nothing is lacking.

    Who needs one of them before it is done asks `seatrial.toolchain.ensure` for it, which waits; it also tells what
    went wrong, for nothing is told here. A build that is not done when the block or this process ends is broken off.
    *command* gets the names as arguments. Raises UsageError for an unknown name.
    """
    toolchain = Toolchain.here()
    chosen = toolchain.pins.chosen(names)
    lacking = [pin.name for pin in chosen if toolchain.store.find(toolchain.pins.identity(pin)) is None]
    if not lacking:
        yield True
        return
    progress.say(f"Building {', '.join(lacking)} beside what comes first.")
    # Whoever is the launcher is watched: a build ends with it.
    environment = {**os.environ, "SEATRIAL_LAUNCHER": str(os.getpid())}
    process = subprocess.Popen(
        ["nice", "-n", str(_LAST_IN_LINE), *command, *lacking],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        yield False
    finally:
        process.terminate()
        process.wait()
