"""Whether traffic fares worse than it did before, beyond what two measurements of the same thing differ by.

Latencies of one moment resemble each other, so single requests are no independent samples. What is compared are blocks
of time, each by its quantile or its share of failures, as wide as it takes for them to be independent. A change
counts when chance makes it with a probability of at most `ERROR` and when it is as large as `RATIO`, or `SHARE` for
failures: what is smaller may be true, and nobody would notice.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from seatrial.slo.histogram import LatencyHistogram
from seatrial.slo.objective import samples_needed
from seatrial.slo.ranks import fewest, shift
from seatrial.verdict import Inconclusive, Missing, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUANTILES = (0.5, 0.99)
RATIO = 1.1
SHARE = 0.001
# Of all comparisons of one thing with itself, at most one in a hundred calls it worse, whichever of the three does.
ERROR = 0.01 / (len(QUANTILES) + 1)

_MOST_BLOCKS = 60
_FEWEST_REQUESTS = 20
# Blocks of four times the memory that a steadily fading noise has hardly resemble their neighbours.
_MEMORIES = 4
_SHUFFLES = 1_999
_SEED = 20_310_504


class Change(StrEnum):
    """What became of a measure."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no worse"


@dataclass(frozen=True)
class Block:
    """What happened in one block of time: the latency of each request, and how many of them failed."""

    latencies: LatencyHistogram
    failed: int

    @property
    def share_failed(self) -> float:
        """The share of its requests that failed."""
        return self.failed / self.latencies.total

    @classmethod
    def whole(cls, parts: Sequence[Block]) -> Block:
        """Return the block that *parts* make up."""
        latencies = LatencyHistogram()
        for part in parts:
            latencies.merge(part.latencies)
        return cls(latencies, sum(part.failed for part in parts))


@dataclass(frozen=True)
class Difference:
    """How one measure differs, as a sentence with its numbers, and what that comes to."""

    change: Change
    sentence: str

    def __str__(self) -> str:
        return f"{self.sentence}: {self.change}"


@dataclass(frozen=True)
class Comparison:
    """All measures that were compared, and in *unknown* why others could not be."""

    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Failed if a measure is worse, else inconclusive if one could not be compared, else passed."""
        if any(one.change is Change.WORSE for one in self.differences):
            return Verdict.FAILED
        return Verdict.INCONCLUSIVE if self.unknown else Verdict.PASSED


def compare(before: Sequence[Block], now: Sequence[Block]) -> Comparison:
    """Hold the blocks of *now* against those of *before*, all of the same length, in order of time.

    The same blocks give the same answer, always.
    """
    differences: list[Difference] = []
    unknown: list[str] = []
    quantiles = [partial(compare_quantile, before, now, share) for share in QUANTILES]
    for measure in (*quantiles, partial(compare_failures, before, now)):
        try:
            differences.append(measure())
        except Inconclusive as problem:
            unknown.append(problem.reason)
    return Comparison(tuple(differences), tuple(unknown))


def compare_quantile(before: Sequence[Block], now: Sequence[Block], share: float) -> Difference:
    """Compare the *share* quantiles of the latencies by ranks. Raises Inconclusive when there are too few blocks."""
    what = f"the {share:.0%} quantile of the latencies"
    needed = max(_FEWEST_REQUESTS, samples_needed(share))
    then, later = _independent(before, now, lambda block: _log_quantile(block, share), needed=needed, what=what)
    found = shift(then, later, error=ERROR)
    ratio, low, high = (math.exp(value) for value in (found.estimate, found.low, found.high))
    change = Change.SAME
    if low > 1 and ratio >= RATIO:
        change = Change.WORSE
    elif high < 1 and ratio <= 1 / RATIO:
        change = Change.BETTER
    return Difference(
        change,
        f"{what} is {ratio:.3f} times what it was ({low:.3f} to {high:.3f} with {1 - 2 * ERROR:.2%} confidence;"
        f" {len(later)} blocks against {len(then)}, at least {RATIO:g} times would count)",
    )


def compare_failures(before: Sequence[Block], now: Sequence[Block]) -> Difference:
    """Compare the shares that failed by shuffling blocks. Raises Inconclusive when there are too few blocks.

    A permutation test with a fixed seed: how often does chance, which does not know then from now, make a difference
    as large? Fisher, "The Design of Experiments" (1935); Phipson and Smyth, "Permutation P-values Should Never Be Zero"
    (2010).
    """
    what = "the share of requests that failed"
    then, later = _independent(before, now, lambda block: block.share_failed, needed=_FEWEST_REQUESTS, what=what)
    difference = fmean(later) - fmean(then)
    chance = _chance(then, later)
    change = Change.SAME
    if chance <= ERROR and abs(difference) > SHARE:
        change = Change.WORSE if difference > 0 else Change.BETTER
    return Difference(
        change,
        f"{what} was {fmean(then):.3%} and is {fmean(later):.3%} (as much by chance: {chance:.4f}, at most {ERROR:.4f}"
        f" would count; {len(later)} blocks against {len(then)}, more than {SHARE:.1%} would count)",
    )


def _chance(then: Sequence[float], later: Sequence[float]) -> float:
    """Return the probability of a difference as large, to the same side, when all that is shuffled."""
    pool = [*then, *later]
    if len(set(pool)) == 1:
        return 1.0
    sign = 1 if fmean(later) >= fmean(then) else -1
    observed = sign * sum(later)
    shuffle = random.Random(_SEED)  # noqa: S311 (a test's numbers come again)
    # A sum in another order may differ in its last digit.
    as_large = sum(sign * sum(shuffle.sample(pool, len(later))) >= observed - 1e-12 for _ in range(_SHUFFLES))
    return (as_large + 1) / (_SHUFFLES + 1)


def _independent(
    before: Sequence[Block], now: Sequence[Block], measured: Callable[[Block], float], *, needed: int, what: str
) -> tuple[list[float], list[float]]:
    """Return what is *measured* of blocks so wide that they have *needed* requests each and know nothing of each other.

    That is taken to be so for blocks of `_MEMORIES` times the memory of either side, as far as it shows in blocks of
    `_FEWEST_REQUESTS`. Raises Inconclusive when that leaves too few blocks for any difference to be seen.
    """
    least = fewest(ERROR)
    fine = max(_width(blocks, _FEWEST_REQUESTS) for blocks in (before, now))
    width, reason = max(_width(blocks, needed) for blocks in (before, now)), f"it takes {needed} requests in each"
    if min(len(before), len(now)) // width >= least:
        lasts = fine * max(_memory(_widened(blocks, fine), measured) for blocks in (before, now))
        if lasts > fine and _MEMORIES * lasts > width:
            width, reason = math.ceil(_MEMORIES * lasts), f"each is felt for {lasts:.1f} of them"
    width = max(width, math.ceil(max(len(before), len(now)) / _MOST_BLOCKS))
    if min(len(before), len(now)) // width < least:
        raise Inconclusive(
            f"{what} cannot be compared: {len(now)} blocks of time against {len(before)} are too few, because {reason};"
            " measure for longer",
            Missing.SAMPLES,
        )
    then, later = ([measured(block) for block in _widened(blocks, width)] for blocks in (before, now))
    return then, later


def _width(blocks: Sequence[Block], requests: int) -> int:
    """Return how many neighbours it takes for each of them together to have that many *requests*."""
    totals = [block.latencies.total for block in blocks]
    width = 1
    while width <= len(totals) and min(_sums(totals, width)) < requests:
        width += 1
    return width


def _sums(totals: Sequence[int], width: int) -> list[int]:
    return [sum(totals[at : at + width]) for at in range(0, len(totals) - width + 1, width)]


def _widened(blocks: Sequence[Block], width: int) -> list[Block]:
    """Put *width* neighbours each together; what is left over at the end is dropped."""
    return [Block.whole(blocks[at : at + width]) for at in range(0, len(blocks) - width + 1, width)]


def _memory(blocks: Sequence[Block], measured: Callable[[Block], float]) -> float:
    """Return for how many blocks it is felt what happened in one: in what is *measured*, and in the median latency."""
    return max(memory([measured(block) for block in blocks]), memory([_log_quantile(block, 0.5) for block in blocks]))


def memory(values: Sequence[float]) -> float:
    """Return for how many of them each of *values* is felt; 1 if they know nothing of each other.

    The integrated autocorrelation time, 1 + 2 (r1 + r2 + ...), of which only those at the beginning count that are
    above what chance makes of independent values, 2 / sqrt(n): Sokal, "Monte Carlo Methods in Statistical Mechanics"
    (1997), section 3.
    """
    mean, count = fmean(values), len(values)
    spread = sum((value - mean) ** 2 for value in values)
    lasts = 1.0
    for lag in range(1, count):
        later = zip(values, values[lag:], strict=False)
        correlation = sum((one - mean) * (other - mean) for one, other in later) / spread if spread else 0.0
        if correlation <= 2 / math.sqrt(count):
            break
        lasts += 2 * correlation
    return lasts


def _log_quantile(block: Block, share: float) -> float:
    # What takes no time at all has no logarithm; a nanosecond is the least that is told apart from it.
    return math.log(max(block.latencies.quantile(share), 1e-9))
