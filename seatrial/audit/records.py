"""The records of a run: steps, scenarios, the run, and what they say about each requirement.

Nothing here decides a verdict by itself: each is made from the events of the journal (`seatrial.audit.replay`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 (read at run time: the records are written out by their types)
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatrial.requirements import Register, Requirement
from seatrial.truth import TruthLabel
from seatrial.verdict import Missing, Verdict

# The tag of a scenario that a person answers, and for how long a waiver can be given at most.
MANUAL = "manual"
LONGEST_WAIVER = timedelta(days=180)


@dataclass(frozen=True)
class ArtefactRecord:
    """A file that was kept: its *path* below the run directory, its digest, its size in bytes, and what it is."""

    path: str
    sha256: str
    size: int
    title: str


@dataclass(frozen=True)
class JudgementRecord:
    """What was measured against an objective, and the file it can be measured from again.

    *objective* is ``success`` (*observed* and *required* are shares) or ``latency`` (they are seconds, at the quantile
    *share*). *record* is the path of the raw record. *required* and *observed* are compared at-least for success and
    at-most for latency.
    """

    objective: str
    share: float | None
    required: float
    observed: float
    samples: int
    met: bool
    record: str


@dataclass(frozen=True)
class CommandRecord:
    """A command line that was run: its words, its exit code (None when it did not end by itself), and how long."""

    words: tuple[str, ...]
    code: int | None
    started: datetime
    duration: timedelta


@dataclass(frozen=True)
class StepRecord:
    """One sentence and how it went; *line* is its line in the feature file.

    *started* is None for a step that was not reached.
    """

    keyword: str
    text: str
    line: int
    verdict: Verdict
    duration: timedelta
    started: datetime | None = None
    judgements: tuple[JudgementRecord, ...] = ()
    commands: tuple[CommandRecord, ...] = ()


@dataclass(frozen=True)
class FeatureRecord:
    """A feature file as it stood when the run began: its path as in its scenarios, and its *text*."""

    file: str
    text: str


@dataclass(frozen=True)
class Waiver:
    """Why a scenario that does not pass may be lived with, who decided it, and until when (that day included)."""

    reason: str
    owner: str
    expiry: str


@dataclass(frozen=True)
class Answer:
    """What a person found who looked at what no machine can: the verdict, who, when, for which version, until when.

    *evidence* is the path of the file that shows it, below the run directory. After *expiry* it answers nothing.
    """

    verdict: Verdict
    person: str
    date: str
    version: str
    expiry: str
    evidence: str


@dataclass(frozen=True)
class ScenarioRecord:
    """One scenario and how it went.

    *file* is the feature file's path relative to where the run was started, *test* the id by which pytest knows the
    scenario. *requirements* are the ids it proves. *reason* says why the verdict is not passed. *artefacts* were kept
    because of it. A scenario that was not *selected* is listed all the same: it is not run, and the gate does not ask
    for it. *started* is None for what was not run. *waiver* lets the gate pass over a verdict that it does not change.
    *missing* says which kinds of evidence an inconclusive verdict lacks, where that was told. *label* is set where it
    was observed on something less like production than the run's target.
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
    artefacts: tuple[ArtefactRecord, ...]
    waiver: Waiver | None = None
    answer: Answer | None = None
    missing: tuple[Missing, ...] = ()
    label: TruthLabel | None = None

    @property
    def id(self) -> str:
        """What it is called by in files that outlive a run: its feature file and its name."""
        return f"{self.file}::{self.name}"

    @property
    def waiver_unused(self) -> bool:
        """Whether it passed although it is waived: the waiver has to go."""
        return self.verdict.opens_gate and self.waiver is not None

    @property
    def opens_gate(self) -> bool:
        """Whether a gate may let this through: it passed, or somebody answers for it; not both."""
        return self.verdict.opens_gate is (self.waiver is None)


@dataclass(frozen=True)
class BaselineComparison:
    """A run held against the baseline of the run with the id *run*; *baseline* is that file's digest.

    Each sentence says one difference: what is *worse*, what is *better*, and what is *otherwise* than it was.
    """

    baseline: str
    run: str
    worse: tuple[str, ...]
    better: tuple[str, ...]
    otherwise: tuple[str, ...]


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
    """One run against one target; *ended* is None while it goes on, and for ever if it was killed.

    *environment* says what it ran on and with, *register* the requirements as they stood then, *artefacts* what was
    kept for the run as a whole, *commands* the command lines that belong to no step.
    """

    id: str
    target: str
    label: TruthLabel
    started: datetime
    ended: datetime | None
    scenarios: tuple[ScenarioRecord, ...]
    register: Register = field(default_factory=lambda: Register(()))
    environment: Mapping[str, str] = field(default_factory=dict)
    artefacts: tuple[ArtefactRecord, ...] = ()
    commands: tuple[CommandRecord, ...] = ()
    comparison: BaselineComparison | None = None
    features: tuple[FeatureRecord, ...] = ()

    @property
    def selected(self) -> tuple[ScenarioRecord, ...]:
        """The scenarios that this run was asked for."""
        return tuple(scenario for scenario in self.scenarios if scenario.selected)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the selected scenarios; a run that was broken off has not passed."""
        worst = Verdict.worst(scenario.verdict for scenario in self.selected)
        return Verdict.worst((worst, Verdict.INCONCLUSIVE)) if self.ended is None else worst

    @property
    def opens_gate(self) -> bool:
        """Whether a gate may let this run through: it came to its end, and each scenario passed or is answered for."""
        return self.ended is not None and bool(self.selected) and all(one.opens_gate for one in self.selected)

    @property
    def ends_well(self) -> bool:
        """Whether a pipeline may go on: the gate opens or, held against a baseline, nothing is worse.

        Neither changes a verdict. A waiver that nothing needs stops it in any case.
        """
        if self.comparison is None:
            return self.opens_gate
        unused = any(scenario.waiver_unused for scenario in self.selected)
        return self.ended is not None and bool(self.selected) and not self.comparison.worse and not unused

    def labels_of(self, entry: Coverage) -> tuple[TruthLabel, ...]:
        """What the scenarios of *entry* were observed on, each once, the least like production first."""
        found = {scenario.label or self.label for scenario in entry.scenarios}
        return tuple(label for label in TruthLabel if label in found)

    def counts(self) -> Mapping[Verdict, int]:
        """How many selected scenarios have each verdict; each verdict is present, and they add up to all selected."""
        found = Counter(scenario.verdict for scenario in self.selected)
        return {verdict: found[verdict] for verdict in Verdict}

    def coverage(self) -> tuple[Coverage, ...]:
        """What this run says about each requirement of its register, in its order.

        A requirement is proven only if each scenario that carries its id was selected and passed, and in part only as
        long as the register names parts of it that no scenario looks at.
        """
        result = []
        for requirement in self.register:
            carrying = tuple(scenario for scenario in self.scenarios if requirement.id in scenario.requirements)
            verdict = Verdict.worst(scenario.verdict for scenario in carrying) if carrying else None
            result.append(Coverage(requirement, verdict, carrying))
        return tuple(result)
