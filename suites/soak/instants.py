"""When to kill whom, and how: drawn at random, the same again from the same seed."""

from __future__ import annotations

import itertools
import random
import signal
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What a person asked for when it happens."""

    UP = "up"
    SCENARIO = "scenario"
    DOWN = "down"


class Victim(StrEnum):
    """Who is killed: the command that the person started, the process that does the work, or what keeps nodes alive."""

    LAUNCHER = "nox"
    WORKER = "worker"
    SUPERVISOR = "supervisor"


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Not from the very beginning, when nothing has happened yet, nor to the very end, when it may be over.
_EARLIEST, _LATEST = 0.03, 0.92


@dataclass(frozen=True)
class Instant:
    """One kill; *share* says when, as a part of the time that the phase usually takes."""

    phase: Phase
    victim: Victim
    signal: signal.Signals
    share: float

    def __str__(self) -> str:
        return f"{self.phase}-{self.victim}-{self.signal.name}-{self.share:.2f}"


def draw(seed: int, count: int) -> tuple[Instant, ...]:
    """Draw *count* instants: every kind of kill about equally often, at random times, in random order."""
    chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same again)
    kinds = list(itertools.product(Phase, Victim, SIGNALS))
    chance.shuffle(kinds)
    chosen = [kind for _, kind in zip(range(count), itertools.cycle(kinds), strict=False)]
    return tuple(Instant(*kind, chance.uniform(_EARLIEST, _LATEST)) for kind in chosen)
