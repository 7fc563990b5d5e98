"""Platforms that are built side by side, and beside whatever else goes on meanwhile."""

from __future__ import annotations

import os
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from seatrial.witness import aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from seatrial.cloud.platform import Platform

# Half of the way to the least urgent of what the kernel knows.
_GIVES_WAY = 10


@contextmanager
def built_beside(lent: Mapping[str, AbstractContextManager[Platform]]) -> Iterator[Mapping[str, Future[Platform]]]:
    """Open and build each of *lent*; yield at once, by the same names, what will be the built platforms.

    What is started for that gives way to all else, and is told as the run's own and no scenario's. What goes wrong is
    raised by whoever asks for the result. When the block ends, all that were opened are left, which ends a build that
    is under way, and no other is begun.
    """
    opening = threading.Lock()
    held = ExitStack()
    over = threading.Event()

    def build(one: AbstractContextManager[Platform]) -> Platform:
        with opening:
            if over.is_set():
                raise CancelledError
            platform = held.enter_context(one)
        platform.build()
        return platform

    with ThreadPoolExecutor(max_workers=len(lent), initializer=_in_the_background) as builders:
        try:
            yield {name: builders.submit(build, one) for name, one in lent.items()}
        finally:
            with opening:
                over.set()
            held.close()


def _in_the_background() -> None:
    os.nice(_GIVES_WAY)  # in Linux that is of this thread, and of what it starts
    aside()
