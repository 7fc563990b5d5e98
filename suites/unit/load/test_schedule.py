from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from seatrial.load.schedule import Stage, arrivals

STAGES = (Stage("slow", timedelta(seconds=2), 2), Stage("fast", timedelta(seconds=1), 4))


def test_even_arrivals_are_where_the_rate_puts_them() -> None:
    assert list(arrivals(STAGES, at_random=False, seed=1)) == pytest.approx([0, 0.5, 1, 1.5, 2, 2.25, 2.5, 2.75])


def test_an_interval_goes_on_into_the_next_stage() -> None:
    stages = (Stage("slow", timedelta(seconds=1), 0.5), Stage("fast", timedelta(seconds=2), 1))
    # Half a customer is due in the first second, and the other half in the half second after it.
    assert list(arrivals(stages, at_random=False, seed=1)) == pytest.approx([0, 1.5, 2.5])


def test_random_arrivals_come_again_from_the_same_seed_alone() -> None:
    first, second = (list(arrivals(STAGES, at_random=True, seed=7)) for _ in range(2))
    assert first == second
    assert first != list(arrivals(STAGES, at_random=True, seed=8))
    assert first == sorted(first)
    assert all(0 <= when < 3 for when in first)


def test_random_arrivals_are_a_poisson_process_of_the_rate() -> None:
    when = list(arrivals([Stage("long", timedelta(seconds=1000), 20)], at_random=True, seed=1))
    gaps = [after - before for before, after in pairwise(when)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    # Of 20 000, five standard errors are 3.5 %; the gaps are as spread as they are long.
    assert len(when) == pytest.approx(20_000, rel=0.035)
    assert deviation == pytest.approx(mean, rel=0.05)
