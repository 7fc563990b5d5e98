"""When to kill what while a platform is planned, built and taken down: drawn at random, the same from the same seed."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What OpenTofu is at when it happens."""

    PLAN = "plan"
    APPLY = "apply"
    DESTROY = "destroy"


class Program(StrEnum):
    """What is killed: OpenTofu, or the provider that talks to the cloud for it."""

    TOFU = "tofu"
    PROVIDER = "terraform-provider-aws"


# Not from the very beginning, when nothing has happened yet, nor to the very end, when it may be over.
_EARLIEST, _LATEST = 0.03, 0.92
# What is killed on the way up, and on the way down, before the way is gone to its end.
_UP, _DOWN = (Stage.PLAN, Stage.APPLY, Stage.APPLY), (Stage.DESTROY, Stage.DESTROY)


@dataclass(frozen=True)
class Kill:
    """One kill; *share* says when, as a part of the time that the stage takes when nobody is killed."""

    stage: Stage
    program: Program
    share: float

    def __str__(self) -> str:
        return f"{self.program} in the middle of {self.stage} at {self.share:.0%} of its time"


@dataclass(frozen=True)
class Round:
    """A platform built and taken down once, with kills on the way *up* and on the way *down*."""

    up: tuple[Kill, ...]
    down: tuple[Kill, ...]


def draw(seed: int, count: int) -> tuple[Round, ...]:
    """Draw at least *count* kills, in whole rounds of five: each program about equally often, at random times."""
    chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same again)

    def kills(stages: tuple[Stage, ...]) -> tuple[Kill, ...]:
        return tuple(Kill(stage, chance.choice(list(Program)), chance.uniform(_EARLIEST, _LATEST)) for stage in stages)

    rounds = -(-count // (len(_UP) + len(_DOWN)))
    return tuple(Round(kills(_UP), kills(_DOWN)) for _ in itertools.repeat(None, rounds))
