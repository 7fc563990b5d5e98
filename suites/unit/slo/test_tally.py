from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.definition import Indicator, Objective, exact
from seatrial.slo.tally import Tally, judge_tally
from seatrial.verdict import Inconclusive, Missing


def objective(target: float) -> Objective:
    return Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, target, timedelta(days=28))


@pytest.mark.parametrize("asked", [0.9, 0.99, 0.999, 0.9995, 0.9999, 0.07])
def test_exactly_the_allowed_share_is_kept_and_one_more_is_not(asked: float) -> None:
    allowed = (1 - exact(asked)) * 20_000
    assert allowed.denominator == 1
    assert Tally(20_000 - int(allowed), 20_000).keeps(asked)
    assert not Tally(20_000 - int(allowed) - 1, 20_000).keeps(asked)


def test_a_judgement_says_what_was_asked_and_on_how_many() -> None:
    judgement = judge_tally(objective(0.995), Tally(399, 400))
    assert judgement.met
    assert str(judgement) == "catalog-availability: 99.5% of requests succeed: met, 0.9975 observed of 400 samples"
    assert not judge_tally(objective(0.995), Tally(397, 400)).met


@pytest.mark.parametrize(("total", "missing"), [(0, Missing.SAMPLE), (1, Missing.SAMPLES), (199, Missing.SAMPLES)])
def test_too_few_are_inconclusive_even_when_all_are_good(total: int, missing: Missing) -> None:
    with pytest.raises(Inconclusive, match=f"{total} counted are too few") as lacking:
        judge_tally(objective(0.995), Tally(total, total))
    assert lacking.value.missing is missing


def test_nothing_has_no_share() -> None:
    with pytest.raises(Inconclusive):
        _ = Tally(0, 0).share


@pytest.mark.parametrize(("good", "total"), [(-1, 1), (2, 1)])
def test_more_good_than_there_are_cannot_be(good: int, total: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Tally(good, total)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=9))
def test_parts_add_up_to_the_whole(parts: list[tuple[int, int]]) -> None:
    whole = Tally(0, 0)
    for good, bad in parts:
        whole += Tally(good, good + bad)
    assert whole.good == sum(good for good, _ in parts)
    assert whole.bad == sum(bad for _, bad in parts)
