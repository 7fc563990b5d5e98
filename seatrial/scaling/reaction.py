"""A reaction of an autoscaler in its parts, which must add up to the whole that was seen from outside."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.chaos.times import Instant

# What arithmetic with seconds since 1970 loses (2 ** -22 s each), with room.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Span:
    """A length of time of which only the *least* and the *most* are known, in seconds."""

    least: float
    most: float

    @classmethod
    def between(cls, first: Instant, second: Instant) -> Span:
        """Return how long it was from *first* to *second*; below zero as far as their order is not known."""
        return cls(second.earliest - first.latest, second.latest - first.earliest)

    @property
    def seconds(self) -> float:
        """The middle."""
        return (self.least + self.most) / 2

    @property
    def error(self) -> float:
        """How far from the middle it can have been, at most."""
        return (self.most - self.least) / 2

    def meets(self, other: Span) -> bool:
        """Whether both can be the same length."""
        return self.least <= other.most + _ROUNDING and other.least <= self.most + _ROUNDING

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ± {math.ceil(self.error * 10) / 10:.1f} s"


@dataclass(frozen=True)
class Part:
    """One part of a reaction: what it led to, who did it, how long that took."""

    name: str
    doer: str
    took: Span

    @property
    def possible(self) -> bool:
        """Whether it can have ended after it began."""
        return self.took.most >= -_ROUNDING


@dataclass(frozen=True)
class Reaction:
    """How an autoscaler went from *before* to *after* replicas, and why.

    *instants* are by the API's clock, in the order of cause and effect: the first is the change of the load, each other
    one the end of a part; *doers* says whose each part was. *whole* was measured without them: by looks from outside
    and one clock, from the change of the load to the end of the last part. *basis* is what all of it was read from.
    """

    autoscaler: str
    before: int
    after: int
    why: str
    cause: str
    effect: str
    instants: Mapping[str, Instant]
    doers: Mapping[str, str]
    whole: Span
    basis: Mapping[str, object]
    remark: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its parts, in order: each begins where the one before ended."""
        return tuple(
            Part(name, self.doers[name], Span.between(before, after))
            for (_, before), (name, after) in pairwise(self.instants.items())
        )

    @property
    def together(self) -> Span:
        """What the parts add up to. What one of them is too long by, its neighbour is too short by."""
        first, *_, last = self.instants.values()
        return Span.between(first, last)

    @property
    def contradictions(self) -> tuple[str, ...]:
        """What cannot be true together, in sentences; none when the parts add up to the whole within their errors."""
        found = [
            f"{part.name} would have ended {-part.took.most:.1f} s or more before it began"
            for part in self.parts
            if not part.possible
        ]
        if not self.together.meets(self.whole):
            found.append(f"the parts come to {self.together}, and from outside it was {self.whole}")
        return tuple(found)

    @property
    def sentence(self) -> str:
        """Why and how fast, in plain words."""
        longest = max(self.parts, key=lambda part: part.took.seconds)
        verb = "grew" if self.after > self.before else "shrank"
        said = (
            f"{self.autoscaler} {verb} from {self.before} to {self.after} replicas because {self.why}. "
            f"{self.effect} {self.together} after {self.cause}; "
            f"the longest part, until {longest.name} ({longest.doer}), was {longest.took}."
        )
        return f"{said} {self.remark}".strip()

    @property
    def text(self) -> str:
        """The sentence, then a line for each part, and what they add up to."""
        lines = [f"until {part.name} ({part.doer}): {part.took}" for part in self.parts]
        verdict = "; ".join(self.contradictions) or "the parts add up to the whole"
        return "\n".join(
            [self.sentence, "", *lines, f"together: {self.together}", f"from outside: {self.whole}", verdict]
        )

    @property
    def record(self) -> str:
        """The same as JSON: durations and errors in seconds, instants as the bounds between which each was."""
        return json.dumps(
            {
                "autoscaler": self.autoscaler,
                "replicas": {"before": self.before, "after": self.after},
                "why": self.why,
                "sentence": self.sentence,
                "parts": [{"until": part.name, "by": part.doer, **_spoken(part.took)} for part in self.parts],
                "together": _spoken(self.together),
                "from outside": _spoken(self.whole),
                "contradictions": self.contradictions,
                "instants": {name: [_utc(at.earliest), _utc(at.latest)] for name, at in self.instants.items()},
                "basis": self.basis,
            },
            indent=2,
        )

    def tell(self) -> Reaction:
        """Let the run keep it as evidence, as text and as JSON; return itself."""
        title = f"how autoscaler {self.autoscaler} went from {self.before} to {self.after} replicas"
        tell_document(title, self.text)
        tell_document(f"{title}, as data", self.record)
        return self


def _spoken(span: Span) -> dict[str, float]:
    return {"seconds": round(span.seconds, 3), "error": round(span.error, 3)}


def _utc(seconds: float) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
