"""Recording a run as pytest reports it: each thing that happens becomes an event, and the events make the verdicts."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from seatrial.audit import Journal, Replay
from seatrial.audit.replay import FORMAT
from seatrial.evidence.store import RunDirectory, slug
from seatrial.requirements import register
from seatrial.verdict import Inconclusive, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from pytest_bdd.parser import Scenario, ScenarioTemplate, Step

    from seatrial.audit import RunRecord, ScenarioRecord
    from seatrial.evidence.redaction import Redactor
    from seatrial.target import Target
    from seatrial.witness import Judged

    Collect = Callable[[Path], Iterable[Path]]


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
    """A scenario that is not over yet: its place in the list, its folder, and what was told of it so far."""

    number: int
    folder: Path
    started: bool = False
    in_step: bool = False
    phases: set[str] = field(default_factory=set)
    commands: set[tuple[tuple[str, ...], int | None]] = field(default_factory=set)


class Recording:
    """The evidence of one run, as it grows.

    Each call writes an event to the journal and takes it into the record: what is shown is what can be read back.
    """

    def __init__(self, directory: RunDirectory, redactor: Redactor) -> None:
        """Begin the journal in *directory*, which has none yet."""
        self.directory = directory
        self._redactor = redactor
        self._journal = Journal(directory.journal)
        self._replay = Replay()
        self._lock = threading.RLock()
        self._open: dict[str, _Open] = {}
        self._current: _Open | None = None
        self._kept: set[tuple[int | None, str, str]] = set()
        self._count = 0
        self.lost: OSError | None = None

    @classmethod
    def start(
        cls,
        directory: RunDirectory,
        target: Target,
        selected: Sequence[pytest.Item],
        left_out: Sequence[pytest.Item],
        root: Path,
        *,
        environment: Mapping[str, str],
        redactor: Redactor,
    ) -> Recording:
        """Begin the evidence of a run in *directory*; each scenario is in the record from the start, as not run."""
        recording = cls(directory, redactor)
        recording._tell(
            "run started",
            format=FORMAT,
            run=directory.id,
            target=target.name,
            label=str(target.label),
            environment=dict(environment),
        )
        for requirement in register():
            recording._tell(
                "requirement listed",
                id=requirement.id,
                sentence=requirement.sentence,
                source=requirement.source,
                open=requirement.open,
            )
        for item in selected:
            recording._list(item, root, selected=True)
        for item in left_out:
            recording._list(item, root, selected=False)
        return recording

    @property
    def record(self) -> RunRecord:
        """The run so far."""
        with self._lock:
            return self._replay.record

    def _tell(self, kind: str, **data: object) -> None:
        """Write an event. Once the disk takes no more, nothing is told: the run has then no end, and does not pass."""
        with self._lock:
            if self.lost is not None:
                return
            try:
                event = self._journal.append(kind, _redacted(data, self._redactor))
            except OSError as error:
                self.lost = error
                return
            self._replay.take(event)

    def _list(self, item: pytest.Item, root: Path, *, selected: bool) -> None:
        described = _described(item, root)
        number = self._count
        self._count += 1
        self._tell("scenario listed", **described, selected=selected)
        if selected:
            folder = self.directory.scenario_folder(number + 1, str(described["name"]))
            self._open[item.nodeid] = _Open(number, folder)

    def knows(self, item: pytest.Item) -> bool:
        """Whether *item* is one of the scenarios of this run that are not over yet."""
        return item.nodeid in self._open

    def begin(self, item: pytest.Item) -> None:
        """Note that *item* begins."""
        here = self._open[item.nodeid]
        self._tell("scenario started", scenario=here.number)
        here.started = True
        self._current = here

    def begin_steps(self, item: pytest.Item, scenario: Scenario) -> None:
        """Note the steps that *item* is going to take; each is not run until it was."""
        steps = [{"keyword": step.keyword, "text": step.name, "line": step.line_number} for step in scenario.steps]
        self._tell("steps listed", scenario=self._open[item.nodeid].number, steps=steps)

    def begin_step(self, item: pytest.Item, scenario: Scenario, step: Step) -> None:
        """Note that *step* begins."""
        here = self._open[item.nodeid]
        self._tell("step started", scenario=here.number, step=scenario.steps.index(step))
        here.in_step = True
        here.commands.clear()

    def end_step(self, item: pytest.Item, error: BaseException | None = None) -> None:
        """Note that the step under way, if one is, ended, by *error* if there is one."""
        self._end_step(self._open[item.nodeid], verdict_of(error, when="call"))

    def _end_step(self, here: _Open, verdict: Verdict) -> None:
        if here.in_step:
            here.in_step = False
            self._tell("step ended", scenario=here.number, verdict=str(verdict))

    def undefined_step(self, item: pytest.Item, scenario: Scenario, step: Step) -> None:
        """Note that nothing says how *step* is done."""
        self.begin_step(item, scenario, step)
        self.end_step(item, LookupError(step.name))

    def phase(
        self, item: pytest.Item, when: str, error: BaseException | None, details: str, collect: Collect
    ) -> Verdict:
        """Note how the phase *when* of *item* ended, and *collect* what can be had if it was not well.

        *details* is what pytest shows for *error*. Return the verdict on *item* if nothing more happens to it.
        """
        here = self._open[item.nodeid]
        verdict = verdict_of(error, when=when)
        self.end_step(item, error)
        reasons = []
        if error is not None:
            reasons.append(_reason(error, when))
            if verdict is not Verdict.NOT_RUN:
                reasons += self._keep_evidence(here, when, details, collect)
        self._tell("phase ended", scenario=here.number, phase=when, verdict=str(verdict), reasons=reasons)
        here.phases.add(when)
        return self._verdict_at_end(here)

    def _keep_evidence(self, here: _Open, when: str, details: str, collect: Collect) -> list[str]:
        """Keep what explains a failure; return what could not be, so that it does not hide what it is about."""
        try:
            failure = here.folder / f"{when}.txt"
            failure.parent.mkdir(parents=True, exist_ok=True)
            failure.write_text(details, encoding="utf-8", errors="backslashreplace")
            self.keep(failure, "what went wrong", here.number)
            for file in collect(here.folder):
                self.keep(file, str(file.relative_to(here.folder)), here.number)
        except Exception as trouble:  # noqa: BLE001 (whatever it is, it must not hide the failure that it is about)
            return [f"not all evidence could be collected: {_first_line(trouble)}"]
        return []

    def keep(self, file: Path, title: str, scenario: int | None = None) -> str:
        """Keep *file*, which lies in the run directory, freed of secrets; return its path there.

        Raises OSError when it cannot be read or rewritten.
        """
        content = file.read_bytes()
        clean = self._redactor.content(content)
        if clean != content:
            file.write_bytes(clean)
        path = file.relative_to(self.directory.path).as_posix()
        digest = hashlib.sha256(clean).hexdigest()
        if (scenario, path, digest) not in self._kept:
            self._kept.add((scenario, path, digest))
            self._tell("kept", scenario=scenario, path=path, sha256=digest, size=len(clean), title=title)
        return path

    def finish(self, item: pytest.Item) -> ScenarioRecord:
        """Close *item*, clean-up included; return its record, which is final."""
        here = self._open.pop(item.nodeid)
        self._current = None
        self._tell("scenario ended", scenario=here.number, verdict=str(self._verdict_at_end(here)))
        self._settle()
        return self._replay.scenario(here.number)

    def _verdict_at_end(self, here: _Open) -> Verdict:
        """The verdict that follows once the end is told; said in the same event, for a reader to compare."""
        with self._lock:
            return self._replay.verdict_if_ended(here.number)

    def end(self) -> RunRecord:
        """Close the run: what began and did not end is inconclusive, since nobody saw its clean-up."""
        for here in self._open.values():
            if here.started:
                self._end_step(here, Verdict.INCONCLUSIVE)
                if "teardown" not in here.phases:
                    reason = "interrupted before its end"
                    verdict = str(Verdict.INCONCLUSIVE)
                    self._tell("phase ended", scenario=here.number, phase="teardown", verdict=verdict, reasons=[reason])
                self._tell("scenario ended", scenario=here.number, verdict=str(self._verdict_at_end(here)))
        self._open.clear()
        self._current = None
        with self._lock:
            verdict = str(Verdict.worst(scenario.verdict for scenario in self._replay.record.selected))
        self._tell("run ended", verdict=verdict)
        self._settle()
        record = self.record
        try:
            self.directory.write(record)
        except OSError as error:
            self.lost = self.lost or error
        return record

    def _settle(self) -> None:
        try:
            self._journal.settle()
        except OSError as error:
            self.lost = self.lost or error

    # What the library tells of (seatrial.witness.Witness).

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None:
        """Note a command line; of one that a step repeats with the same outcome, only the first."""
        here = self._current
        known = (tuple(words), code)
        if here is not None:
            if known in here.commands:
                return
            here.commands.add(known)
        number = here.number if here is not None else None
        self._tell("command", scenario=number, words=list(words), code=code, seconds=duration.total_seconds())

    def judged(self, judged: Judged) -> None:
        """Note what was judged, and keep the raw record it can be judged from again."""
        here = self._current
        if here is None or not here.in_step:
            return
        folder = here.folder / "records"
        folder.mkdir(parents=True, exist_ok=True)
        content = judged.record.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        copy = folder / f"{digest[:12]}-{judged.record.name}"
        copy.write_bytes(content)
        path = self.keep(copy, "every request, when it was to start, started and ended", here.number)
        self._tell(
            "judged",
            scenario=here.number,
            objective=judged.objective,
            share=judged.share,
            required=judged.required,
            observed=judged.observed,
            samples=judged.samples,
            met=judged.met,
            record=path,
        )

    def document(self, title: str, text: str) -> None:
        """Keep *text*; the same text for the same scenario only once."""
        here = self._current
        content = self._redactor.text(text)
        digest = hashlib.sha256(content.encode("utf-8", errors="surrogateescape")).hexdigest()
        file = self.directory.path / "documents" / f"{slug(title, longest=60)}-{digest[:12]}.txt"
        try:
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8", errors="surrogateescape")
            self.keep(file, title, here.number if here is not None else None)
        except OSError as error:
            self.lost = self.lost or error

    def secret(self, value: str) -> None:
        """Write *value* nowhere from now on."""
        self._redactor.learn(value)


def _redacted(value: Any, redactor: Redactor) -> Any:  # noqa: ANN401 (whatever JSON can hold)
    match value:
        case str():
            return redactor.text(value)
        case dict():
            return {key: _redacted(inner, redactor) for key, inner in value.items()}
        case list() | tuple():
            return [_redacted(inner, redactor) for inner in value]
        case _:
            return value


def _described(item: pytest.Item, root: Path) -> dict[str, object]:
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
    return {
        "feature": template.feature.name or file.stem,
        "file": str(file),
        "rule": template.rule.name if template.rule else None,
        "name": name,
        "line": template.line_number,
        "test": item.nodeid,
        "tags": sorted(tags & written),
        "requirements": list(register().ids_of(tags & written)),
    }


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
