"""Samples and what is said of them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Measurement:
    """One thing measured several times in one run.

    *limit* is the most that its median (or *quantile*) may be; None: there is no target.
    """

    name: str
    unit: str
    samples: tuple[float, ...]
    limit: float | None = None
    quantile: float = 0.5

    @property
    def value(self) -> float:
        """The median, or the quantile asked for (nearest rank, so always a value that was seen)."""
        ordered = sorted(self.samples)
        if self.quantile == 0.5:
            return statistics.median(ordered)
        return ordered[max(0, math.ceil(self.quantile * len(ordered)) - 1)]

    @property
    def kept(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        return None if self.limit is None else self.value <= self.limit


def ratios(ours: Sequence[float], baseline: Sequence[float]) -> tuple[float, ...]:
    """Return each of *ours* over the *baseline* sample taken beside it."""
    return tuple(own / other for own, other in zip(ours, baseline, strict=True))
