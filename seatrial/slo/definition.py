"""What an objective is: a service, what is measured of it, how much of it must be good, over which time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class Indicator(StrEnum):
    """What is measured of a service.

    availability: the share of requests that were answered with success.
    latency: the share of requests that took at most a limit, from when they were to start.
    freshness: the share of looks at which the newest event was at most as old as a limit.
    """

    AVAILABILITY = "availability"
    LATENCY = "latency"
    FRESHNESS = "freshness"


@dataclass(frozen=True)
class Objective:
    """At least the share *target* (above 0, below 1) is good over the rolling *window*.

    *limit* is the longest that a good request takes, or the greatest age of the newest event; None for availability.
    """

    name: str
    service: str
    indicator: Indicator
    target: float
    window: timedelta
    limit: timedelta | None = None
    description: str = ""

    @property
    def allowed(self) -> Fraction:
        """The share that may be bad: exactly one less the target as it is written, which binary fractions are not."""
        return 1 - exact(self.target)

    def __str__(self) -> str:
        share = f"{float(exact(self.target) * 100):g}%"
        seconds = 0.0 if self.limit is None else self.limit.total_seconds()
        match self.indicator:
            case Indicator.AVAILABILITY:
                return f"{self.name}: {share} of requests succeed"
            case Indicator.LATENCY:
                return f"{self.name}: {share} of requests take at most {seconds:g} s"
            case Indicator.FRESHNESS:
                return f"{self.name}: the newest event is at most {seconds:g} s old, {share} of the times one looks"


def exact(share: float) -> Fraction:
    """Return *share* as the decimal fraction that it is written as: 0.999 is 999/1000, and not nearly so."""
    return Fraction(repr(share))
