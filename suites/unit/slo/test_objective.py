from datetime import timedelta

import pytest

from seatrial.slo.objective import judge_latency, judge_success, samples_needed
from seatrial.verdict import Inconclusive


@pytest.mark.parametrize(("share", "needed"), [(0.9, 10), (0.99, 100), (0.995, 200), (0.999, 1000), (1.0, 1)])
def test_one_failure_in_the_needed_samples_is_exactly_the_allowed_share(share: float, needed: int) -> None:
    assert samples_needed(share) == needed
    outcomes = [True] * (needed - 1) + [share == 1]
    assert judge_success(outcomes, at_least=share).met


def test_one_failure_more_than_allowed_misses() -> None:
    judgement = judge_success([True] * 398 + [False] * 3, at_least=0.995)
    assert not judgement.met
    assert judgement.samples == 401


def test_a_judgement_says_on_how_many_samples_it_rests() -> None:
    assert str(judge_success([True] * 250, at_least=0.99)) == "at least 99.00% succeed: met, 1 observed of 250 samples"


@pytest.mark.parametrize("count", [0, 1, 199])
def test_too_few_samples_are_inconclusive_even_when_all_succeed(count: int) -> None:
    with pytest.raises(Inconclusive, match=f"{count} requests are too few"):
        judge_success([True] * count, at_least=0.995)


def test_a_latency_objective_holds_at_its_limit_and_not_beyond() -> None:
    latencies = [timedelta(milliseconds=100)] * 99 + [timedelta(seconds=9)]
    assert judge_latency(latencies, share=0.99, at_most=timedelta(milliseconds=100)).met
    assert not judge_latency(latencies, share=0.99, at_most=timedelta(milliseconds=99)).met


def test_a_latency_of_nothing_is_inconclusive() -> None:
    with pytest.raises(Inconclusive):
        judge_latency([], share=0.5, at_most=timedelta(seconds=1))
