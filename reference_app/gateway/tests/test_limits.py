"""How much one client may ask, and how much may be tried again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.gateway.limits import RateLimit, RetryBudget


@dataclass
class _Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = _Clock()
    limit = RateLimit(rate=10, burst=3, clock=clock)

    at_once = [limit.admit("a") == 0 for _ in range(4)]
    clock.now += 0.1
    later = [limit.admit("a") == 0 for _ in range(2)]

    assert at_once == [True, True, True, False]
    assert later == [True, False]


def test_whoever_waits_as_long_as_told_passes() -> None:
    clock = _Clock()
    limit = RateLimit(rate=7, burst=1, clock=clock)
    limit.admit("a")

    clock.now += limit.admit("a")

    assert limit.admit("a") == 0


def test_one_client_does_not_use_up_what_another_has() -> None:
    limit = RateLimit(rate=1, burst=1, clock=_Clock())
    limit.admit("a")

    assert limit.admit("a") > 0
    assert limit.admit(b"b") == 0


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200))
def test_no_pattern_of_requests_gets_more_than_burst_and_rate(pauses: list[float]) -> None:
    clock = _Clock()
    limit = RateLimit(rate=5, burst=4, clock=clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += limit.admit("a") == 0

    assert passed <= 4 + 5 * sum(pauses) + 1e-2


def test_the_clients_remembered_stay_few_and_those_that_rest_go_first() -> None:
    clock = _Clock()
    limit = RateLimit(rate=1, burst=5, clock=clock, remembered=10)
    for _ in range(5):
        limit.admit("busy")
    for number in range(9):
        limit.admit(f"early {number}")
    clock.now += 1.5
    limit.admit("one too many")

    after = len(limit)
    busy = [limit.admit("busy") == 0 for _ in range(2)]
    for number in range(100):
        limit.admit(f"many {number}")

    assert after == 2
    assert busy == [True, False]
    assert len(limit) <= 10


def test_a_budget_is_a_share_of_the_requests() -> None:
    budget = RetryBudget(share=0.2, minimum=0, clock=_Clock())
    for _ in range(10):
        budget.deposit()

    assert [budget.withdraw() for _ in range(3)] == [True, True, False]


def test_without_requests_the_minimum_is_there() -> None:
    budget = RetryBudget(share=0.2, minimum=0.3, window=10, clock=_Clock())

    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(("passed", "left"), [(9.5, False), (11, True)])
def test_what_was_taken_counts_for_one_window(passed: float, *, left: bool) -> None:
    clock = _Clock()
    budget = RetryBudget(share=0, minimum=0.1, window=10, clock=clock)
    budget.withdraw()

    clock.now += passed

    assert budget.withdraw() is left


def test_requests_of_long_ago_allow_nothing() -> None:
    clock = _Clock()
    budget = RetryBudget(share=1, minimum=0, window=10, clock=clock)
    budget.deposit()
    clock.now += 11

    assert budget.withdraw() is False
