"""What the platform says of a workload while a fault is on it, looked at again and again."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.kube.api import Interrupted, Refused
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LONGEST = timedelta(hours=2)
_LAST_LOOK = timedelta(seconds=5)


@dataclass(frozen=True)
class Look:
    """One look, from *began* to *ended*: the ids of the replicas that take requests; None if nobody answered."""

    began: float
    ended: float
    ready: frozenset[str] | None


class Lookout:
    """Looks with *probe* in the background, four times a second, and keeps each look."""

    def __init__(self, probe: Callable[[], frozenset[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._over = threading.Event()
        self._looks: list[Look] = []

    @property
    def looks(self) -> tuple[Look, ...]:
        """All looks that have come back so far, in their order."""
        return tuple(self._looks)

    def look(self) -> None:
        """Look once."""
        began = self._clock()
        try:
            ready: frozenset[str] | None = self._probe()
        except (Refused, Interrupted):
            ready = None
        self._looks.append(Look(began, self._clock(), ready))

    @contextmanager
    def looking(self) -> Iterator[Lookout]:
        """Look once at once, then in the background for as long as the context lasts."""
        self.look()
        follower = threading.Thread(target=self._follow, name="lookout", daemon=True)
        follower.start()
        try:
            yield self
        finally:
            self._over.set()
            follower.join(_LAST_LOOK.total_seconds())

    def _follow(self) -> None:
        try:
            eventually(self.look, until=lambda _: self._over.is_set(), within=_LONGEST, what="the lookout ends")
        except NotObserved:
            self._over.set()


@dataclass(frozen=True)
class Seen:
    """What looks came to: the replicas that took requests before; when one was first missed; when all were back.

    *before* is None where no look before the fault was answered, *missed* where none was missed, *back* where not all
    were back at the last look.
    """

    before: int | None
    missed: Instant | None
    back: Instant | None
    answered: int
    unanswered: int

    @property
    def compares(self) -> bool:
        """Whether there is a before and an after to compare."""
        return self.before is not None and self.answered > 0


def seen_since(looks: Sequence[Look], injected: Instant) -> Seen:
    """Say what *looks* tell of the replicas that took requests before *injected*.

    A look that was under way when something happened may have seen it or not: an instant lies between the beginning of
    the last look that did not see it and the end of the first that did. Looks that nobody answered widen it. The
    replicas are back for good after the last look at which there were fewer than before.
    """
    before = next(
        (one.ready for one in reversed(looks) if one.ready is not None and one.ended <= injected.earliest), None
    )
    after = [one for one in looks if one.ended > injected.earliest]
    known = [one for one in after if one.ready is not None]
    missed = back = None
    if before is not None:
        missing = [one.ready is not None and not before <= one.ready for one in known]
        fewer = [one.ready is not None and len(one.ready) < len(before) for one in known]
        if any(missing):
            first = missing.index(True)
            missed = _between(known, first - 1, first, injected)
            short = [place for place, is_short in enumerate(fewer) if is_short]
            last = short[-1] if short else first - 1
            back = _between(known, last, last + 1, injected) if last + 1 < len(known) else None
    return Seen(len(before) if before is not None else None, missed, back, len(known), len(after) - len(known))


def _between(looks: Sequence[Look], last: int, first: int, injected: Instant) -> Instant:
    earliest = looks[last].began if last >= 0 else injected.earliest
    return Instant(max(earliest, injected.earliest), looks[first].ended)
