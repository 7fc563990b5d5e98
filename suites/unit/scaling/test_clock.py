from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos.times import Instant
from seatrial.kube.document import Document
from seatrial.scaling.clock import ahead, moved, stamp, within_both, written
from seatrial.verdict import Inconclusive
from suites.unit.scaling.world import utc

if TYPE_CHECKING:
    from seatrial.kube.api import Api


class Dated:
    """An API that dates what it is asked to make, and keeps nothing; a look takes 4 ms of a clock that it moves."""

    def __init__(self, true: float) -> None:
        self.true = true
        self.now = 50.0
        self.kept: list[object] = []

    def clock(self) -> float:
        self.now += 0.002
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def path(self, *_: object, **__: object) -> str:
        return "/api/v1/namespaces/shop/configmaps"

    def ask(self, _method: str, _path: str, *, body: object, query: dict[str, str]) -> Document:
        if query != {"dryRun": "All"}:
            self.kept.append(body)
        return Document({"metadata": {"creationTimestamp": utc(self.now + self.true)}})


@given(st.floats(min_value=1_790_000_000, max_value=1_790_000_001))
def test_the_difference_of_two_clocks_is_known_to_what_lies_between_two_looks(true: float) -> None:
    api = Dated(true)
    known = ahead(cast("Api", api), "shop", api.clock, api.pause)
    assert known.earliest - 1e-5 <= true <= known.latest + 1e-5
    assert known.latest - known.earliest <= 0.3
    assert not api.kept


def test_a_clock_that_is_set_meanwhile_is_noticed() -> None:
    api = Dated(1_790_000_000)

    def set_meanwhile(seconds: float) -> None:
        api.now += seconds
        api.true += 5

    with pytest.raises(Inconclusive, match="one was set"):
        ahead(cast("Api", api), "shop", api.clock, set_meanwhile)


def test_an_undated_answer_is_inconclusive() -> None:
    api = Dated(0)
    api.ask = lambda *_, **__: Document({})  # type: ignore[method-assign]
    with pytest.raises(Inconclusive, match="does not date"):
        ahead(cast("Api", api), "shop", api.clock, api.pause)


@given(st.floats(min_value=0, max_value=2_000_000_000))
def test_what_the_api_dates_happened_within_the_second_that_it_names(at: float) -> None:
    found = stamp(utc(at))
    assert found is not None
    assert found.earliest <= at < found.latest


def test_what_is_not_dated_has_no_instant() -> None:
    assert stamp("") is None
    assert written(Document({"metadata": {}})) is None
    assert written(Document({"metadata": {"managedFields": [{"time": utc(7)}]}}), part="status") is None


def test_of_several_who_wrote_the_last_counts() -> None:
    entries = [{"time": utc(9), "subresource": "status"}, {"time": utc(7)}, {"manager": "kubectl"}]
    both = Document({"metadata": {"managedFields": entries}})
    assert written(both) == Instant(9, 10)
    assert written(both, part="status") == Instant(9, 10)


def test_bounds_of_clocks_move_and_narrow() -> None:
    assert moved(Instant(1, 2), Instant(10, 12)) == Instant(11, 14)
    assert within_both(Instant(1, 5), Instant(3, 9)) == Instant(3, 5)
