"""Profiles of load: small files that say how many customers come when, what they do, and what must hold meanwhile."""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.load.schedule import Stage, arrivals

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = Path(__file__).with_name("profiles")
ACTS: Mapping[str, float] = {"browse": 45, "search": 20, "order": 10, "poll": 20, "upload": 5}
"""What customers of the shop do, and how often of a hundred times unless a profile says otherwise."""
_KEYS = frozenset({"about", "arrivals", "seed", "mix", "limits", "stage", "knee_at_least", "in_flight", "patience"})
_MOST_RATE = 100_000
_BEYOND = 1e15
_LONGEST = 30 * 24 * 3600
# What a schedule of that many takes, in time and in memory, a machine still has.
_MOST_CUSTOMERS = 50_000_000


@dataclass(frozen=True)
class Limits:
    """What must hold: a share of *success* succeeds, and the *share* quantile of latencies is within *latency*."""

    success: float
    share: float
    latency: timedelta


@dataclass(frozen=True)
class Profile:
    """How load goes.

    *limits* hold over the whole run, or for each step where *knee_at_least* is given: then the rate is stepped up until
    a step breaks them, and that many requests per second must be carried before. *stage_limits* hold in the stage of
    that name. *mix* is how often customers do what. At most *in_flight* requests are unanswered at a time; one that is
    unanswered after *patience* has failed.
    """

    name: str
    about: str
    stages: tuple[Stage, ...]
    limits: Limits
    mix: Mapping[str, float]
    stage_limits: Mapping[str, Limits]
    at_random: bool
    seed: int
    knee_at_least: float | None
    in_flight: int
    patience: timedelta

    def __post_init__(self) -> None:
        if (count := sum(stage.arrivals for stage in self.stages)) > _MOST_CUSTOMERS:
            raise UsageError(
                f"profile {self.name!r} lets {count:.0f} customers come, and no more than {_MOST_CUSTOMERS} can"
            )

    @classmethod
    def named(cls, name: str) -> Profile:
        """Return the profile that is shipped under *name*, or is in the file of that path.

        Raises UsageError when there is none, or it does not hold.
        """
        file = SHIPPED / f"{name}.toml"
        if not file.is_file():
            file = Path(name)
        if not file.is_file():
            raise UsageError(f"there is no profile {name!r}: take one of {', '.join(shipped())}, or the path of a file")
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: is no TOML: {error}") from error
        return _Reader(str(file)).profile(file.stem, said)

    @property
    def duration(self) -> timedelta:
        """How long customers come."""
        return sum((stage.duration for stage in self.stages), timedelta())

    def due(self) -> tuple[int, ...]:
        """Return how many customers are to come in each stage."""
        counts = [0] * len(self.stages)
        ends = list(accumulate(stage.duration.total_seconds() for stage in self.stages))
        for when in arrivals(self.stages, at_random=self.at_random, seed=self.seed):
            counts[min(bisect_right(ends, when), len(ends) - 1)] += 1
        return tuple(counts)

    def lasting(self, duration: timedelta) -> Profile:
        """Return it with its stages stretched, so that it lasts *duration*."""
        factor = duration / self.duration
        return replace(self, stages=tuple(replace(stage, duration=stage.duration * factor) for stage in self.stages))

    def times(self, factor: float) -> Profile:
        """Return it with *factor* times as many customers."""
        return replace(self, stages=tuple(replace(stage, rate=stage.rate * factor) for stage in self.stages))

    def reading(self) -> Profile:
        """Return it for customers who only read given paths, whatever is there."""
        return replace(self, mix={"read": 1})


def shipped() -> tuple[str, ...]:
    """Return the names of the profiles that come with Seatrial."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.toml")))


@dataclass(frozen=True)
class _Reader:
    """Reads one file; each complaint names the file, the place and what is wrong."""

    file: str

    def profile(self, name: str, said: Mapping[str, object]) -> Profile:
        self._known("the profile", said, _KEYS)
        stages = tuple(self._stage(number, one) for number, one in enumerate(self._list(said, "stage"), start=1))
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise self._wrong("two stages have the same name")
        how = said.get("arrivals", "random")
        if how not in ("random", "even"):
            raise self._wrong(f'arrivals is {how!r}, not "random" or "even"')
        knee = self._number("the profile", said, "knee_at_least", above=0) if "knee_at_least" in said else None
        return Profile(
            name=name,
            about=str(said.get("about", "")),
            stages=stages,
            limits=self._limits("limits", said.get("limits")),
            mix=self._mix(said.get("mix", dict(ACTS))),
            stage_limits={
                stage.name: self._limits(f"the limits of stage {stage.name!r}", one["limits"])
                for stage, one in zip(stages, self._list(said, "stage"), strict=True)
                if "limits" in one
            },
            at_random=how == "random",
            seed=int(self._number("the profile", said, "seed", default=1)),
            knee_at_least=knee,
            in_flight=math.ceil(self._number("the profile", said, "in_flight", above=0, default=500)),
            patience=timedelta(
                seconds=self._number("the profile", said, "patience", above=0, at_most=_LONGEST, default=10)
            ),
        )

    def _stage(self, number: int, said: Mapping[str, object]) -> Stage:
        place = f"stage {number}"
        self._known(place, said, frozenset({"name", "seconds", "rate", "limits"}))
        return Stage(
            name=str(said.get("name", place)),
            duration=timedelta(seconds=self._number(place, said, "seconds", above=0, at_most=_LONGEST)),
            rate=self._number(place, said, "rate", above=0, at_most=_MOST_RATE),
        )

    def _limits(self, place: str, said: object) -> Limits:
        if not isinstance(said, dict):
            raise self._wrong(f"{place} has to say success, share and latency")
        self._known(place, said, frozenset({"success", "share", "latency"}))
        return Limits(
            success=self._number(place, said, "success", above=0, at_most=1),
            share=self._number(place, said, "share", above=0, at_most=1),
            latency=timedelta(seconds=self._number(place, said, "latency", above=0, at_most=_LONGEST)),
        )

    def _mix(self, said: object) -> Mapping[str, float]:
        if not isinstance(said, dict) or not said:
            raise self._wrong("mix has to say how often customers do what")
        self._known("mix", said, frozenset(ACTS))
        return {act: self._number("mix", said, act, above=0) for act in said}

    def _list(self, said: Mapping[str, object], key: str) -> list[dict[str, object]]:
        found = said.get(key)
        if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
            raise self._wrong(f"it has no [[{key}]]; there must be at least one")
        return found

    def _known(self, place: str, said: Mapping[str, object], keys: frozenset[str]) -> None:
        if strange := sorted(set(said) - keys):
            raise self._wrong(f"{place} cannot have {', '.join(strange)}: write {', '.join(sorted(keys))}")

    def _number(
        self,
        place: str,
        said: Mapping[str, object],
        key: str,
        *,
        above: float = -math.inf,
        at_most: float = math.inf,
        default: float | None = None,
    ) -> float:
        value = said.get(key, default)
        if value is None:
            raise self._wrong(f"{place} does not say {key}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BEYOND:
            raise self._wrong(f"{place}: {key} is {value!r}, not a number")
        if not above < value <= at_most:
            wanted = f"above {above:g}" + ("" if at_most == math.inf else f" and at most {at_most:g}")
            raise self._wrong(f"{place}: {key} is {value:g}, and has to be {wanted}")
        return value

    def _wrong(self, sentence: str) -> UsageError:
        return UsageError(f"{self.file}: {sentence}")
