from __future__ import annotations

import math
import random
from collections import Counter
from itertools import combinations
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.ranks import _ways, critical, fewest, shift

VALUES = st.lists(st.floats(-100, 100), min_size=6, max_size=15)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 4), (5, 3)], ids=str)
def test_the_exact_distribution_is_that_of_all_orders(first: int, second: int) -> None:
    counted: Counter[int] = Counter()
    for places in combinations(range(first + second), first):
        others = set(range(first + second)) - set(places)
        counted[sum(other < place for place in places for other in others)] += 1
    assert list(_ways(first, second)) == [counted[pairs] for pairs in range(first * second + 1)]
    assert sum(_ways(first, second)) == math.comb(first + second, first)


@pytest.mark.parametrize(
    ("count", "error", "expected"), [(5, 0.025, 2), (8, 0.025, 13), (10, 0.025, 23), (20, 0.025, 127), (20, 0.005, 105)]
)
def test_critical_values_are_those_of_the_printed_tables(count: int, error: float, expected: int) -> None:
    """Table of Mann and Whitney's U, as in Siegel, "Nonparametric Statistics" (1956)."""
    assert critical(count, count, error) == expected


def test_too_few_values_bound_nothing() -> None:
    assert fewest(0.01) == 5
    assert critical(4, 4, 0.01) is None
    with pytest.raises(ValueError, match="4 and 4 are too few"):
        shift([1.0] * 4, [2.0] * 4, error=0.01)


@given(VALUES, VALUES)
def test_the_estimate_lies_between_its_bounds_and_turns_over_with_its_samples(
    one: list[float], other: list[float]
) -> None:
    found, back = shift(one, other, error=0.01), shift(other, one, error=0.01)
    assert found.low <= found.estimate <= found.high
    assert (back.low, back.estimate, back.high) == pytest.approx((-found.high, -found.estimate, -found.low))
    assert found.estimate == pytest.approx(median(new - old for new in other for old in one))


def test_a_bound_is_wrong_as_seldom_as_it_says() -> None:
    draw = random.Random(11)  # noqa: S311 (a test's numbers come again)
    rounds = 2000
    wrong = sum(
        shift([draw.gauss(0, 1) for _ in range(8)], [draw.gauss(0, 1) for _ in range(8)], error=0.05).low > 0
        for _ in range(rounds)
    )
    # The exact rate is critical(8, 8, 0.05)'s own: 4.15 %; four standard deviations around it.
    exact = sum(_ways(8, 8)[: 15 + 1]) / math.comb(16, 8)
    assert critical(8, 8, 0.05) == 15
    assert abs(wrong / rounds - exact) < 4 * math.sqrt(exact * (1 - exact) / rounds)
