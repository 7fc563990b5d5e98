"""A record of latencies that does not grow with their number: an HdrHistogram of three significant figures.

Nothing is corrected for coordinated omission, because nothing is omitted: arrivals are scheduled, and a latency counts
from when its request was to start. Tene, "How NOT to Measure Latency" (2013); http://hdrhistogram.org.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from seatrial.slo.objective import Judgement, samples_needed
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SIGNIFICANT_FIGURES = 3
HIGHEST = timedelta(hours=1)

_PER_SECOND = 1_000_000_000
_HIGHEST_SECONDS = HIGHEST.total_seconds()
# Three significant figures take 2048 steps, half of them per power of two beyond the first two thousand.
_STEPS_BITS = 11
_HALF_BITS = _STEPS_BITS - 1
_HALF = 1 << _HALF_BITS


class LatencyHistogram:
    """Counts latencies from 0 to an hour, in nanoseconds up to 2047 ns, then in steps of less than 0.1 %.

    Only steps that counted something take room. They are numbered as HdrHistogram numbers its own; recording into that
    library's Python port costs three times as much, and is left to the end, when there are counts and no latencies any
    more (`seatrial.slo.histogram_log`).
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: defaultdict[int, int] = defaultdict(int)

    @classmethod
    def of(cls, seconds: Iterable[float]) -> LatencyHistogram:
        """Return one that holds all these latencies."""
        histogram = cls()
        for latency in seconds:
            histogram.record(latency)
        return histogram

    @classmethod
    def of_counts(cls, counts: Mapping[int, int]) -> LatencyHistogram:
        """Return one that holds these *counts*, by value in nanoseconds; raises ValueError for what cannot be."""
        histogram = cls()
        for value, count in counts.items():
            if not 0 <= value <= _HIGHEST_SECONDS * _PER_SECOND or count < 1:
                raise ValueError(f"{count} latencies of {value} ns cannot be")
            histogram._counts[index_of(value)] += count
        return histogram

    def record(self, seconds: float) -> None:
        """Count one latency. Raises ValueError for one below 0, beyond an hour or that is no number."""
        if not 0 <= seconds <= _HIGHEST_SECONDS:
            raise ValueError(f"a latency of {seconds} s cannot be recorded: from 0 to {_HIGHEST_SECONDS:g} s can")
        # As index_of, which is not called here: the call alone would cost as much again.
        value = int(seconds * _PER_SECOND)
        shift = value.bit_length() - _STEPS_BITS
        self._counts[value if shift <= 0 else (shift << _HALF_BITS) + (value >> shift)] += 1

    def merge(self, other: LatencyHistogram) -> None:
        """Add all that *other* counted, without any loss."""
        for index, count in other._counts.items():
            self._counts[index] += count

    @property
    def total(self) -> int:
        """How many latencies were recorded."""
        return sum(self._counts.values())

    def recorded(self) -> Iterator[tuple[int, int]]:
        """Each step that counted something: its lowest value in nanoseconds and its count, from low to high."""
        return ((value_at(index), count) for index, count in sorted(self._counts.items()))

    def bounds(self, share: float) -> tuple[float, float]:
        """Return between which seconds the *share* (0 to 1) quantile lies: the ends of its step.

        The quantile is that of `seatrial.slo.quantile.quantile`, a latency that was observed. Raises Inconclusive of
        nothing, and ValueError for a share outside 0 to 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"the share {share} is not between 0 and 1")
        total = self.total
        if not total:
            raise Inconclusive("no latency was recorded", Missing.SAMPLE)
        rank = max(1, math.ceil(round(share * total, 9)))
        steps = sorted(self._counts)
        index = steps[bisect_left(list(accumulate(self._counts[step] for step in steps)), rank)]
        return value_at(index) / _PER_SECOND, value_at(index + 1) / _PER_SECOND

    def quantile(self, share: float) -> float:
        """Return the *share* (0 to 1) quantile in seconds, less than 0.1 % from the exact one. Raises as `bounds` does.

        From one microsecond up, that is; below, it is less than a nanosecond from it.
        """
        low, high = self.bounds(share)
        return (low + high) / 2

    def tally(self, *, at_most: timedelta) -> Tally:
        """Count how many latencies were *at_most* that long, in the histogram's resolution.

        A step that the limit divides counts as longer, so an objective is rather missed than kept by rounding.
        """
        limit = round(at_most.total_seconds() * _PER_SECOND)
        good = sum(count for index, count in self._counts.items() if value_at(index + 1) - 1 <= limit)
        return Tally(good, self.total)

    def judge(self, *, share: float, at_most: timedelta) -> Judgement:
        """Judge whether the *share* (0 to 1) quantile is *at_most* that long; the judgement's numbers are in seconds.

        Raises Inconclusive when there are too few for that quantile to mean anything, and when the limit lies within
        the step that the quantile lies in: then only the single latencies could tell.
        """
        total, needed = self.total, samples_needed(share)
        if total < needed:
            raise Inconclusive(
                f"{total} requests are too few to judge their {share:.2%} quantile: {needed} are needed",
                Missing.SAMPLES if total else Missing.SAMPLE,
            )
        limit = at_most.total_seconds()
        low, high = self.bounds(share)
        if low <= limit < high:
            raise Inconclusive(
                f"the {share:.2%} quantile lies between {low:.9g} s and {high:.9g} s, and so does the limit of"
                f" {limit:g} s: the histogram is too coarse to tell"
            )
        return Judgement(f"{share:.2%} within {limit:g} s", high <= limit, self.quantile(share), limit, total)


def index_of(value: int) -> int:
    """Return the place of *value*, in nanoseconds and at least 0, among the counts: HdrHistogram's own.

    The first 2048 values have a place each; then each power of two is divided into 1024 steps.
    """
    shift = value.bit_length() - _STEPS_BITS
    return value if shift <= 0 else (shift << _HALF_BITS) + (value >> shift)


def value_at(index: int) -> int:
    """Return the lowest value, in nanoseconds, that is counted at *index*."""
    shift = (index >> _HALF_BITS) - 1
    return index if shift <= 0 else ((index & (_HALF - 1)) + _HALF) << shift
