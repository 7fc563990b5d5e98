from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.freshness import age, freshness_tally, judge_freshness
from seatrial.verdict import Inconclusive, Missing

NOON = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
LIMIT = timedelta(seconds=30)


def before(*seconds: float) -> list[datetime]:
    return [NOON - timedelta(seconds=second) for second in seconds]


def test_the_newest_event_decides_wherever_it_stands() -> None:
    assert judge_freshness(before(500, 30, 90), NOON, at_most=LIMIT).met
    stale = judge_freshness(before(500, 31, 90), NOON, at_most=LIMIT)
    assert not stale.met
    assert (stale.observed, stale.required, stale.samples) == (31, 30, 3)


def test_no_event_is_neither_fresh_nor_stale() -> None:
    with pytest.raises(Inconclusive) as lacking:
        judge_freshness([], NOON, at_most=LIMIT)
    assert lacking.value.missing is Missing.SAMPLE


def test_an_event_of_the_future_shows_that_clocks_differ() -> None:
    with pytest.raises(Inconclusive, match="the clocks differ"):
        age(before(-2), NOON)
    assert age(before(-0.5), NOON) == timedelta(0)


def test_each_look_sees_what_had_happened_by_then() -> None:
    looks = before(100, 60, 50, 30, 29, 0)
    assert freshness_tally(before(60, 0), looks, at_most=LIMIT).good == 4
    assert freshness_tally(before(60), before(61), at_most=LIMIT).good == 0


@pytest.mark.parametrize(("events", "looks"), [([], before(1)), (before(1), [])], ids=["no event", "no look"])
def test_nothing_seen_is_inconclusive(events: list[datetime], looks: list[datetime]) -> None:
    with pytest.raises(Inconclusive):
        freshness_tally(events, looks, at_most=LIMIT)


@given(st.lists(st.integers(0, 300), min_size=1), st.lists(st.integers(0, 300), min_size=1))
def test_agrees_with_looking_at_all_events_each_time(events: list[int], looks: list[int]) -> None:
    slow = sum(any(0 <= event - look <= 30 for event in events) for look in looks)
    assert freshness_tally(before(*events), before(*looks), at_most=LIMIT).good == slow
