from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.budget import Counted
from seatrial.slo.burn_rate import SERVICE_ALERTS, BurnRateAlert, burn_rate, evaluate
from seatrial.slo.definition import Indicator, Objective
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterable

OBJECTIVE = Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, 0.999, timedelta(days=30))
PAGE, SLOW_PAGE, TICKET = SERVICE_ALERTS
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def series(bad: Iterable[int], *, of: int = 1000, every: timedelta = SECOND) -> list[Counted]:
    return [Counted(every * number, Tally(of - one, of)) for number, one in enumerate(bad, start=1)]


def test_the_alerts_are_those_of_the_workbook() -> None:
    day = timedelta(days=1)
    told = [(alert.severity, alert.rate, alert.long, alert.short) for alert in SERVICE_ALERTS]
    assert told == [
        ("page", 14.4, HOUR, 5 * MINUTE),
        ("page", 6, 6 * HOUR, 30 * MINUTE),
        ("ticket", 1, 3 * day, 6 * HOUR),
    ]
    for alert, budget in zip(SERVICE_ALERTS, (Fraction("0.02"), Fraction("0.05"), Fraction("0.1")), strict=True):
        assert Fraction(str(alert.rate)) * Fraction(alert.long / (30 * day)).limit_denominator(9999) == budget
        assert alert.short * 12 == alert.long


def test_at_a_burn_rate_of_one_the_allowed_share_fails() -> None:
    assert burn_rate(OBJECTIVE, Tally(999, 1000)) == 1
    assert burn_rate(OBJECTIVE, Tally(0, 1000)) == 1000


def test_of_nothing_there_is_no_burn_rate() -> None:
    with pytest.raises(Inconclusive, match="has no burn rate"):
        burn_rate(OBJECTIVE, Tally(0, 0))


@pytest.mark.parametrize(
    ("share", "seconds"),
    [(1.0, 52), (0.1, 519), (0.0145, 3576)],
    ids=["all fail", "a tenth fails", "hardly more than the threshold"],
)
def test_detection_takes_what_the_workbook_reckons(share: float, seconds: int) -> None:
    """The threshold's share of the long window over the share that fails; the next whole second is above it."""
    of = 10_000
    history = evaluate(OBJECTIVE, series(chain(repeat(0, 3600), repeat(int(share * of), 3600)), of=of), PAGE)
    assert 14.4 * 0.001 * 3600 / share < seconds <= 14.4 * 0.001 * 3600 / share + 1
    assert history.detection(HOUR) == seconds * SECOND


def test_a_share_below_the_threshold_is_never_detected() -> None:
    history = evaluate(OBJECTIVE, series(chain(repeat(0, 3600), repeat(14, 7200))), PAGE)
    assert history.detection(HOUR) is None


def test_exactly_the_threshold_is_not_above_it() -> None:
    assert evaluate(OBJECTIVE, series(repeat(144, 3600), of=10_000), PAGE).due == ()
    assert evaluate(OBJECTIVE, series(repeat(145, 3600), of=10_000), PAGE).due == (HOUR,)


def test_the_short_window_ends_the_alert_soon_after_its_cause() -> None:
    history = evaluate(OBJECTIVE, series(chain(repeat(0, 3600), repeat(1000, 300), repeat(0, 3600))), PAGE)
    assert history.due[0] == HOUR + 52 * SECOND
    # Of the last five minutes, 1.44 % failed until 4.32 s of the fault are left in them.
    assert history.due[-1] == HOUR + 300 * SECOND + 295 * SECOND


def test_scaled_windows_detect_in_scaled_time_and_say_so() -> None:
    trial = PAGE.scaled(1 / 60)
    assert (trial.long, trial.short) == (MINUTE, 5 * SECOND)
    tenth = timedelta(milliseconds=100)
    history = evaluate(OBJECTIVE, series(chain(repeat(0, 600), repeat(1000, 600)), every=tenth), trial)
    assert history.detection(MINUTE) == timedelta(milliseconds=900)
    assert str(trial) == "page at 14.4x over 60 s and 5 s, windows scaled by 0.01667"
    assert "scaled" not in str(PAGE)


@pytest.mark.parametrize("factor", [0, -1, float("nan")])
def test_windows_cannot_be_scaled_away(factor: float) -> None:
    with pytest.raises(ValueError, match="cannot be scaled"):
        PAGE.scaled(factor)


@pytest.mark.parametrize("alert", SERVICE_ALERTS, ids=["fast page", "slow page", "ticket"])
def test_a_series_shorter_than_the_window_is_inconclusive(alert: BurnRateAlert) -> None:
    with pytest.raises(Inconclusive, match="scale the windows or go on for longer"):
        evaluate(OBJECTIVE, series(repeat(1000, 600)), alert)


def test_no_series_is_inconclusive() -> None:
    with pytest.raises(Inconclusive):
        evaluate(OBJECTIVE, [], PAGE)


def test_a_service_that_nobody_asks_is_not_well() -> None:
    """The traffic ends with the fault, as when the door is gone: no data is not the same as no failure."""
    trial = PAGE.scaled(1 / 60)
    asked = series(repeat(0, 120))
    silent = [Counted(one.at + 120 * SECOND, Tally(0, 0)) for one in asked]
    history = evaluate(OBJECTIVE, [*asked, *silent], trial)
    assert len(history.blind) == 59 + 116
    with pytest.raises(Inconclusive, match="data was missing at 116 looks"):
        history.detection(120 * SECOND)


def test_a_gap_before_the_alert_leaves_the_time_of_detection_open() -> None:
    trial = PAGE.scaled(1 / 60)
    counted = series(chain(repeat(0, 120), repeat(1000, 60)))
    hole = range(121, 129)
    holed = [Counted(at * SECOND, Tally(0, 0)) if at in hole else one for at, one in enumerate(counted, start=1)]
    assert evaluate(OBJECTIVE, counted, trial).detection(120 * SECOND) == SECOND
    with pytest.raises(Inconclusive, match="data was missing at 4 looks"):
        evaluate(OBJECTIVE, holed, trial).detection(120 * SECOND)


def test_an_alert_that_was_due_before_detects_nothing() -> None:
    trial = PAGE.scaled(1 / 60)
    with pytest.raises(Inconclusive, match="was due before the fault"):
        evaluate(OBJECTIVE, series(repeat(1000, 180)), trial).detection(120 * SECOND)


def test_a_fault_after_the_end_of_the_series_is_not_detected_by_it() -> None:
    with pytest.raises(Inconclusive, match="nothing was counted after the fault"):
        evaluate(OBJECTIVE, series(repeat(0, 90)), PAGE.scaled(1 / 60)).detection(120 * SECOND)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=12, max_size=60), st.integers(2, 12))
def test_agrees_with_adding_up_each_window_anew(counts: list[tuple[int, int]], long: int) -> None:
    alert = BurnRateAlert("page", 100, long * SECOND, max(1, long // 3) * SECOND)
    counted = [Counted(at * SECOND, Tally(good, good + bad)) for at, (good, bad) in enumerate(counts, start=1)]
    expected: list[bool | None] = []
    for at in range(1, len(counts) + 1):
        found: list[bool | None] = []
        for window in (alert.long, alert.short):
            seen = [one.tally for one in counted if at * SECOND - window < one.at <= at * SECOND]
            total = sum(tally.total for tally in seen)
            covered = at * SECOND >= window and total
            found.append(Fraction(sum(tally.bad for tally in seen), total) > Fraction(1, 10) if covered else None)
        expected.append(None if None in found else all(found))
    if set(expected) == {None}:
        with pytest.raises(Inconclusive):
            evaluate(OBJECTIVE, counted, alert)
    else:
        assert [due for _, due in evaluate(OBJECTIVE, counted, alert).looks] == expected
