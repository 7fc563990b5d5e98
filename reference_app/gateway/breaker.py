"""The circuit breaker of a peer or store: after enough failures in a row it is not asked for a while, then once."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from circuitbreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

Kinds = tuple[type[Exception], ...]


class State(StrEnum):
    """What a breaker does with requests: pass them, refuse them, or pass one of them to see."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class BreakerOpen(Exception):
    """A request is refused because its peer failed too often; to be tried again after *seconds*."""

    def __init__(self, peer: str, seconds: int) -> None:
        super().__init__(f"{peer} is not asked for {seconds} s")
        self.peer = peer
        self.seconds = seconds


class _Failed(Exception):
    """What the library is shown as a failure; how it failed is the caller's affair."""


class Breaker:
    """Counts the failures of one peer in a row: at *failures* it opens, after *recovery* it lets one request through.

    The library keeps the state; that only one request is the test of a half-open one is added here. Whoever was
    admitted says how it went with exactly one of `succeeded`, `failed` and `undecided`.
    """

    def __init__(self, peer: str, *, failures: int, recovery: timedelta) -> None:
        self.peer = peer
        self._library = CircuitBreaker(
            failure_threshold=failures, recovery_timeout=recovery.total_seconds(), expected_exception=_Failed, name=peer
        )
        self._tested = False

    @property
    def state(self) -> State:
        """What it does with requests now."""
        known = self._library.state
        return State.CLOSED if known == STATE_CLOSED else State.OPEN if known == STATE_OPEN else State.HALF_OPEN

    def admit(self) -> None:
        """Return if a request may be sent; raises BreakerOpen."""
        state = self.state
        if state is State.CLOSED:
            return
        if state is State.OPEN or self._tested:
            raise BreakerOpen(self.peer, max(1, self._library.open_remaining))
        self._tested = True

    @contextmanager
    def watching(self, *, failures: Kinds, answers: Kinds) -> Iterator[None]:
        """Admit the block as a request, and take note of how it ends; raises BreakerOpen, and what the block raises.

        An exception of the kinds *failures* means that the peer could not be asked, one of the kinds *answers* that it
        answered. Any other says nothing about it.
        """
        self.admit()
        try:
            yield
        except failures as error:
            if isinstance(error, answers):
                self.succeeded()
            else:
                self.failed()
            raise
        except BaseException:
            self.undecided()
            raise
        else:
            self.succeeded()

    def succeeded(self) -> None:
        """Take note that the peer answered."""
        self._tested = False
        if self._library.failure_count:
            self._library.reset()

    def failed(self) -> None:
        """Take note that the peer could not be asked, or did not answer."""
        self._tested = False
        with contextlib.suppress(_Failed), self._library:
            raise _Failed

    def undecided(self) -> None:
        """Take note that nothing was learned about the peer."""
        self._tested = False
