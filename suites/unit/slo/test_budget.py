from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.budget import Counted, error_budget
from seatrial.slo.definition import Indicator, Objective
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive


def objective(target: float = 0.999, window: timedelta = timedelta(days=28)) -> Objective:
    return Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, target, window)


def series(*bad: int, of: int = 1000) -> list[Counted]:
    return [Counted(timedelta(seconds=second), Tally(of - one, of)) for second, one in enumerate(bad, start=1)]


def test_half_the_allowed_failures_consume_half_the_budget() -> None:
    budget = error_budget(objective(), series(0, 1, 0, 1))
    assert (budget.allowed, budget.spent, budget.consumed, budget.remaining) == (4, 2, 0.5, 0.5)
    assert budget.exhausted_at is None
    assert str(budget) == "2 of 4 bad events that the budget allows, 50.0% left"


def test_a_budget_that_is_used_up_exactly_is_not_overdrawn() -> None:
    budget = error_budget(objective(0.9995), series(0, 1, 0, 1))
    assert budget.remaining == 0
    assert budget.exhausted_at is None


def test_it_is_exhausted_when_one_more_fails_than_the_whole_series_allows() -> None:
    budget = error_budget(objective(), series(3, 1, 1, 0))
    assert budget.exhausted_at == timedelta(seconds=3)
    assert budget.remaining == -0.25
    assert "exhausted after 3 s" in str(budget)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    budget = error_budget(objective(window=timedelta(seconds=2)), series(9, 9, 1, 0))
    assert (budget.spent, budget.allowed) == (1, 2)


@pytest.mark.parametrize("counted", [[], series(0, 0, of=0)], ids=["no interval", "no event"])
def test_nothing_counted_is_no_budget_kept(counted: list[Counted]) -> None:
    with pytest.raises(Inconclusive):
        error_budget(objective(), counted)


@given(st.lists(st.integers(0, 20), min_size=1), st.sampled_from([0.9, 0.99, 0.995, 0.999]))
def test_it_is_exhausted_exactly_if_the_objective_is_missed(bad: list[int], asked: float) -> None:
    counted = series(*bad, of=100)
    whole = sum((one.tally for one in counted), Tally(0, 0))
    budget = error_budget(objective(asked), counted)
    assert (budget.exhausted_at is None) == whole.keeps(asked)
    assert (budget.remaining < -1e-9) == (not whole.keeps(asked))
