"""When customers come: known before the first of them does, and whatever becomes of those before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta


@dataclass(frozen=True)
class Stage:
    """A stretch of time in which *rate* customers come per second."""

    name: str
    duration: timedelta
    rate: float

    @property
    def arrivals(self) -> float:
        """How many come in it, on average if they come at random."""
        return self.rate * self.duration.total_seconds()


def arrivals(stages: Sequence[Stage], *, at_random: bool, seed: int) -> Iterator[float]:
    """Yield when each customer comes, in seconds from the begin of the first stage.

    They come evenly, or *at_random* as a Poisson process whose rate is that of the stage. The latter takes unit
    exponential gaps and stretches them by the rate (time rescaling: Cinlar, "Introduction to Stochastic Processes",
    1975, chapter 4.7); the same *seed* gives the same times.
    """
    chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same)
    count = chance.expovariate(1) if at_random else 0.0
    begin = before = 0.0
    for stage in stages:
        while count < before + stage.arrivals:
            yield begin + (count - before) / stage.rate
            count += chance.expovariate(1) if at_random else 1.0
        before += stage.arrivals
        begin += stage.duration.total_seconds()
