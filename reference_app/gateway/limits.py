"""How much is too much: a limit to what one client asks, and a budget for what is tried again."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CLIENTS_REMEMBERED = 20_000


class RateLimit:
    """A token bucket per client: *rate* requests per second in the long run, *burst* at once.

    Kept as the generic cell rate algorithm (ITU-T I.371): one number per client, the time at which its bucket is full
    again. At most *remembered* clients are kept; those that rest are forgotten first, then those that came first.
    """

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        remembered: int = _CLIENTS_REMEMBERED,
    ) -> None:
        self._interval = 1 / rate
        # Sums of intervals carry rounding errors; a thousandth of a token is neither here nor there.
        self._tolerance = (burst - 1 + 0.001) / rate
        self._clock = clock
        self._remembered = remembered
        self._full_at: dict[bytes | str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def admit(self, client: bytes | str) -> float:
        """Count one request of *client*; return 0 if it may pass, else after how many seconds one would."""
        now = self._clock()
        full_at = max(now, self._full_at.get(client, now))
        if (wait := full_at - now - self._tolerance) > 0:
            return wait
        if client not in self._full_at and len(self._full_at) >= self._remembered:
            self._forget(now)
        self._full_at[client] = full_at + self._interval
        return 0

    def _forget(self, now: float) -> None:
        self._full_at = {client: full_at for client, full_at in self._full_at.items() if full_at > now}
        if (left := len(self._full_at)) >= self._remembered:
            for client in list(islice(self._full_at, left // 2 + 1)):
                del self._full_at[client]


class RetryBudget:
    """How many requests to one peer may be tried again, so that a peer in trouble does not get twice the traffic.

    Within each *window* of seconds, retries may be *minimum* per second plus *share* of the requests (as in Finagle).
    """

    _PARTS = 10

    def __init__(
        self, *, share: float, minimum: float, window: float = 10, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._share = share
        self._reserve = minimum * window
        self._clock = clock
        self._part = window / self._PARTS
        self._balances = [0.0] * self._PARTS
        self._current = 0

    def deposit(self) -> None:
        """Take note of a request."""
        self._turn()
        self._balances[self._current % self._PARTS] += self._share

    def withdraw(self) -> bool:
        """Return whether one more request may be tried again, and count it if so."""
        self._turn()
        # Sums of shares carry rounding errors too.
        if sum(self._balances) + self._reserve < 1 - 1e-9:
            return False
        self._balances[self._current % self._PARTS] -= 1
        return True

    def _turn(self) -> None:
        now = int(self._clock() / self._part)
        if now != self._current:
            for passed in range(max(self._current + 1, now - self._PARTS + 1), now + 1):
                self._balances[passed % self._PARTS] = 0.0
            self._current = now
