"""The ratchet: what a run came to, kept in a file, so that later runs may be as bad but no worse."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from seatrial.audit.records import BaselineComparison
from seatrial.errors import UsageError
from seatrial.truth import TruthLabel  # noqa: TC001 (pydantic reads annotations at run time)
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from seatrial.audit import JudgementRecord, RunRecord, ScenarioRecord

FORMAT: Literal["seatrial-baseline/1"] = "seatrial-baseline/1"
# Up to this much, two measurements of the same thing differ by themselves: a share, and a part of a duration.
SHARE_TOLERANCE = 0.001
LATENCY_TOLERANCE = 0.2

_NOT_COVERED = "not covered"
# From best to worst; of what is not covered, a baseline knows nothing.
Word = Literal["proven", "proven in part", "not run", "inconclusive", "error", "failed"]
_WORDS: tuple[str, ...] = get_args(Word)
_PROVEN = _WORDS[:2]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Scenario(_Strict):
    """A scenario that was selected: its verdict, and the ids of the requirements it proves."""

    verdict: Verdict
    requirements: tuple[str, ...]


class Objective(_Strict):
    """An objective that was judged in *scenario*; the *number*-th (from 1) of its kind there."""

    scenario: str
    objective: str
    share: float | None
    number: int
    required: float
    observed: float
    met: bool

    @property
    def key(self) -> tuple[str, str, float | None, int]:
        """What it is known again by."""
        return self.scenario, self.objective, self.share, self.number

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        what = "success" if self.share is None else f"latency at {self.share:.2%}"
        which = "" if self.number == 1 else f" ({self.number})"
        return f"{self.scenario}: the objective for {what}{which}"

    def worsening(self, before: Objective) -> float:
        """By how much it was observed worse than *before*, in units of what is tolerated; negative if better."""
        if self.objective == "success":
            return (before.observed - self.observed) / SHARE_TOLERANCE
        return (self.observed - before.observed) / (LATENCY_TOLERANCE * max(before.observed, 1e-9))

    def easier(self, before: Objective) -> bool:
        """Whether less is required than *before*."""
        if self.objective == "success":
            return self.required < before.required
        return self.required > before.required

    def amount(self, value: float) -> str:
        """Return *value* with its unit."""
        return f"{value:.3%}" if self.objective == "success" else f"{value * 1000:.4g} ms"


class Baseline(_Strict):
    """What the run with the id *run* came to."""

    format: Literal["seatrial-baseline/1"]
    run: str
    target: str
    label: TruthLabel
    scenarios: dict[str, Scenario]
    requirements: dict[str, Word]
    objectives: tuple[Objective, ...]


@dataclass(frozen=True)
class BaselineFile:
    """A baseline as it was read, byte by byte."""

    file: Path
    content: bytes
    baseline: Baseline

    @property
    def sha256(self) -> str:
        """The file's digest."""
        return hashlib.sha256(self.content).hexdigest()


def baseline_of(record: RunRecord) -> Baseline:
    """Return what *record* came to; raises UsageError for a run that did not end, or of which nothing was selected."""
    if record.ended is None or not record.selected:
        raise UsageError(f"The run {record.id} did not come to its end, so it sets no baseline: choose one that did.")
    return Baseline(
        format=FORMAT,
        run=record.id,
        target=record.target,
        label=record.label,
        scenarios=_scenarios(record),
        requirements={entry.requirement.id: cast("Word", entry.word) for entry in record.coverage() if entry.scenarios},
        objectives=_objectives(record),
    )


def write_baseline(record: RunRecord, file: Path) -> None:
    """Write the baseline that *record* sets to *file*; raises UsageError as baseline_of does, or if it cannot be."""
    text = json.dumps(baseline_of(record).model_dump(mode="json"), indent=2, ensure_ascii=True) + "\n"
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The baseline {file} cannot be written ({error.strerror}): choose another place.") from error


def read_baseline(file: Path) -> BaselineFile:
    """Read a baseline; raises UsageError if *file* is missing or is none."""
    advice = "write one with seatrial baseline --output"
    try:
        content = file.read_bytes()
        return BaselineFile(file, content, Baseline.model_validate_json(content))
    except OSError as error:
        raise UsageError(f"The baseline {file} cannot be read ({error.strerror}): {advice}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = " ".join(f"{where} {first['msg']}".split())
        raise UsageError(f"{file} is no baseline ({what}): {advice}.") from error


def check_label(known: BaselineFile, label: TruthLabel) -> None:
    """Raise UsageError unless the baseline was set on the same kind of target, which has *label*."""
    if known.baseline.label is not label:
        raise UsageError(
            f"The baseline {known.file} was set on {known.baseline.label} and this run is on {label}, which cannot be"
            " compared: give a baseline of the same kind of target."
        )


@dataclass
class _Differences:
    worse: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)


def compare_with(known: BaselineFile, record: RunRecord, existing: Container[str]) -> BaselineComparison:
    """Hold *record* against a baseline; *existing* are the ids of the scenarios that the features hold now.

    Only what was selected is compared. A waived scenario makes nothing worse.
    """
    before = known.baseline
    found = _Differences()
    _compare_scenarios(before, record, existing, found)
    _compare_requirements(before, record, existing, found)
    _compare_objectives(before, record, found)
    return BaselineComparison(known.sha256, before.run, tuple(found.worse), tuple(found.better), tuple(found.otherwise))


def _compare_scenarios(before: Baseline, record: RunRecord, existing: Container[str], found: _Differences) -> None:
    now = _scenarios(record)
    waived = {scenario.id for scenario in record.selected if scenario.waiver is not None}
    listed = {scenario.id for scenario in record.scenarios}
    for identifier, then in before.scenarios.items():
        if identifier not in listed and identifier not in existing:
            found.worse.append(f"{identifier} was {then.verdict} and is gone")
    for identifier, scenario in now.items():
        known = before.scenarios.get(identifier)
        was, verdict = known.verdict if known else None, scenario.verdict
        if was is verdict:
            continue
        sentence = f"{identifier} was {was} and is now {verdict}" if was else f"{identifier} is new and {verdict}"
        if verdict is Verdict.PASSED:
            found.better.append(sentence)
        elif identifier in waived:
            found.otherwise.append(f"{sentence}, which is waived")
        elif was is None or verdict is Verdict.NOT_RUN or Verdict.worst((was, verdict)) is verdict:
            # That nobody looks any more is worse than whatever was seen.
            found.worse.append(sentence)
        else:
            found.otherwise.append(sentence)


def _compare_requirements(before: Baseline, record: RunRecord, existing: Container[str], found: _Differences) -> None:
    selected = {scenario.id for scenario in record.selected}
    waived = {scenario.id for scenario in record.selected if scenario.waiver is not None}
    now = {entry.requirement.id: entry for entry in record.coverage()}
    left_out = {
        requirement
        for identifier, scenario in before.scenarios.items()
        if identifier not in selected and identifier in existing
        for requirement in scenario.requirements
    } | {requirement for one in record.scenarios if not one.selected for requirement in one.requirements}
    for identifier in dict.fromkeys([*before.requirements, *now]):
        was = before.requirements.get(identifier, _NOT_COVERED)
        entry = now.get(identifier)
        word = entry.word if entry else _NOT_COVERED
        if was == word or identifier in left_out:
            continue
        sentence = f"requirement {identifier} was {was} and is now {word}"
        not_passed = {one.id for one in entry.scenarios if not one.verdict.opens_gate} if entry else set()
        if word in _PROVEN and (was not in _PROVEN or _WORDS.index(word) < _WORDS.index(was)):
            found.better.append(sentence)
        elif not_passed and not_passed <= waived:
            found.otherwise.append(f"{sentence}, which is waived")
        elif word == _NOT_COVERED or (was != _NOT_COVERED and _WORDS.index(word) > _WORDS.index(was)):
            found.worse.append(sentence)
        else:
            found.otherwise.append(sentence)


def _compare_objectives(before: Baseline, record: RunRecord, found: _Differences) -> None:
    now = {objective.key: objective for objective in _objectives(record)}
    by_id = {scenario.id: scenario for scenario in record.selected}
    for was in before.objectives:
        scenario = by_id.get(was.scenario)
        if scenario is None:
            continue
        worse = found.otherwise if scenario.waiver is not None else found.worse
        objective = now.get(was.key)
        if objective is None:
            # Where the scenario did not come that far, its verdict has said so.
            if scenario.verdict is Verdict.PASSED:
                worse.append(f"{was.name} is not judged any more")
            continue
        _compare_objective(was, objective, worse, found)


def _compare_objective(was: Objective, objective: Objective, worse: list[str], found: _Differences) -> None:
    if objective.easier(was):
        required = f"{was.amount(was.required)} was required and now only {was.amount(objective.required)}"
        worse.append(f"{was.name} is easier: {required}")
    observed = f"{was.amount(was.observed)} was observed and now {was.amount(objective.observed)}"
    worsening = objective.worsening(was)
    if was.met and not objective.met:
        worse.append(f"{was.name} was met and is now missed: {observed}")
    elif objective.met and not was.met:
        found.better.append(f"{was.name} was missed and is now met: {observed}")
    elif worsening > 1 and objective.met:
        found.otherwise.append(f"{was.name} is still met, less well: {observed}")
    elif worsening > 1:
        worse.append(f"{was.name} is missed by more: {observed}")
    elif worsening < -1:
        found.better.append(f"{was.name} is {'met better' if objective.met else 'missed by less'}: {observed}")


def _scenarios(record: RunRecord) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    for scenario in record.selected:
        verdicts = [scenario.verdict]
        if scenario.id in found:  # rows that read alike: as good as the worst of them
            verdicts.append(found[scenario.id].verdict)
        found[scenario.id] = Scenario(verdict=Verdict.worst(verdicts), requirements=scenario.requirements)
    return found


def _objectives(record: RunRecord) -> tuple[Objective, ...]:
    counts: Counter[tuple[str, str, float | None]] = Counter()
    found = []
    for scenario in record.selected:
        for judgement in _judgements(scenario):
            kind = (scenario.id, judgement.objective, judgement.share)
            counts[kind] += 1
            found.append(
                Objective(
                    scenario=scenario.id,
                    objective=judgement.objective,
                    share=judgement.share,
                    number=counts[kind],
                    required=judgement.required,
                    observed=judgement.observed,
                    met=judgement.met,
                )
            )
    return tuple(found)


def _judgements(scenario: ScenarioRecord) -> tuple[JudgementRecord, ...]:
    return tuple(judgement for step in scenario.steps for judgement in step.judgements)
