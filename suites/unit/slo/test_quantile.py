import pytest

from seatrial.slo.quantile import quantile


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, 1.0), (0.5, 5.0), (0.9, 9.0), (0.91, 10.0), (1, 10.0)],
)
def test_is_the_smallest_value_that_the_share_does_not_exceed(share: float, expected: float) -> None:
    assert quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == expected


def test_a_share_that_binary_fractions_cannot_hold_counts_no_sample_too_many() -> None:
    assert quantile(range(1, 101), 0.07) == 7


def test_is_always_a_value_that_was_observed() -> None:
    assert quantile([1.0, 100.0], 0.5) == 1.0


def test_no_values_have_none() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        quantile([1.0], share)
