from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hdrh.log import HistogramLogReader  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.errors import UsageError
from seatrial.slo.histogram import LatencyHistogram, index_of, value_at
from seatrial.slo.histogram_log import Interval, decode, encode, read_log, write_log
from seatrial.slo.objective import judge_latency
from seatrial.slo.quantile import quantile
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from pathlib import Path

HOUR_NS = 3_600_000_000_000
LATENCIES = st.floats(1e-6, 3600) | st.floats(1e-4, 0.5)
BEGIN = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)


@given(st.integers(0, HOUR_NS) | st.integers(0, 5000) | st.sampled_from([2**power for power in range(42)]))
def test_its_steps_are_those_of_hdrhistogram(value: int) -> None:
    reference = HdrHistogram(1, HOUR_NS, 3)
    index = index_of(value)
    assert index == reference.get_counts_array_index(value)
    assert value_at(index) == reference.get_lowest_equivalent_value(value)
    assert value_at(index + 1) - 1 == reference.get_highest_equivalent_value(value)


@given(st.lists(LATENCIES, min_size=1, max_size=300), st.floats(0, 1))
def test_a_quantile_is_within_a_tenth_of_a_percent_of_an_exact_sort(latencies: list[float], share: float) -> None:
    exact = quantile(latencies, share)
    found = LatencyHistogram.of(latencies).quantile(share)
    # Whole nanoseconds are counted, so one may be lost besides.
    assert abs(found - exact) <= 0.001 * exact + 1e-9


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 0.999, 1.0])
def test_it_is_so_for_many_latencies_with_a_long_tail(share: float) -> None:
    draw = random.Random(7)  # noqa: S311 (a test's numbers come again)
    latencies = [draw.lognormvariate(-4, 1.2) for _ in range(50_000)]
    exact = quantile(latencies, share)
    assert LatencyHistogram.of(latencies).quantile(share) == pytest.approx(exact, rel=0.001)


@settings(max_examples=30)
@given(st.lists(LATENCIES, min_size=120, max_size=200), st.floats(0.001, 1))
def test_it_judges_as_the_single_latencies_do_or_says_that_it_cannot(latencies: list[float], limit: float) -> None:
    at_most = timedelta(seconds=limit)
    exact = judge_latency([timedelta(seconds=one) for one in latencies], share=0.99, at_most=at_most)
    try:
        found = LatencyHistogram.of(latencies).judge(share=0.99, at_most=at_most)
    except Inconclusive:
        assert exact.observed == pytest.approx(exact.required, rel=0.001)
    else:
        assert (found.met, found.samples, found.required) == (exact.met, exact.samples, exact.required)


@given(st.lists(LATENCIES, max_size=60), st.lists(LATENCIES, max_size=60))
def test_merged_ones_are_one_of_all(one: list[float], other: list[float]) -> None:
    merged = LatencyHistogram.of(one)
    merged.merge(LatencyHistogram.of(other))
    assert list(merged.recorded()) == list(LatencyHistogram.of([*one, *other]).recorded())
    assert merged.total == len(one) + len(other)


@settings(max_examples=30)
@given(st.lists(LATENCIES, max_size=60))
def test_it_comes_back_out_of_its_encoding(latencies: list[float]) -> None:
    histogram = LatencyHistogram.of(latencies)
    assert list(decode(encode(histogram)).recorded()) == list(histogram.recorded())


@pytest.mark.parametrize("seconds", [-1e-9, 3600.1, float("inf"), float("nan")])
def test_what_is_no_latency_is_not_recorded(seconds: float) -> None:
    histogram = LatencyHistogram()
    with pytest.raises(ValueError, match="cannot be recorded"):
        histogram.record(seconds)
    assert histogram.total == 0


@pytest.mark.parametrize("counts", [{-1: 1}, {2 * HOUR_NS: 1}, {5: 0}], ids=["negative", "too long", "none"])
def test_counts_that_cannot_be_are_refused(counts: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        LatencyHistogram.of_counts(counts)


def test_of_nothing_there_is_no_quantile_and_no_judgement() -> None:
    with pytest.raises(Inconclusive):
        LatencyHistogram().quantile(0.5)
    with pytest.raises(Inconclusive) as lacking:
        LatencyHistogram().judge(share=0.5, at_most=timedelta(seconds=1))
    assert lacking.value.missing is Missing.SAMPLE


def test_too_few_are_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="99 requests are too few"):
        LatencyHistogram.of([0.1] * 99).judge(share=0.99, at_most=timedelta(seconds=1))


def test_a_limit_within_the_quantile_s_own_step_is_inconclusive() -> None:
    histogram = LatencyHistogram.of([0.25] * 100)
    with pytest.raises(Inconclusive, match="too coarse"):
        histogram.judge(share=0.99, at_most=timedelta(milliseconds=250))
    assert histogram.judge(share=0.99, at_most=timedelta(milliseconds=251)).met
    assert not histogram.judge(share=0.99, at_most=timedelta(milliseconds=249)).met


def test_the_good_are_those_surely_within_the_limit() -> None:
    histogram = LatencyHistogram.of([0.1, 0.2, 0.25, 0.3])
    assert (histogram.tally(at_most=timedelta(seconds=0.251)).good, histogram.total) == (3, 4)
    assert histogram.tally(at_most=timedelta(seconds=0.25)).good == 2


@pytest.fixture
def intervals() -> tuple[Interval, ...]:
    draw = random.Random(3)  # noqa: S311 (the same)
    return tuple(
        Interval(
            "catalog",
            BEGIN + timedelta(seconds=10 * number),
            timedelta(seconds=10),
            LatencyHistogram.of(draw.lognormvariate(-4, 1) for _ in range(500)),
        )
        for number in range(3)
    )


def test_a_log_comes_back_as_it_was_written(intervals: tuple[Interval, ...], tmp_path: Path) -> None:
    file = tmp_path / "latencies.hlog"
    write_log(file, intervals)
    found = read_log(file)
    assert [(one.tag, one.begin, one.length) for one in found] == [
        (one.tag, one.begin, one.length) for one in intervals
    ]
    assert [list(one.histogram.recorded()) for one in found] == [list(one.histogram.recorded()) for one in intervals]
    assert file.stat().st_size < 3 * 500 * 8


def test_hdrhistogram_s_own_reader_reads_it(intervals: tuple[Interval, ...], tmp_path: Path) -> None:
    file = tmp_path / "latencies.hlog"
    write_log(file, intervals)
    reader = HistogramLogReader(str(file), HdrHistogram(1, HOUR_NS, 3))
    for one in intervals:
        found = reader.get_next_interval_histogram()
        assert (found.get_tag(), found.get_total_count()) == ("catalog", 500)
        assert found.get_start_time_stamp() == one.begin.timestamp() * 1000
        assert (
            found.get_value_at_percentile(99) == value_at(index_of(round(one.histogram.bounds(0.99)[0] * 1e9)) + 1) - 1
        )
    assert reader.get_next_interval_histogram() is None
    reader.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: "", "is no log of histograms"),
        (lambda text: text.replace("#[Histogram", "#[Some"), "is no log of histograms"),
        (lambda text: text[:-40] + "\n", "line 6 does not hold"),
        (lambda text: text.replace("HISTF", "AISTF"), "line 4 does not hold"),
        (lambda text: text.replace("Tag=catalog,", "", 1), "line 4 does not hold (it is no tagged interval)"),
        (lambda text: text + "and more\n", "line 7 does not hold"),
    ],
    ids=["empty", "another file", "cut off", "another encoding", "no tag", "more behind it"],
)
def test_a_damaged_log_is_refused_in_one_sentence(
    change: object, said: str, intervals: tuple[Interval, ...], tmp_path: Path
) -> None:
    assert callable(change)
    file = tmp_path / "latencies.hlog"
    write_log(file, intervals)
    file.write_text(change(file.read_text()))
    with pytest.raises(UsageError) as refused:
        read_log(file)
    assert said in str(refused.value)


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_log(tmp_path / "none.hlog")


def test_a_tag_with_a_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no tag"):
        write_log(tmp_path / "log", [Interval("a,b", BEGIN, timedelta(seconds=1), LatencyHistogram())])
