"""Comparisons of simulated traffic, whose requests come with noise that lasts as it does on a busy machine."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from seatrial.slo.comparison import (
    Block,
    Change,
    compare,
    compare_failures,
    compare_quantile,
    memory,
)
from seatrial.slo.histogram import LatencyHistogram
from seatrial.verdict import Inconclusive, Missing, Verdict


def traffic(
    seed: int,
    *,
    seconds: int = 120,
    rate: int = 20,
    slower: float = 1.0,
    lasting: float = 0.0,
    failing: float = 0.0,
) -> tuple[Block, ...]:
    """Blocks of a second; *lasting* is how much of a second's noise is there in the next one, from 0 to 1."""
    draw = random.Random(seed)  # noqa: S311 (a test's numbers come again)
    noise, blocks = draw.gauss(0, 0.15), []
    for _ in range(seconds):
        noise = lasting * noise + math.sqrt(1 - lasting**2) * draw.gauss(0, 0.15)
        latencies = LatencyHistogram.of(slower * draw.lognormvariate(noise - 4, 0.4) for _ in range(rate))
        blocks.append(Block(latencies, sum(draw.random() < failing for _ in range(rate))))
    return tuple(blocks)


@pytest.mark.parametrize("lasting", [0.0, 0.5, 0.9], ids=["no memory", "seconds", "many seconds"])
def test_traffic_is_called_worse_than_itself_at_most_once_in_a_hundred_times(lasting: float) -> None:
    verdicts = Counter(
        compare(traffic(2 * seed, lasting=lasting), traffic(2 * seed + 1, lasting=lasting)).verdict
        for seed in range(100)
    )
    assert verdicts[Verdict.FAILED] <= 1
    if not lasting:
        assert verdicts[Verdict.PASSED] > 90


def test_traffic_that_takes_a_fifth_longer_is_called_worse() -> None:
    verdicts = Counter(
        compare(traffic(2 * seed, lasting=0.3), traffic(2 * seed + 1, lasting=0.3, slower=1.2)).verdict
        for seed in range(50)
    )
    assert verdicts[Verdict.FAILED] >= 48


def test_traffic_that_is_a_fifth_quicker_is_called_better() -> None:
    found = compare_quantile(traffic(1, slower=1.2), traffic(2), 0.99)
    assert found.change is Change.BETTER


def test_a_change_that_nobody_would_notice_is_none_however_sure_it_is() -> None:
    found = compare_quantile(traffic(1, seconds=900), traffic(2, seconds=900, slower=1.06), 0.5)
    assert found.change is Change.SAME
    assert "(1.0" in found.sentence


def test_more_failures_are_called_worse_and_fewer_better() -> None:
    calm, failing = traffic(1), traffic(2, failing=0.02)
    assert compare_failures(calm, failing).change is Change.WORSE
    assert compare_failures(failing, calm).change is Change.BETTER
    assert compare_failures(calm, traffic(3)).change is Change.SAME


def test_failures_are_called_more_than_themselves_at_most_once_in_a_hundred_times() -> None:
    verdicts = Counter(
        compare_failures(traffic(2 * seed, failing=0.01), traffic(2 * seed + 1, failing=0.01)).change
        for seed in range(100)
    )
    assert verdicts[Change.WORSE] <= 1


def test_a_comparison_shows_its_numbers_and_is_always_the_same() -> None:
    before, now = traffic(1), traffic(2, slower=1.3)
    found = compare(before, now)
    assert found == compare(before, now)
    assert found.verdict is Verdict.FAILED
    median, tail, failures = map(str, found.differences)
    assert median.startswith("the 50% quantile of the latencies is 1.")
    assert "99.33% confidence" in tail
    assert tail.endswith(": worse")
    assert failures.startswith("the share of requests that failed was 0.000% and is 0.000%")


def test_too_short_a_time_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="it takes 100 requests in each") as lacking:
        compare_quantile(traffic(1, seconds=20), traffic(2, seconds=20), 0.99)
    assert lacking.value.missing is Missing.SAMPLES
    assert compare(traffic(1, seconds=20), traffic(2, seconds=20)).verdict is Verdict.INCONCLUSIVE


def test_no_traffic_is_inconclusive() -> None:
    assert compare((), traffic(1)).verdict is Verdict.INCONCLUSIVE
    assert compare(traffic(1), ()).verdict is Verdict.INCONCLUSIVE


def test_what_is_worse_stays_so_when_something_else_could_not_be_compared() -> None:
    """Twenty seconds are enough for the median and not for the 99 % quantile."""
    found = compare(traffic(1, seconds=20), traffic(2, seconds=20, slower=2))
    assert found.unknown
    assert found.verdict is Verdict.FAILED


def test_noise_that_lasts_as_long_as_the_measurement_is_inconclusive() -> None:
    drifting = tuple(Block(LatencyHistogram.of([0.01 * (1 + second / 20)] * 20), 0) for second in range(120))
    with pytest.raises(Inconclusive, match="each is felt for"):
        compare_quantile(drifting, drifting, 0.5)


def test_the_memory_of_values_is_how_long_each_is_felt() -> None:
    draw = random.Random(5)  # noqa: S311 (a test's numbers come again)
    values = [0.0]
    for _ in range(20_000):
        values.append(0.8 * values[-1] + draw.gauss(0, 1))
    assert memory(values) == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.1)
    assert memory([draw.gauss(0, 1) for _ in range(20_000)]) < 1.1
    assert memory([2.0] * 9) == 1
