"""Hands arrivals to idle users at their time, from the event loop's own timer."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]

from seatrial.load.schedule import arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.load.openloop.plan import LoadPlan


_GRAIN = 0.001


class Arrival(NamedTuple):
    """A customer who comes *after* so many seconds to do *act*."""

    number: int
    act: str
    after: float


def schedule(plan: LoadPlan) -> Iterator[Arrival]:
    """Yield the arrivals of *plan*: the same again from the same seed."""
    chance = random.Random(f"acts of {plan.seed}")  # noqa: S311 (nothing here is secret)
    acts, weights = tuple(plan.mix), tuple(plan.mix.values())
    for number, after in enumerate(arrivals(plan.stages, at_random=plan.at_random, seed=plan.seed)):
        yield Arrival(number, chance.choices(acts, weights)[0], after)


class Dispatcher:
    """Lets the arrivals of *schedule* come, in the order of their times and up to a millisecond late.

    That millisecond is in their latency as any lag is; where arrivals are many, it lets one turn of the event loop
    serve several. Each goes to the user that was busy last: few connections are then used often, instead of many
    seldom. An arrival that finds no user idle waits, and is held.
    """

    def __init__(self, schedule: Iterator[Arrival]) -> None:
        self.planned = 0
        self.began = 0.0
        self.over = Event()
        self.held = 0
        self._schedule = schedule
        self._next: Arrival | None = None
        self._idle: list[gevent.Greenlet] = []
        self._waiting: deque[Arrival] = deque()
        self._hub = gevent.get_hub()
        self._timer = self._hub.loop.timer(0.0)

    @property
    def idle(self) -> int:
        """How many users wait for an arrival."""
        return len(self._idle)

    def start(self) -> None:
        """Let the first arrivals come."""
        self.began = time.monotonic()
        self._advance()
        self._arm()

    def stop(self) -> None:
        """Let nobody new come. Those who were due until now have been called for, come or not."""
        self._timer.close()
        now = time.monotonic()
        while self._next is not None and self.at(self._next) <= now:
            self.planned += 1
            self._advance()
        self._next = None
        self.over.set()

    def take(self) -> tuple[Arrival, bool]:
        """Return the next arrival for the user that asks, once there is one, and whether it was held."""
        if self._waiting:
            return self._waiting.popleft(), True
        me = gevent.getcurrent()
        self._idle.append(me)
        try:
            arrival: Arrival = self._hub.switch()
        except BaseException:
            # A user who is stopped while it waits must not be handed anything.
            if me in self._idle:
                self._idle.remove(me)
            raise
        return arrival, False

    def at(self, arrival: Arrival) -> float:
        """Return when *arrival* is to come, on the monotonic clock."""
        return self.began + arrival.after

    def leave(self) -> tuple[Arrival, ...]:
        """Return those who still wait for a user, and let them wait no more."""
        left = tuple(self._waiting)
        self._waiting.clear()
        return left

    def _due(self) -> None:
        # Those who become due meanwhile are for the next turn: answers must be read in between.
        now = time.monotonic()
        while self._next is not None and self.at(self._next) <= now:
            arrival = self._next
            self.planned += 1
            self._advance()
            if self._idle:
                self._idle.pop().switch(arrival)
            else:
                self.held += 1
                self._waiting.append(arrival)
        self._arm()

    def _advance(self) -> None:
        self._next = next(self._schedule, None)

    def _arm(self) -> None:
        if self._next is None:
            self.over.set()
            return
        self._timer.close()
        self._timer = self._hub.loop.timer(max(_GRAIN, self.at(self._next) - time.monotonic()))
        self._timer.start(self._due)
