"""Recording a run as pytest reports it: what each phase and step came to, and what could be collected about it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from seatrial.evidence.records import RunRecord, ScenarioRecord, StepRecord
from seatrial.evidence.store import RunDirectory
from seatrial.requirements import register
from seatrial.verdict import Inconclusive, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_bdd.parser import Scenario, ScenarioTemplate, Step

    from seatrial.target import Target

    Collect = Callable[[Path], Iterable[Path]]

_BETWEEN_WRITES = timedelta(seconds=1)


def template_of(item: pytest.Item) -> ScenarioTemplate | None:
    """Return the scenario that *item* runs; None if it is a test of another kind."""
    function = getattr(item, "obj", None)
    try:
        return scenario_wrapper_template_registry.get(function) if function is not None else None
    except TypeError:  # not everything can be referred to weakly, but each scenario can
        return None


def verdict_of(error: BaseException | None, *, when: str) -> Verdict:
    """Return what *error* makes of the phase *when* (setup, call or teardown) of a scenario; no error, passed.

    Only an assertion says that something was observed to be false; any other error means that the check itself broke.
    """
    match error:
        case None:
            return Verdict.PASSED
        case Inconclusive() | KeyboardInterrupt():
            return Verdict.INCONCLUSIVE
        case pytest.skip.Exception():
            return Verdict.NOT_RUN
        case AssertionError() | pytest.fail.Exception() if when == "call":
            return Verdict.FAILED
        case _:
            return Verdict.ERROR


@dataclass
class _Open:
    """A scenario that is not over yet."""

    folder: Path
    record: ScenarioRecord
    steps: list[StepRecord] = field(default_factory=list)
    now: tuple[int, float] | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    artefacts: list[Path] = field(default_factory=list)
    clock: float = 0.0

    def end_step(self, verdict: Verdict) -> None:
        """Note that the step under way, if one is, ended with *verdict*."""
        if self.now is not None:
            number, began = self.now
            self.now = None
            duration = timedelta(seconds=time.monotonic() - began)
            self.steps[number] = replace(self.steps[number], verdict=verdict, duration=duration)


class Recording:
    """The record of one run, as it grows."""

    def __init__(self, directory: RunDirectory, record: RunRecord, opened: dict[str, _Open]) -> None:
        self.directory = directory
        self.record = record
        self._open = opened
        self._place = {scenario.test: number for number, scenario in enumerate(record.scenarios)}
        self._written = 0.0

    @classmethod
    def start(
        cls, runs: Path, target: Target, selected: Sequence[pytest.Item], left_out: Sequence[pytest.Item], root: Path
    ) -> Recording:
        """Open a run directory below *runs*; each scenario is in the record from the start, as not run."""
        started = datetime.now(UTC)
        directory = RunDirectory.create(runs, started)
        known = [_unrun(item, root, selected=True) for item in selected]
        others = [_unrun(item, root, selected=False) for item in left_out]
        opened = {
            record.test: _Open(directory.scenario_folder(number, record.name), record)
            for number, record in enumerate(known, start=1)
        }
        record = RunRecord(directory.id, target.name, target.label, started, None, (*known, *others))
        recording = cls(directory, record, opened)
        recording._write()
        return recording

    def knows(self, item: pytest.Item) -> bool:
        """Whether *item* is one of the scenarios of this run that are not over yet."""
        return item.nodeid in self._open

    def begin(self, item: pytest.Item) -> None:
        """Note that *item* begins."""
        here = self._open[item.nodeid]
        here.clock = time.monotonic()
        here.record = replace(here.record, started=datetime.now(UTC))

    def begin_steps(self, item: pytest.Item, scenario: Scenario) -> None:
        """Note the steps that *item* is going to take; each is not run until it was."""
        here = self._open[item.nodeid]
        here.steps = [
            StepRecord(step.keyword, step.name, step.line_number, Verdict.NOT_RUN, timedelta(0))
            for step in scenario.steps
        ]

    def begin_step(self, item: pytest.Item, scenario: Scenario, step: Step) -> None:
        """Note that *step* begins."""
        self._open[item.nodeid].now = (scenario.steps.index(step), time.monotonic())

    def end_step(self, item: pytest.Item, error: BaseException | None = None) -> None:
        """Note that the step under way, if one is, ended, by *error* if there is one."""
        self._open[item.nodeid].end_step(verdict_of(error, when="call"))

    def undefined_step(self, item: pytest.Item, scenario: Scenario, step: Step) -> None:
        """Note that nothing says how *step* is done."""
        self.begin_step(item, scenario, step)
        self.end_step(item, LookupError(step.name))

    def phase(
        self, item: pytest.Item, when: str, error: BaseException | None, details: str, collect: Collect
    ) -> Verdict:
        """Note how the phase *when* of *item* ended, and *collect* what can be had if it was not well.

        *details* is what pytest shows for *error*. Return the verdict on *item* so far.
        """
        here = self._open[item.nodeid]
        here.verdicts[when] = verdict_of(error, when=when)
        self.end_step(item, error)
        if error is not None:
            here.reasons.append(_reason(error, when))
            if here.verdicts[when] is not Verdict.NOT_RUN:
                self._keep_evidence(here, when, details, collect)
        return Verdict.worst(here.verdicts.values())

    def _keep_evidence(self, here: _Open, when: str, details: str, collect: Collect) -> None:
        try:
            failure = here.folder / f"{when}.txt"
            failure.parent.mkdir(parents=True, exist_ok=True)
            failure.write_text(details, encoding="utf-8")
            here.artefacts.append(failure)
            here.artefacts.extend(collect(here.folder))
        except Exception as trouble:  # noqa: BLE001 (whatever it is, it must not hide the failure that it is about)
            here.reasons.append(f"not all evidence could be collected: {_first_line(trouble)}")

    def finish(self, item: pytest.Item) -> ScenarioRecord:
        """Close *item*, clean-up included; return its record, which is final."""
        here = self._open.pop(item.nodeid)
        closed = self._closed(here)
        self._put(closed)
        if time.monotonic() - self._written > _BETWEEN_WRITES.total_seconds():
            self._write()
        return closed

    def end(self) -> RunRecord:
        """Close the run: what began and did not end is inconclusive, since nobody saw its clean-up."""
        for here in self._open.values():
            if here.record.started is not None:
                here.end_step(Verdict.INCONCLUSIVE)
                here.reasons.append("interrupted before its end")
                here.verdicts["teardown"] = Verdict.INCONCLUSIVE
                self._put(self._closed(here))
        self._open.clear()
        self.record = replace(self.record, ended=datetime.now(UTC))
        self._write()
        return self.record

    def _closed(self, here: _Open) -> ScenarioRecord:
        root = self.directory.path
        return replace(
            here.record,
            verdict=Verdict.worst(here.verdicts.values()),
            reason="\n".join(here.reasons) or None,
            duration=timedelta(seconds=time.monotonic() - here.clock),
            steps=tuple(here.steps),
            artefacts=tuple(str(file.relative_to(root)) for file in here.artefacts),
        )

    def _put(self, closed: ScenarioRecord) -> None:
        scenarios = list(self.record.scenarios)
        scenarios[self._place[closed.test]] = closed
        self.record = replace(self.record, scenarios=tuple(scenarios))

    def _write(self) -> None:
        self.directory.write(self.record)
        self._written = time.monotonic()


def _unrun(item: pytest.Item, root: Path, *, selected: bool) -> ScenarioRecord:
    template = template_of(item)
    if template is None:
        raise TypeError(f"{item.nodeid} is not a scenario")
    call = getattr(item, "callspec", None)
    example = call.params.get("_pytest_bdd_example", {}) if call is not None else {}
    name = template.render(example).name
    if example and name == template.name:
        name = f"{name} ({', '.join(example.values())})"
    file = Path(template.feature.filename)
    with suppress(ValueError):
        file = file.relative_to(root)
    tags = {mark.name for mark in item.iter_markers()}
    written = template.tags | template.feature.tags | (template.rule.tags if template.rule else set())
    written |= {tag for examples in template.examples for tag in examples.tags}
    return ScenarioRecord(
        feature=template.feature.name or file.stem,
        file=str(file),
        rule=template.rule.name if template.rule else None,
        name=name,
        line=template.line_number,
        test=item.nodeid,
        tags=tuple(sorted(tags & written)),
        requirements=register().ids_of(tags & written),
        selected=selected,
        verdict=Verdict.NOT_RUN,
        reason=None if selected else "not selected",
        started=None,
        duration=timedelta(0),
        steps=(),
        artefacts=(),
    )


def _reason(error: BaseException, when: str) -> str:
    line = _first_line(error)
    match when, error:
        case "setup", Exception() if not isinstance(error, Inconclusive):
            return f"set-up: {line}"
        case "teardown", _:
            return f"clean-up: {line}"
        case _:
            return line


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    line = text.splitlines()[0] if text else ""
    told = isinstance(error, AssertionError | Inconclusive | pytest.fail.Exception | pytest.skip.Exception)
    return line if told and line else f"{type(error).__name__}: {line}".removesuffix(": ")
