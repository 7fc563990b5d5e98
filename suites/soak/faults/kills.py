"""Which runner to kill, when, and whether its reaper dies with it: drawn at random, the same from the same seed."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from datetime import timedelta

from suites.faulty import FAULTS

# From its first moment to a little after it is in effect, which takes some hundreds of milliseconds.
_LATEST = timedelta(milliseconds=900)


@dataclass(frozen=True)
class Kill:
    """*after* is counted from when the runner begins to do the fault."""

    fault: str
    after: timedelta
    reaper_too: bool

    def __str__(self) -> str:
        whom = "both" if self.reaper_too else "runner"
        return f"{self.fault}-{whom}-{self.after.total_seconds() * 1000:.0f}ms"


def draw(seed: int, count: int) -> tuple[Kill, ...]:
    """Draw *count* kills: every kind of fault about equally often, one in four with the reaper, in random order."""
    chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same again)
    kinds = [kind for _, kind in zip(range(count), itertools.cycle(FAULTS), strict=False)]
    chance.shuffle(kinds)
    return tuple(Kill(kind, chance.random() * _LATEST, chance.random() < 1 / 4) for kind in kinds)
