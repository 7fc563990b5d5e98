"""When a peer is not asked any more, and when it is again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import circuitbreaker  # type: ignore[import-untyped]
import pytest

from reference_app.gateway.breaker import Breaker, BreakerOpen, State


@dataclass
class _Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The library takes no clock as an argument."""
    clock = _Clock()
    monkeypatch.setattr(circuitbreaker, "monotonic", clock)
    return clock


@pytest.fixture
def breaker(clock: _Clock) -> Breaker:
    assert clock.now
    return Breaker("orders", failures=2, recovery=timedelta(seconds=3))


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed()


def test_it_opens_after_failures_in_a_row_only(breaker: Breaker) -> None:
    _fail(breaker, 1)
    breaker.succeeded()
    _fail(breaker, 1)
    before = breaker.state
    _fail(breaker, 1)

    assert (before, breaker.state) == (State.CLOSED, State.OPEN)


def test_while_open_it_refuses_and_says_for_how_long(breaker: Breaker) -> None:
    _fail(breaker, 2)

    with pytest.raises(BreakerOpen) as refused:
        breaker.admit()
    assert (refused.value.peer, refused.value.seconds) == ("orders", 3)


def test_then_one_request_is_the_test_and_the_others_wait_for_it(breaker: Breaker, clock: _Clock) -> None:
    _fail(breaker, 2)
    clock.now += 3

    breaker.admit()
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.succeeded()

    breaker.admit()
    breaker.admit()
    assert breaker.state is State.CLOSED


def test_a_test_that_fails_opens_it_anew(breaker: Breaker, clock: _Clock) -> None:
    _fail(breaker, 2)
    clock.now += 3
    half = breaker.state
    _fail(breaker, 1)

    assert (half, breaker.state) == (State.HALF_OPEN, State.OPEN)


def test_a_test_that_tells_nothing_makes_room_for_another(breaker: Breaker, clock: _Clock) -> None:
    _fail(breaker, 2)
    clock.now += 3
    breaker.admit()
    breaker.undecided()

    breaker.admit()

    assert breaker.state is State.HALF_OPEN


def test_what_tells_nothing_does_not_forget_failures(breaker: Breaker) -> None:
    _fail(breaker, 1)
    breaker.admit()
    breaker.undecided()
    _fail(breaker, 1)

    assert breaker.state is State.OPEN


@pytest.mark.parametrize(
    ("raised", "times", "state"),
    [
        (TimeoutError, 2, State.OPEN),
        (TimeoutError, 1, State.CLOSED),
        (ConnectionRefusedError, 2, State.CLOSED),
        (KeyError, 2, State.CLOSED),
    ],
    ids=["failures", "too few failures", "answers", "what says nothing"],
)
def test_only_failures_of_a_watched_block_open_it(
    breaker: Breaker, raised: type[Exception], times: int, state: State
) -> None:
    for _ in range(times):
        with (
            pytest.raises(raised),
            breaker.watching(failures=(TimeoutError, OSError), answers=(ConnectionRefusedError,)),
        ):
            raise raised

    assert breaker.state is state


def test_a_block_that_says_nothing_lets_another_be_the_test(breaker: Breaker, clock: _Clock) -> None:
    _fail(breaker, 2)
    clock.now += 3
    with pytest.raises(KeyError), breaker.watching(failures=(TimeoutError,), answers=()):
        raise KeyError

    with breaker.watching(failures=(TimeoutError,), answers=()):
        during = breaker.state

    assert (during, breaker.state) == (State.HALF_OPEN, State.CLOSED)


def test_an_open_one_does_not_begin_the_block(breaker: Breaker) -> None:
    _fail(breaker, 2)
    begun = False
    with pytest.raises(BreakerOpen), breaker.watching(failures=(TimeoutError,), answers=()):
        begun = True

    assert not begun
