"""One user of the embedded cluster at a time, across all checkouts and sessions of the machine."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.cluster.layout import Layout
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def lock(
    layout: Layout | None = None, *, wait: bool = True, say: Callable[[str], object] | None = None
) -> Iterator[None]:
    """Hold the cluster of *layout* until the block ends, or until the process dies, however it dies.

    A second user waits, after telling *say* for whom, or gets a UsageError when *wait* is off.
    """
    layout = layout or Layout()
    layout.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = layout.lock.open("a+")
    except PermissionError as problem:
        message = f"The lock {layout.lock} cannot be opened: the embedded cluster needs root; run with sudo."
        raise UsageError(message) from problem
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            if not wait:
                message = f"The embedded cluster is in use by {holder}; wait for it to end, or end it, and run again."
                raise UsageError(message) from None
            (say or _to_stderr)(f"The embedded cluster is in use by {holder}; waiting.")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} ({Path(sys.argv[0]).name})\n")
        file.flush()
        yield
