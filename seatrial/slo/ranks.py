"""Whether one sample lies above another, by ranks: no assumption about their shape, and no random numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Shift:
    """By how much a sample lies above another: the estimate, and between which bounds it is."""

    estimate: float
    low: float
    high: float


def shift(before: Sequence[float], now: Sequence[float], *, error: float) -> Shift:
    """Return by how much *now* lies above *before*; each bound is wrong with a probability of at most *error*.

    The estimate of Hodges and Lehmann, "Estimates of Location Based on Rank Tests" (1963): the median of all pairwise
    differences; the bounds are those of the rank sum test of Mann and Whitney (1947), with the exact distribution. They
    hold for independent samples whose distributions differ by no more than their place.

    Raises ValueError when there are too few for any bound: `fewest` says how many it takes.
    """
    worst = critical(len(before), len(now), error)
    if worst is None:
        raise ValueError(f"{len(before)} and {len(now)} are too few for an error of {error:g}")
    differences = sorted(new - old for new in now for old in before)
    middle = len(differences) // 2
    estimate = differences[middle] if len(differences) % 2 else (differences[middle - 1] + differences[middle]) / 2
    return Shift(estimate, differences[worst], differences[-1 - worst])


def critical(before: int, now: int, error: float) -> int | None:
    """Return how many pairs may be the other way round for one of two samples of those sizes to lie above the other.

    With more, that happens by chance more often than with the probability *error*; None: even with none it does.
    """
    arrangements = math.comb(before + now, before)
    seen = 0
    found = None
    for pairs, ways in enumerate(_ways(before, now)):
        seen += ways
        if seen > error * arrangements:
            break
        found = pairs
    return found


def fewest(error: float) -> int:
    """Return how many values each of two samples of one size needs for a bound with at most that *error*."""
    count = 1
    while critical(count, count, error) is None:
        count += 1
    return count


@cache
def _ways(first: int, second: int) -> tuple[int, ...]:
    """Return in how many orders of two samples of these sizes 0, 1, 2 ... pairs are the other way round.

    The coefficients of the Gaussian binomial: the product of (1 - q^(second + i)) / (1 - q^i) for i up to *first*.
    """
    terms = first * second + 1
    ways = [1] + [0] * (terms - 1)
    for factor in range(1, first + 1):
        for place in range(terms - 1, second + factor - 1, -1):
            ways[place] -= ways[place - second - factor]
        for place in range(factor, terms):
            ways[place] += ways[place - factor]
    return tuple(ways)
