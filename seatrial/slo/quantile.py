"""Quantiles of a sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that at least *share* (0 to 1) of them do not exceed.

    This is the inverse of the empirical distribution function, type 1 of Hyndman and Fan, "Sample Quantiles in
    Statistical Packages", The American Statistician 50 (1996): always a value that was observed.

    Raises ValueError for no values, one that is not a number, or a share outside 0 to 1.
    """
    if not values:
        raise ValueError("there is no quantile of no values")
    if any(math.isnan(value) for value in values):
        raise ValueError("there is no quantile of what is not a number")
    if not 0 <= share <= 1:
        raise ValueError(f"the share {share} is not between 0 and 1")
    # Without the rounding, 0.07 * 100 would count one sample too many: it is 7.000000000000001.
    rank = max(1, math.ceil(round(share * len(values), 9)))
    return sorted(values)[rank - 1]
