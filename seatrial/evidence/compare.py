"""Two runs side by side: what passes no longer, what passes now, what is new, gone or much slower."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.audit import RunRecord, ScenarioRecord

_MUCH = 2.0
_NOTICEABLE = timedelta(seconds=5)


class Change(StrEnum):
    """What became of a scenario from one run to the next; each scenario of either run has exactly one."""

    NO_LONGER_PASSED = "no longer passed"
    OTHERWISE_NOT_PASSED = "not passed in another way"
    GONE = "gone"
    MUCH_SLOWER = "much slower"
    NEWLY_PASSED = "newly passed"
    NEW = "new"
    UNCHANGED = "unchanged"
    NOT_COMPARED = "not selected in both"


@dataclass(frozen=True)
class Difference:
    """A scenario in the run before and in this one; None where it is not in that run's list."""

    change: Change
    before: ScenarioRecord | None
    after: ScenarioRecord | None

    @property
    def name(self) -> str:
        """The scenario's name."""
        return (self.after or self.before or _NOBODY).name

    @property
    def file(self) -> str:
        """The feature file's path."""
        return (self.after or self.before or _NOBODY).file

    @property
    def text(self) -> str:
        """How it was and how it is, in a few words."""
        if self.before is None or self.after is None:
            only = self.after or self.before or _NOBODY
            return str(only.verdict)
        if self.change is Change.MUCH_SLOWER:
            return f"{_seconds(self.before)}, now {_seconds(self.after)}"
        return f"{self.before.verdict}, now {self.after.verdict}"


@dataclass(frozen=True)
class _Nobody:
    name: str = ""
    file: str = ""
    verdict: Verdict = Verdict.NOT_RUN


_NOBODY = _Nobody()


@dataclass(frozen=True)
class Changes:
    """The run *previous* and the one after it, scenario by scenario: those of this run, in its order, then the gone."""

    previous: RunRecord
    differences: tuple[Difference, ...]

    def counts(self) -> Mapping[Change, int]:
        """How many scenarios changed in each way; each way is present, and they add up to all scenarios."""
        found = Counter(difference.change for difference in self.differences)
        return {change: found[change] for change in Change}

    @property
    def worse(self) -> tuple[Difference, ...]:
        """What passed and does not any more, and what passed and is gone."""
        return tuple(
            one
            for one in self.differences
            if one.change is Change.NO_LONGER_PASSED
            or (one.change is Change.GONE and one.before is not None and one.before.verdict is Verdict.PASSED)
        )

    @property
    def changed(self) -> tuple[Difference, ...]:
        """All that is not as it was, the worst first."""
        order = list(Change)
        beside = (Change.UNCHANGED, Change.NOT_COMPARED)
        return tuple(
            sorted((one for one in self.differences if one.change not in beside), key=lambda d: order.index(d.change))
        )

    @property
    def words(self) -> str:
        """The counts in one line, such as "1 no longer passed, 20 unchanged"."""
        return ", ".join(f"{count} {change}" for change, count in self.counts().items() if count) or "no scenario"


def compare(previous: RunRecord, current: RunRecord) -> Changes:
    """Hold *current* against *previous*.

    A scenario is known again by its file and its name. One that either run was not asked for is not compared. Much
    slower is one that passed in both and took at least twice as long, and five seconds more.
    """
    before, after = _by_name(previous), _by_name(current)
    differences = [Difference(_change(before.get(key), now), before.get(key), now) for key, now in after.items()]
    differences += [
        Difference(Change.GONE if then.selected else Change.NOT_COMPARED, then, None)
        for key, then in before.items()
        if key not in after
    ]
    return Changes(previous, tuple(differences))


def _by_name(record: RunRecord) -> dict[tuple[str, str, int], ScenarioRecord]:
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for scenario in record.scenarios:
        name = (scenario.file, scenario.name)
        found[(*name, seen[name])] = scenario
        seen[name] += 1
    return found


def _change(before: ScenarioRecord | None, after: ScenarioRecord) -> Change:
    if before is None:
        return Change.NEW if after.selected else Change.NOT_COMPARED
    if not (before.selected and after.selected):
        return Change.NOT_COMPARED
    match before.verdict is Verdict.PASSED, after.verdict is Verdict.PASSED:
        case True, False:
            return Change.NO_LONGER_PASSED
        case False, True:
            return Change.NEWLY_PASSED
        case False, False:
            return Change.UNCHANGED if before.verdict is after.verdict else Change.OTHERWISE_NOT_PASSED
        case _:
            longer = after.duration - before.duration
            slow = longer >= _NOTICEABLE and after.duration >= _MUCH * before.duration
            return Change.MUCH_SLOWER if slow else Change.UNCHANGED


def _seconds(scenario: ScenarioRecord) -> str:
    return f"{scenario.duration.total_seconds():.1f} s"
