"""The records of a run: steps, scenarios, the run, and what they say about each requirement."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta  # noqa: TC003 (read at run time: the records are stored and read by their types)
from typing import TYPE_CHECKING

from seatrial.target import TruthLabel  # noqa: TC001 (the same)
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.requirements import Register, Requirement


@dataclass(frozen=True)
class StepRecord:
    """One sentence and how it went; *line* is its line in the feature file."""

    keyword: str
    text: str
    line: int
    verdict: Verdict
    duration: timedelta


@dataclass(frozen=True)
class ScenarioRecord:
    """One scenario and how it went.

    *file* is the feature file's path relative to where the run was started, *test* the id by which pytest knows the
    scenario. *requirements* are the ids it proves. *reason* says why the verdict is not passed. *artefacts* are paths
    relative to the run directory. A scenario that was not *selected* is listed all the same: it is not run, and the
    gate does not ask for it. *started* is None for what was not run.
    """

    feature: str
    file: str
    rule: str | None
    name: str
    line: int
    test: str
    tags: tuple[str, ...]
    requirements: tuple[str, ...]
    selected: bool
    verdict: Verdict
    reason: str | None
    started: datetime | None
    duration: timedelta
    steps: tuple[StepRecord, ...]
    artefacts: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """What a run says about one requirement; *verdict* None means that no scenario carries its id."""

    requirement: Requirement
    verdict: Verdict | None
    scenarios: tuple[ScenarioRecord, ...]

    @property
    def word(self) -> str:
        """The word a reader sees: proven, proven in part, failed, inconclusive, error, not run or not covered."""
        if self.verdict is None:
            return "not covered"
        if self.verdict is not Verdict.PASSED:
            return str(self.verdict)
        return "proven in part" if self.requirement.open else "proven"


@dataclass(frozen=True)
class RunRecord:
    """One run against one target; *ended* is None while it goes on, and for ever if it was killed."""

    id: str
    target: str
    label: TruthLabel
    started: datetime
    ended: datetime | None
    scenarios: tuple[ScenarioRecord, ...]

    @property
    def selected(self) -> tuple[ScenarioRecord, ...]:
        """The scenarios that this run was asked for."""
        return tuple(scenario for scenario in self.scenarios if scenario.selected)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the selected scenarios; a run that was broken off has not passed."""
        worst = Verdict.worst(scenario.verdict for scenario in self.selected)
        return Verdict.worst((worst, Verdict.INCONCLUSIVE)) if self.ended is None else worst

    def counts(self) -> Mapping[Verdict, int]:
        """How many selected scenarios have each verdict; each verdict is present, and they add up to all selected."""
        found = Counter(scenario.verdict for scenario in self.selected)
        return {verdict: found[verdict] for verdict in Verdict}

    def coverage(self, register: Register) -> tuple[Coverage, ...]:
        """What this run says about each requirement of *register*, in its order.

        A requirement is proven only if each scenario that carries its id was selected and passed, and in part only as
        long as the register names parts of it that no scenario looks at.
        """
        result = []
        for requirement in register:
            carrying = tuple(scenario for scenario in self.scenarios if requirement.id in scenario.requirements)
            verdict = Verdict.worst(scenario.verdict for scenario in carrying) if carrying else None
            result.append(Coverage(requirement, verdict, carrying))
        return tuple(result)
