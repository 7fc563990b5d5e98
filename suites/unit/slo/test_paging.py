from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.budget import Counted
from seatrial.slo.definition import Indicator, Objective
from seatrial.slo.paging import PAGE, paged, scaled_page
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = timedelta(seconds=1)
OBJECTIVE = Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, 0.995, timedelta(days=28))


def series(bad: Sequence[int], of: int = 20) -> list[Counted]:
    return [Counted(SECOND * number, Tally(of - one, of)) for number, one in enumerate(bad, start=1)]


def test_two_percent_of_thirty_days_are_gone_in_an_hour() -> None:
    assert PAGE.rate * (PAGE.long / timedelta(days=30)) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("rate", "short"), [(20, 1.0), (14, 1.0), (7, 2.0), (1, 14.0)], ids=["20 per s", "14 per s", "7 per s", "1 per s"]
)
def test_one_bad_request_alone_calls_nobody(rate: float, short: float) -> None:
    alert = scaled_page(OBJECTIVE, rate)
    assert (alert.short.total_seconds(), alert.long.total_seconds()) == (short, 12 * short)
    lone = [int(at == 40) for at in range(80)]
    if rate == 1:
        assert paged(OBJECTIVE, series(lone, of=1), alert, rate=1, since=SECOND).due is None


def test_a_total_outage_is_due_when_the_long_window_holds_enough_of_it() -> None:
    # More than 7.2 % of twelve seconds is the first second of an outage.
    found = paged(OBJECTIVE, series([0, 0, 20, 20, 20]), scaled_page(OBJECTIVE, 20), rate=20, since=2 * SECOND)
    assert found.due == (2 * SECOND, 3 * SECOND)


def test_a_little_is_never_due() -> None:
    found = paged(OBJECTIVE, series([0, 0, 1, 1, 1, 0]), scaled_page(OBJECTIVE, 20), rate=20, since=2 * SECOND)
    assert found.due is None


def test_in_service_an_outage_of_minutes_is_due_and_one_of_seconds_is_not() -> None:
    def due(lasting: int) -> tuple[timedelta, timedelta] | None:
        outage = series([0] * 10 + [20] * lasting + [0] * 10)
        return paged(OBJECTIVE, outage, PAGE, rate=20, since=10 * SECOND).due

    # 7.2 % of an hour are 259.2 s.
    assert due(250) is None
    assert due(280) == (269 * SECOND, 270 * SECOND)


def test_looks_without_data_widen_when_it_was_due() -> None:
    silent = [*series([0, 0]), Counted(3 * SECOND, Tally(0, 0)), Counted(4 * SECOND, Tally(0, 0))]
    outage = [*silent, Counted(5 * SECOND, Tally(0, 60))]
    found = paged(OBJECTIVE, outage, scaled_page(OBJECTIVE, 20), rate=20, since=1.5 * SECOND)
    assert found.due == (2 * SECOND, 5 * SECOND)


def test_what_was_due_before_the_fault_says_nothing_of_it() -> None:
    with pytest.raises(Inconclusive, match="was due before the fault already"):
        paged(OBJECTIVE, series([20, 20, 20]), scaled_page(OBJECTIVE, 20), rate=20, since=2 * SECOND)


def test_nothing_counted_is_not_never() -> None:
    with pytest.raises(Inconclusive, match="nothing was counted"):
        paged(OBJECTIVE, [], PAGE, rate=20, since=SECOND)


@given(st.lists(st.integers(0, 20), min_size=8, max_size=30), st.data())
def test_worse_service_is_never_due_later(bad: list[int], data: st.DataObject) -> None:
    worse = [data.draw(st.integers(one, 20)) if place > 1 else one for place, one in enumerate(bad)]
    bad[:2] = worse[:2] = [0, 0]
    alert = scaled_page(OBJECTIVE, 20)
    mild, hard = (paged(OBJECTIVE, series(one), alert, rate=20, since=2 * SECOND).due for one in (bad, worse))
    assert mild is None or (hard is not None and hard[1] <= mild[1])
