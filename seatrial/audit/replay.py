"""From a journal's events to what the run came to: every verdict is made here, and nowhere else.

The recording of a run feeds its events through this as it writes them, and a verifier feeds the same events through it
again: both see the same verdicts, or the verifier says where they part.

What the events tell: ``run started`` (id, target, label, environment), ``requirement listed``, ``feature listed``,
``scenario listed``, ``scenario started``, ``steps listed``, ``step started``, ``step ended``, ``judged``, ``command``,
``kept`` (an artefact), ``labelled`` (observed on less than the run's target), ``phase ended`` (set-up, call or
clean-up), ``scenario ended``, ``waived``, ``answered``, ``compared`` (with a baseline) and ``run ended``. Those that
tell an end also claim a verdict; a claim that does not follow from what went before makes the journal inconsistent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from seatrial.audit.records import (
    LONGEST_WAIVER,
    MANUAL,
    Answer,
    ArtefactRecord,
    BaselineComparison,
    CommandRecord,
    FeatureRecord,
    JudgementRecord,
    RunRecord,
    ScenarioRecord,
    StepRecord,
    Waiver,
)
from seatrial.requirements import Register, Requirement
from seatrial.truth import TruthLabel
from seatrial.verdict import Missing, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from seatrial.audit.journal import Event

FORMAT = "seatrial-run/1"
_PHASES = ("setup", "call", "teardown")


class Inconsistent(Exception):
    """Event *number* cannot follow what was told before it, or claims what does not follow; *why* says which."""

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        self.why = why
        super().__init__(f"event {number}: {why}")


class _Unfit(Exception):
    """An event does not fit; the number is added by whoever read it."""


@dataclass
class _Step:
    """A step as far as it has been told."""

    keyword: str
    text: str
    line: int
    verdict: Verdict = Verdict.NOT_RUN
    duration: timedelta = timedelta(0)
    started: datetime | None = None
    judgements: list[JudgementRecord] = field(default_factory=list)
    commands: list[CommandRecord] = field(default_factory=list)

    def closed(self) -> StepRecord:
        """Return its record as things stand."""
        return StepRecord(
            self.keyword,
            self.text,
            self.line,
            self.verdict,
            self.duration,
            self.started,
            tuple(self.judgements),
            tuple(self.commands),
        )


@dataclass
class _Scenario:
    """A scenario as far as it has been told."""

    record: ScenarioRecord
    steps: list[_Step] = field(default_factory=list)
    now: int | None = None
    phases: dict[str, Verdict] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    artefacts: list[ArtefactRecord] = field(default_factory=list)
    ended: datetime | None = None
    expired: bool = False

    @property
    def verdict(self) -> Verdict:
        """What follows from what was told: passed only if each step, each phase and the clean-up were seen to pass."""
        if self.record.answer is not None:
            return Verdict.NOT_RUN if self.expired else self.record.answer.verdict
        if self.record.started is None:
            return Verdict.NOT_RUN
        if self.ended:
            return self.at_end
        return Verdict.worst((*self.phases.values(), Verdict.INCONCLUSIVE))

    @property
    def at_end(self) -> Verdict:
        """What follows if nothing more happens than that it ends."""
        known = Verdict.worst(self.phases.values())
        if "teardown" not in self.phases:
            return Verdict.worst((known, Verdict.INCONCLUSIVE))
        # Whatever a phase says, steps that did not all pass have not shown that the scenario is true.
        return known if known is not Verdict.PASSED else Verdict.worst(step.verdict for step in self.steps)

    def closed(self) -> ScenarioRecord:
        """Return its record as things stand."""
        verdict = self.verdict
        reasons = list(self.reasons)
        if self.record.selected and MANUAL in self.record.tags and verdict is not Verdict.PASSED:
            reasons.append(_said(self.record.answer, expired=self.expired))
        if self.record.started is not None and self.ended is None:
            reasons.append("interrupted before its end")
        elif verdict is Verdict.NOT_RUN and self.record.started is not None and not reasons:
            reasons.append("no step was run" if not self.steps else "not every step was run")
        return replace(
            self.record,
            verdict=verdict,
            reason="\n".join(reasons) or self.record.reason,
            duration=self.ended - self.record.started if self.ended and self.record.started else timedelta(0),
            steps=tuple(step.closed() for step in self.steps),
            artefacts=tuple(self.artefacts),
            missing=tuple(self.missing),
        )


@dataclass(frozen=True)
class _Run:
    id: str
    target: str
    label: TruthLabel
    started: datetime
    environment: Mapping[str, str]


class Replay:
    """A run as its events tell it, one after the other."""

    def __init__(self) -> None:
        self._run: _Run | None = None
        self._ended: datetime | None = None
        self._requirements: list[Requirement] = []
        self._features: list[FeatureRecord] = []
        self._scenarios: list[_Scenario] = []
        self._artefacts: list[ArtefactRecord] = []
        self._commands: list[CommandRecord] = []
        self._comparison: BaselineComparison | None = None
        self._take: Mapping[str, Callable[[Event], None]] = {
            "run started": self._run_started,
            "requirement listed": self._requirement_listed,
            "feature listed": self._feature_listed,
            "scenario listed": self._scenario_listed,
            "scenario started": self._scenario_started,
            "steps listed": self._steps_listed,
            "step started": self._step_started,
            "step ended": self._step_ended,
            "judged": self._judged,
            "command": self._command,
            "kept": self._kept,
            "labelled": self._labelled,
            "phase ended": self._phase_ended,
            "scenario ended": self._scenario_ended,
            "waived": self._waived,
            "answered": self._answered,
            "compared": self._compared,
            "run ended": self._run_ended,
        }

    @classmethod
    def of(cls, events: Iterable[Event]) -> Replay:
        """Take all *events*; raises Inconsistent."""
        replay = cls()
        for event in events:
            replay.take(event)
        return replay

    def take(self, event: Event) -> None:
        """Take one event; raises Inconsistent when it does not fit."""
        try:
            self._check_place(event)
            self._take[event.kind](event)
        except _Unfit as problem:
            raise Inconsistent(event.number, str(problem)) from None
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise Inconsistent(event.number, f"{event.kind!r} lacks or misstates {problem}") from problem

    def _check_place(self, event: Event) -> None:
        if event.kind not in self._take:
            raise _Unfit(f"events of the kind {event.kind!r} are unknown")
        if self._ended is not None:
            raise _Unfit(f"{event.kind!r} is told after the run has ended")
        if (self._run is None) != (event.kind == "run started"):
            raise _Unfit("a run starts once, and before all else")

    @property
    def record(self) -> RunRecord:
        """The run as far as it has been told; raises LookupError before it has started."""
        if self._run is None:
            raise LookupError("no event of this run has been told")
        return RunRecord(
            id=self._run.id,
            target=self._run.target,
            label=self._run.label,
            started=self._run.started,
            ended=self._ended,
            scenarios=tuple(scenario.closed() for scenario in self._scenarios),
            register=Register(tuple(self._requirements)),
            environment=self._run.environment,
            artefacts=tuple(self._artefacts),
            commands=tuple(self._commands),
            comparison=self._comparison,
            features=tuple(self._features),
        )

    @property
    def _today(self) -> date:
        """The day on which the run started, which waivers and answers are held against."""
        if self._run is None:
            raise LookupError("no event of this run has been told")
        return self._run.started.date()

    def scenario(self, number: int) -> ScenarioRecord:
        """Return scenario *number* (from 0, in the order of listing) as far as it has been told."""
        return self._scenarios[number].closed()

    def verdict_if_ended(self, number: int) -> Verdict:
        """Return the verdict on scenario *number* if nothing more happened than that it ended."""
        return self._scenarios[number].at_end

    def _run_started(self, event: Event) -> None:
        data = event.data
        if data["format"] != FORMAT:
            raise _Unfit(f"the format {data['format']!r} is not {FORMAT!r}")
        environment = {str(key): str(value) for key, value in _mapping(data["environment"]).items()}
        self._run = _Run(
            str(data["run"]),
            str(data["target"]),
            TruthLabel(str(data["label"])),
            event.at,
            environment,
        )

    def _requirement_listed(self, event: Event) -> None:
        data = event.data
        self._requirements.append(
            Requirement(str(data["id"]), str(data["sentence"]), str(data["source"]), str(data["open"]))
        )

    def _feature_listed(self, event: Event) -> None:
        self._features.append(FeatureRecord(str(event.data["file"]), str(event.data["text"])))

    def _scenario_listed(self, event: Event) -> None:
        data = event.data
        selected = _boolean(data["selected"])
        rule = data["rule"]
        self._scenarios.append(
            _Scenario(
                ScenarioRecord(
                    feature=str(data["feature"]),
                    file=str(data["file"]),
                    rule=None if rule is None else str(rule),
                    name=str(data["name"]),
                    line=_integer(data["line"]),
                    test=str(data["test"]),
                    tags=_words(data["tags"]),
                    requirements=_words(data["requirements"]),
                    selected=selected,
                    verdict=Verdict.NOT_RUN,
                    reason=None if selected else "not selected",
                    started=None,
                    duration=timedelta(0),
                    steps=(),
                    artefacts=(),
                )
            )
        )

    def _of(self, event: Event) -> _Scenario:
        """Return the scenario that *event* is about."""
        number = _integer(event.data["scenario"])
        if not 0 <= number < len(self._scenarios):
            raise _Unfit(f"there is no scenario {number}")
        return self._scenarios[number]

    def _open(self, event: Event) -> _Scenario:
        """Return the scenario that *event* is about, which is under way."""
        found = self._of(event)
        if found.record.started is None or found.ended is not None:
            raise _Unfit(f"{event.kind!r} is told of a scenario that is not under way")
        return found

    def _scenario_started(self, event: Event) -> None:
        found = self._of(event)
        if found.record.started is not None or not found.record.selected or MANUAL in found.record.tags:
            raise _Unfit("this scenario was not to be started, or was before")
        found.record = replace(found.record, started=event.at)

    def _steps_listed(self, event: Event) -> None:
        found = self._open(event)
        if found.steps:
            raise _Unfit("the steps of a scenario are listed once")
        found.steps = [
            _Step(str(step["keyword"]), str(step["text"]), _integer(step["line"]))
            for step in _list(event.data["steps"])
        ]

    def _step_started(self, event: Event) -> None:
        found = self._open(event)
        number = _integer(event.data["step"])
        if found.now is not None or found.steps[number].started is not None or number < 0:
            raise _Unfit("a step starts once, after the one before it has ended")
        found.steps[number].started = event.at
        found.now = number

    def _step_ended(self, event: Event) -> None:
        found = self._open(event)
        if found.now is None:
            raise _Unfit("no step is under way")
        step = found.steps[found.now]
        verdict = Verdict(str(event.data["verdict"]))
        if verdict is Verdict.PASSED and not all(judgement.met for judgement in step.judgements):
            raise _Unfit("a step in which an objective was missed is said to have passed")
        step.verdict = verdict
        step.duration = event.at - step.started if step.started else timedelta(0)
        found.now = None

    def _judged(self, event: Event) -> None:
        found = self._open(event)
        if found.now is None:
            raise _Unfit("something was judged outside of all steps")
        data = event.data
        share = data["share"]
        judgement = JudgementRecord(
            objective=str(data["objective"]),
            share=None if share is None else _number(share),
            required=_number(data["required"]),
            observed=_number(data["observed"]),
            samples=_integer(data["samples"]),
            met=_boolean(data["met"]),
            record=str(data["record"]),
        )
        found.steps[found.now].judgements.append(judgement)

    def _command(self, event: Event) -> None:
        data = event.data
        duration = timedelta(seconds=_number(data["seconds"]))
        code = data["code"]
        command = CommandRecord(
            _words(data["words"]), None if code is None else _integer(code), event.at - duration, duration
        )
        found = None if data["scenario"] is None else self._open(event)
        if found is None or found.now is None:
            self._commands.append(command)
        else:
            found.steps[found.now].commands.append(command)

    def _kept(self, event: Event) -> None:
        data = event.data
        artefact = ArtefactRecord(str(data["path"]), str(data["sha256"]), _integer(data["size"]), str(data["title"]))
        (self._artefacts if data["scenario"] is None else self._of(event).artefacts).append(artefact)

    def _labelled(self, event: Event) -> None:
        found = self._open(event)
        label = TruthLabel(str(event.data["label"]))
        if found.record.label is not None and not label.is_less_than(found.record.label):
            raise _Unfit("a scenario is told to rest on more than was told before")
        found.record = replace(found.record, label=label)

    def _phase_ended(self, event: Event) -> None:
        found = self._open(event)
        phase = str(event.data["phase"])
        if phase not in _PHASES or phase in found.phases or found.now is not None:
            raise _Unfit(f"the phase {phase!r} is unknown, told twice, or ends within a step")
        verdict = found.phases[phase] = Verdict(str(event.data["verdict"]))
        if "missing" in event.data:
            if verdict is not Verdict.INCONCLUSIVE:
                raise _Unfit("evidence is said to be missing, but the verdict does not rest on that")
            found.missing.append(Missing(str(event.data["missing"])))
        found.reasons += _words(event.data["reasons"])

    def _scenario_ended(self, event: Event) -> None:
        found = self._open(event)
        if "teardown" not in found.phases:
            raise _Unfit("a scenario ends after its clean-up, which was not told of")
        found.ended = event.at
        _compare("the scenario", event, found.verdict)

    def _waived(self, event: Event) -> None:
        found = self._of(event)
        data = event.data
        waiver = Waiver(str(data["reason"]), str(data["owner"]), str(data["expiry"]))
        if not found.record.selected or found.record.waiver is not None:
            raise _Unfit("a waiver is given once, for a scenario that was selected")
        if not timedelta(0) <= date.fromisoformat(waiver.expiry) - self._today <= LONGEST_WAIVER:
            raise _Unfit(f"a waiver is used that had expired or holds for more than {LONGEST_WAIVER.days} days")
        found.record = replace(found.record, waiver=waiver)

    def _answered(self, event: Event) -> None:
        found = self._of(event)
        data = event.data
        answer = Answer(
            Verdict(str(data["verdict"])),
            str(data["person"]),
            str(data["date"]),
            str(data["version"]),
            str(data["expiry"]),
            str(data["evidence"]),
        )
        if not found.record.selected or MANUAL not in found.record.tags or found.record.answer is not None:
            raise _Unfit("an answer is given once, to a scenario for persons that was selected")
        if answer.verdict not in (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE):
            raise _Unfit(f"a person cannot answer {str(answer.verdict)!r}")
        if answer.evidence not in [artefact.path for artefact in found.artefacts]:
            raise _Unfit("an answer's evidence was not kept")
        if date.fromisoformat(answer.date) > self._today:
            raise _Unfit("an answer is of a day to come")
        found.record = replace(found.record, answer=answer)
        found.expired = date.fromisoformat(answer.expiry) < self._today

    def _compared(self, event: Event) -> None:
        data = event.data
        comparison = BaselineComparison(
            str(data["baseline"]),
            str(data["run"]),
            _words(data["worse"]),
            _words(data["better"]),
            _words(data["otherwise"]),
        )
        if self._comparison is not None:
            raise _Unfit("a run is compared with one baseline")
        if comparison.baseline not in [artefact.sha256 for artefact in self._artefacts]:
            raise _Unfit("the baseline was not kept")
        self._comparison = comparison

    def _run_ended(self, event: Event) -> None:
        self._ended = event.at
        _compare("the run", event, self.record.verdict)


def _said(answer: Answer | None, *, expired: bool) -> str:
    """What there is to say of a scenario that a person answers."""
    if answer is None:
        return "nobody has answered it"
    if expired:
        return f"the answer of {answer.person}, of {answer.date}, expired after {answer.expiry}"
    return f"{answer.person} found it {answer.verdict} on {answer.date}, looking at {answer.version}"


def _compare(what: str, event: Event, derived: Verdict) -> None:
    claimed = str(event.data["verdict"])
    if claimed != derived:
        raise _Unfit(f"{what} is said to be {claimed!r}, but what was told before makes it {str(derived)!r}")


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"a whole number, not {value!r}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"a number, not {value!r}")
    return float(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false, not {value!r}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list, not {value!r}")
    return value


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word) for word in _list(value))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"an object, not {value!r}")
    return value
