"""When what happened, each instant with the error that looking now and then leaves it with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from seatrial.waiting import eventually
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True)
class Instant:
    """Something that happened between *earliest* and *latest*, in seconds of a clock that only goes forward."""

    earliest: float
    latest: float

    @property
    def at(self) -> float:
        """The middle of the time in which it happened."""
        return (self.earliest + self.latest) / 2

    @property
    def error(self) -> timedelta:
        """How far from `at` it can have been, at most."""
        return timedelta(seconds=(self.latest - self.earliest) / 2)


@dataclass
class Timeline:
    """The instants of one fault, by name: injected, effective, detected, recovered, steady, undone, clean.

    *fault* is the fault's kind and *target* what it is done to; both are empty until it is done.
    """

    clock: Callable[[], float] = time.monotonic
    instants: dict[str, Instant] = field(default_factory=dict)
    fault: str = ""
    target: str = ""

    def done(self, fault: str, target: str, action: Callable[[], T], *, at_once: bool = False) -> T:
        """Do *fault* to *target* by *action*, and note that it was injected; with *at_once*, that it is in effect too.

        At once means that *action* does not return before. Returns what *action* does.
        """
        self.fault, self.target = fault, target
        began = self.clock()
        result = action()
        self.happened("injected", began)
        if at_once:
            self.happened("effective", began)
        return result

    def happened(self, name: str, since: float) -> None:
        """Note that *name* happened between *since* and now."""
        self.instants[name] = Instant(since, self.clock())

    def observe(
        self, name: str, probe: Callable[[], T], *, until: Callable[[T], bool], within: timedelta, what: str
    ) -> T:
        """Return the first result of *probe* that satisfies *until*, and note *name*.

        It happened after the last look that did not see it began; where the first look saw it, after the last instant
        known before. Raises NotObserved.
        """
        began = last = max((known.earliest for known in self.instants.values()), default=self.clock())

        def look() -> T:
            nonlocal began, last
            last, began = began, self.clock()
            return probe()

        found = eventually(look, until=until, within=within, what=what)
        self.happened(name, last)
        return found

    def between(self, first: str, second: str) -> tuple[timedelta, timedelta]:
        """Return how long it was from *first* to *second*, and the error. Raises KeyError for what never was."""
        one, other = self.instants[first], self.instants[second]
        return timedelta(seconds=other.at - one.at), one.error + other.error

    def text(self) -> str:
        """Return the instants, one line each, counted from the injection."""
        start = self.instants["injected"].at if "injected" in self.instants else 0.0
        lines = (
            f"{name}: {instant.at - start:+.3f} s, error at most {instant.error.total_seconds():.3f} s"
            for name, instant in sorted(self.instants.items(), key=lambda entry: entry[1].at)
        )
        return "\n".join(lines)

    def tell(self, title: str) -> None:
        """Let the run keep the instants as evidence."""
        tell_document(title, self.text())
