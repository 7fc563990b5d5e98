"""How the generator itself is doing: what it measures of others is worth nothing while it does not come to its turn."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gevent  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

_TICK = 0.05
_WINDOW = 1.0
STALL = 0.1
"""Seconds that the event loop may be late before that counts as a stall: what a customer would just notice."""


@dataclass
class HealthWatch:
    """Looks every twentieth of a second how late it is itself; *each_tick* is called as often.

    *windows* has an entry per second: when it ended, the share of a processor used in it, the seconds stalled in it,
    and how many requests were unanswered at its end.
    """

    in_flight: Callable[[], int]
    each_tick: Callable[[], object]
    windows: list[tuple[float, float, float, int]] = field(default_factory=list)
    most_in_flight: int = 0
    _begun: float = 0.0
    _used: float = 0.0
    _stalled: float = 0.0

    def run(self) -> None:
        """Watch until it is killed; what was seen last is noted then."""
        self._begin()
        try:
            while True:
                due = time.monotonic() + _TICK
                gevent.sleep(_TICK)
                self.each_tick()
                now = time.monotonic()
                if now - due > STALL:
                    self._stalled += now - due
                self.most_in_flight = max(self.most_in_flight, self.in_flight())
                if now - self._begun >= _WINDOW:
                    self._note(now)
        finally:
            self._note(time.monotonic())

    def _begin(self) -> None:
        self._begun, self._used, self._stalled = time.monotonic(), time.process_time(), 0.0

    def _note(self, now: float) -> None:
        if now > self._begun:
            share = (time.process_time() - self._used) / (now - self._begun)
            self.windows.append((now, round(share, 4), round(self._stalled, 4), self.in_flight()))
        self._begin()
