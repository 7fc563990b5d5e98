"""Waiting for what has no watch: the one place in the repository that sleeps."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FIRST_PAUSE = 0.010
_LONGEST_PAUSE = 0.250


class NotObserved(AssertionError):
    """Something that should have become true did not, within the time it had.

    *what* names it, *last* is what the last look saw (None if no look came back), *within* is the time it had.
    """

    def __init__(self, what: str, *, last: object, within: timedelta) -> None:
        self.what = what
        self.last = last
        self.within = within
        super().__init__(f"{what}: not within {within.total_seconds():g} s; last seen: {last}")


def eventually(
    probe: Callable[[], T],
    *,
    until: Callable[[T], bool],
    within: timedelta,
    what: str,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> T:
    """Return the first result of *probe* that satisfies *until*.

    Probes at once, then after pauses that grow from 10 ms to 250 ms. A result counts only if it came back before
    *within* had passed: an answer that arrives later was not observed in time, however good it is. What *probe* or
    *until* raises passes through. *clock* gives seconds, *pause* takes seconds.

    Raises NotObserved, carrying the last result seen, once *within* has passed; ValueError if *within* is not positive.
    """
    if within <= timedelta(0):
        message = f"{what}: the time to wait must be positive, not {within.total_seconds():g} s"
        raise ValueError(message)
    deadline = clock() + within.total_seconds()
    length = _FIRST_PAUSE
    last: T | None = None
    while True:
        last = probe()
        remaining = deadline - clock()
        if remaining < 0:
            raise NotObserved(what, last=last, within=within)
        if until(last):
            return last
        if remaining <= _FIRST_PAUSE:
            raise NotObserved(what, last=last, within=within)
        # Halving near the end puts the last look shortly before the deadline instead of a whole pause before it.
        pause(max(_FIRST_PAUSE / 2, min(length, remaining / 2)))
        length = min(length * 2, _LONGEST_PAUSE)
