from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.load.bins import MOST, binned
from seatrial.load.record import Request

LIMIT = timedelta(seconds=0.5)


def request(at: float, took: float = 0.1, status: int | None = 200) -> Request:
    return Request(at, at, at + took, status, None if status else "TimeoutError", held=False)


def test_requests_are_sorted_by_when_they_were_to_start() -> None:
    found = binned([request(10), request(10.9, took=0.7), request(11.5, status=503), request(13)], LIMIT)
    assert (found.start, found.width) == (10, 1)
    assert (found.good, found.slow, found.failed) == ((1, 0, 0, 1), (1, 0, 0, 0), (0, 1, 0, 0))
    assert [one is None for one in found.middle] == [False, False, True, False]
    assert (found.middle[0], found.high[0], found.longest[0]) == pytest.approx((0.1, 0.7, 0.7))


def test_without_a_limit_nothing_is_slow() -> None:
    assert binned([request(1, took=99)], None).slow == (0,)


def test_no_request_has_no_bins() -> None:
    with pytest.raises(ValueError, match="empty"):
        binned([], LIMIT)


@given(st.lists(st.tuples(st.floats(0, 200_000), st.floats(0.001, 3), st.booleans()), min_size=1, max_size=60))
def test_no_request_is_lost_and_there_are_never_too_many_bins(sent: list[tuple[float, float, bool]]) -> None:
    found = binned([request(at, took, 200 if fine else None) for at, took, fine in sent], LIMIT)
    assert len(found.good) <= MOST
    assert sum(found.good) + sum(found.slow) + sum(found.failed) == len(sent)
    assert sum(found.failed) == sum(not fine for _, _, fine in sent)
    for middle, high, longest in zip(found.middle, found.high, found.longest, strict=True):
        if middle is not None and high is not None and longest is not None:
            assert middle <= high <= longest
