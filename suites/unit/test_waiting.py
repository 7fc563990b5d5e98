"""Waiting, with a clock that stands still unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Clock:
    now: float = 100.0
    pauses: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def wait(clock: Clock, results: Sequence[object], *, seconds: float = 1.0, cost: float = 0.0) -> object:
    left = list(results)

    def probe() -> object:
        clock.now += cost
        return left.pop(0) if len(left) > 1 else left[0]

    return eventually(
        probe,
        until=lambda result: result == "ready",
        within=timedelta(seconds=seconds),
        what="the pod is ready",
        clock=clock.read,
        pause=clock.pause,
    )


def test_what_is_true_at_once_needs_no_pause() -> None:
    clock = Clock()
    assert wait(clock, ["ready"]) == "ready"
    assert clock.pauses == []


def test_the_first_result_that_satisfies_is_returned() -> None:
    assert wait(Clock(), ["a", "b", "ready", "c"]) == "ready"


def test_pauses_grow_from_10_to_250_ms() -> None:
    clock = Clock()
    wait(clock, ["no"] * 8 + ["ready"], seconds=30)
    assert clock.pauses == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25])


def test_what_stays_false_is_not_observed() -> None:
    clock = Clock()
    with pytest.raises(NotObserved) as caught:
        wait(clock, ["pending"], seconds=30)
    assert str(caught.value) == "the pod is ready: not within 30 s; last seen: pending"
    assert caught.value.what == "the pod is ready"
    assert caught.value.last == "pending"
    assert caught.value.within == timedelta(seconds=30)


def test_the_last_look_is_shortly_before_the_deadline() -> None:
    clock = Clock()
    with pytest.raises(NotObserved):
        wait(clock, ["pending"], seconds=30)
    assert 29.98 < clock.now - 100.0 <= 30.0


def test_an_answer_that_comes_after_the_deadline_was_not_observed_in_time() -> None:
    with pytest.raises(NotObserved):
        wait(Clock(), ["ready"], seconds=1, cost=1.5)


def test_not_observed_is_a_failed_assertion() -> None:
    assert issubclass(NotObserved, AssertionError)


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_at_all_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        wait(Clock(), ["ready"], seconds=seconds)


def test_what_the_probe_raises_passes_through() -> None:
    def broken() -> object:
        raise LookupError("no such pod")

    with pytest.raises(LookupError, match="no such pod"):
        eventually(broken, until=bool, within=timedelta(seconds=1), what="x")
