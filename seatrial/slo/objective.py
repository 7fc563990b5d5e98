"""Judging a sample against an objective: a verdict never without its sample count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.slo.quantile import quantile
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


@dataclass(frozen=True)
class Judgement:
    """Whether an objective was met: what was *observed* of *samples* samples, beside what was *required*."""

    objective: str
    met: bool
    observed: float
    required: float
    samples: int

    def __str__(self) -> str:
        verb = "met" if self.met else "missed"
        return f"{self.objective}: {verb}, {self.observed:.6g} observed of {self.samples} samples"


def samples_needed(share: float) -> int:
    """Return how many samples it takes for a *share* (0 to 1) to be told from all: one failure must not exceed it.

    With fewer, a single failure would decide: 99.5 % needs 200. A share of 1 needs one sample. Raises ValueError for a
    share that anything would meet, or nothing.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share {share} is not above 0 and at most 1")
    return 1 if share >= 1 else math.ceil(round(1 / (1 - share), 6))


def judge_success(outcomes: Sequence[bool], *, at_least: float) -> Judgement:
    """Judge whether at least the share *at_least* (0 to 1) of *outcomes* are successes.

    Raises Inconclusive when there are none, or too few for that share to mean anything.
    """
    needed = samples_needed(at_least)
    if len(outcomes) < needed:
        raise Inconclusive(
            f"{len(outcomes)} requests are too few to judge a share of {at_least:.2%}: {needed} are needed",
            Missing.SAMPLES if outcomes else Missing.SAMPLE,
        )
    share = sum(outcomes) / len(outcomes)
    return Judgement(f"at least {at_least:.2%} succeed", share >= at_least, share, at_least, len(outcomes))


def judge_latency(latencies: Sequence[timedelta], *, share: float, at_most: timedelta) -> Judgement:
    """Judge whether the *share* (0 to 1) quantile of *latencies* is *at_most* that long.

    The judgement's numbers are in seconds.

    Raises Inconclusive when there are none, or too few for that quantile to be more than the longest.
    """
    needed = samples_needed(share)
    if len(latencies) < needed:
        raise Inconclusive(
            f"{len(latencies)} requests are too few to judge their {share:.2%} quantile: {needed} are needed",
            Missing.SAMPLES if latencies else Missing.SAMPLE,
        )
    limit = at_most.total_seconds()
    observed = quantile([latency.total_seconds() for latency in latencies], share)
    return Judgement(f"{share:.2%} within {limit:g} s", observed <= limit, observed, limit, len(latencies))
