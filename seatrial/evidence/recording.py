"""Recording a run as pytest reports it: each thing that happens becomes an event, and the events make the verdicts."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from seatrial.audit import Journal, Replay
from seatrial.audit.records import MANUAL
from seatrial.audit.replay import FORMAT
from seatrial.evidence.baseline import compare_with
from seatrial.evidence.identity import feature_path
from seatrial.evidence.words import slug
from seatrial.requirements import register
from seatrial.verdict import Inconclusive, Verdict
from seatrial.witness import told_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from pytest_bdd.parser import Scenario, ScenarioTemplate, Step

    from seatrial.audit import RunRecord, ScenarioRecord, Waiver
    from seatrial.evidence.answers import Given
    from seatrial.evidence.baseline import BaselineFile
    from seatrial.evidence.redaction import Redactor
    from seatrial.evidence.store import RunDirectory
    from seatrial.target import Target
    from seatrial.truth import TruthLabel
    from seatrial.witness import Judged

    Collect = Callable[[Path], Iterable[Path]]

# What is in these fields is Seatrial's own, and a reader computes with it.
_SETTLED_EACH = timedelta(seconds=1)
_OWN_WORDS = frozenset({"format", "label", "missing", "objective", "phase", "sha256", "verdict"})


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
    missed: str | None = None
    label: TruthLabel | None = None
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
        self._folders: tuple[Path, ...] = ()
        self._label: TruthLabel | None = None
        self._settled = time.monotonic()
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
        folders: Sequence[Path] = (),
        waivers: Mapping[str, Waiver] = MappingProxyType({}),
        answers: Mapping[str, Given] = MappingProxyType({}),
    ) -> Recording:
        """Begin the evidence of a run in *directory*; each scenario is in the record from the start, as not run.

        Feature files are named from *root*, or from what holds the one of *folders* that they are in. Of the *waivers*
        and *answers*, by scenario id, those are told that are for what was selected.
        """
        recording = cls(directory, redactor)
        recording._folders = tuple(folders)
        recording._label = target.label
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
        recording._list_features((*selected, *left_out), root)
        for item in selected:
            recording._list(item, root, selected=True)
        for item in left_out:
            recording._list(item, root, selected=False)
        if waivers or answers:
            for number, scenario in enumerate(recording.record.selected):
                recording._waive(number, waivers.get(scenario.id))
                recording._answer(number, scenario, answers.get(scenario.id))
        return recording

    def _waive(self, number: int, waiver: Waiver | None) -> None:
        # It may have expired while the target was brought up.
        if waiver is not None and date.fromisoformat(waiver.expiry) >= self.record.started.date():
            self._tell("waived", scenario=number, reason=waiver.reason, owner=waiver.owner, expiry=waiver.expiry)

    def _answer(self, number: int, scenario: ScenarioRecord, given: Given | None) -> None:
        """Tell what a person found, and keep the evidence for it."""
        if given is None or MANUAL not in scenario.tags:
            return
        copy = self.directory.scenario_folder(number + 1, scenario.name) / f"answer-{given.evidence.name}"
        try:
            path = self.keep(copy, given.evidence.read_bytes(), "what the person saw", number)
        except OSError as error:
            self.lost = self.lost or error
            return
        self._tell(
            "answered",
            scenario=number,
            verdict=str(given.verdict),
            person=given.person,
            date=given.date,
            version=given.version,
            expiry=given.expiry,
            evidence=path,
        )

    def _list_features(self, items: Iterable[pytest.Item], root: Path) -> None:
        """Note the text of each feature file: what a reader is shown is what was run, not what it says later."""
        templates = (template_of(item) for item in items)
        for name in dict.fromkeys(template.feature.filename for template in templates if template is not None):
            # A file that has gone since it was collected is told of by its scenarios all the same.
            with suppress(OSError, UnicodeDecodeError):
                text = Path(name).read_text(encoding="utf-8")
                self._tell("feature listed", file=feature_path(Path(name), root, self._folders), text=text)

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
                event = self._journal.append(kind, self._clean(data))
            except OSError as error:
                self.lost = error
                return
            self._replay.take(event)

    def _clean(self, data: dict[str, object]) -> dict[str, object]:
        def clean(key: str, value: object) -> object:
            # The keys are this module's own, and most values are numbers: the redactor is asked about the others only.
            if key in _OWN_WORDS or type(value) is int:
                return value
            return self._redactor.data({key: value}, besides=_OWN_WORDS)[key]

        return {key: clean(key, value) for key, value in data.items()}

    def _list(self, item: pytest.Item, root: Path, *, selected: bool) -> None:
        described = _described(item, root, self._folders)
        number = self._count
        self._count += 1
        self._tell("scenario listed", **described, selected=selected)
        if selected:
            folder = self.directory.scenario_folder(number + 1, self._redactor.text(str(described["name"])))
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
        here.missed = None
        here.commands.clear()

    def missed(self, item: pytest.Item) -> str | None:
        """Say which objective the step under way has missed, if it has missed one."""
        return self._open[item.nodeid].missed

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
        missing = {"missing": str(error.missing)} if isinstance(error, Inconclusive) and error.missing else {}
        self._tell("phase ended", scenario=here.number, phase=when, verdict=str(verdict), reasons=reasons, **missing)
        here.phases.add(when)
        return self._verdict_at_end(here)

    def _keep_evidence(self, here: _Open, when: str, details: str, collect: Collect) -> list[str]:
        """Keep what explains a failure; return what could not be, so that it does not hide what it is about."""
        try:
            failure = details.encode("utf-8", errors="backslashreplace")
            self.keep(here.folder / f"{when}.txt", failure, "what went wrong", here.number)
            # Collected elsewhere: what was not looked through yet must not be found here after a kill.
            with tempfile.TemporaryDirectory(prefix="seatrial-") as name:
                for file in collect(Path(name)):
                    place = file.relative_to(name)
                    self.keep(here.folder / place, file.read_bytes(), str(place), here.number)
        except Exception as trouble:  # noqa: BLE001 (whatever it is, it must not hide the failure that it is about)
            return [f"not all evidence could be collected: {_first_line(trouble)}"]
        return []

    def keep(self, file: Path, content: bytes, title: str, scenario: int | None = None) -> str:
        """Keep *content*, freed of secrets, as *file* below the run directory; return its path there.

        Raises OSError when it cannot be written.
        """
        clean = self._redactor.content(content)
        digest = hashlib.sha256(clean).hexdigest()
        path = file.relative_to(self.directory.path).as_posix()
        if self._redactor.text(path) != path:
            # A file may be named after a secret as well.
            path = f"{path.partition('/')[0]}/redacted-{digest[:12]}"
        if (scenario, path, digest) not in self._kept:
            place = self.directory.path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(clean)
            self._kept.add((scenario, path, digest))
            self._tell("kept", scenario=scenario, path=path, sha256=digest, size=len(clean), title=title)
        return path

    def finish(self, item: pytest.Item) -> ScenarioRecord:
        """Close *item*, clean-up included; return its record, which is final."""
        here = self._open.pop(item.nodeid)
        self._current = None
        self._tell("scenario ended", scenario=here.number, verdict=str(self._verdict_at_end(here)))
        if time.monotonic() - self._settled > _SETTLED_EACH.total_seconds():
            self._settle()
        return self._replay.scenario(here.number)

    def pass_over(self, item: pytest.Item) -> ScenarioRecord:
        """Close *item*, which a person answers and nothing runs; return its record, which is final."""
        here = self._open.pop(item.nodeid)
        with self._lock:
            return self._replay.scenario(here.number)

    def _verdict_at_end(self, here: _Open) -> Verdict:
        """The verdict that follows once the end is told; said in the same event, for a reader to compare."""
        with self._lock:
            return self._replay.verdict_if_ended(here.number)

    def end(self, baseline: BaselineFile | None = None, existing: Container[str] = ()) -> RunRecord:
        """Close the run: what began and did not end is inconclusive, since nobody saw its clean-up.

        Hold it against *baseline*, if there is one; *existing* are the ids of the scenarios that there are now.
        """
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
        if baseline is not None and self.lost is None:
            self._compare(baseline, existing)
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

    def _compare(self, known: BaselineFile, existing: Container[str]) -> None:
        """Hold the run against a baseline, keep that, and tell what differs."""
        found = compare_with(known, self.record, existing)
        copy = self.directory.path / "documents" / f"baseline-{known.sha256[:12]}.json"
        try:
            path = self.keep(copy, known.content, f"the baseline, set by run {known.baseline.run}")
            # As it is kept, which is without secrets.
            kept = (self.directory.path / path).read_bytes()
            found = replace(found, baseline=hashlib.sha256(kept).hexdigest())
        except OSError as error:
            self.lost = self.lost or error
            return
        self._tell(
            "compared",
            baseline=found.baseline,
            run=found.run,
            worse=list(found.worse),
            better=list(found.better),
            otherwise=list(found.otherwise),
        )

    def _settle(self) -> None:
        self._settled = time.monotonic()
        try:
            self._journal.settle()
        except OSError as error:
            self.lost = self.lost or error

    # What the library tells of (seatrial.witness.Witness).

    @property
    def _here(self) -> _Open | None:
        """The scenario that what is told belongs to."""
        return None if told_aside() else self._current

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None:
        """Note a command line; of one that a step repeats with the same outcome, only the first."""
        here = self._here
        known = (tuple(words), code)
        if here is not None:
            if known in here.commands:
                return
            here.commands.add(known)
        number = here.number if here is not None else None
        self._tell("command", scenario=number, words=list(words), code=code, seconds=duration.total_seconds())

    def judged(self, judged: Judged) -> None:
        """Note what was judged, and keep the raw record it can be judged from again."""
        here = self._here
        if here is None or not here.in_step:
            return
        if not judged.met:
            here.missed = f"{judged.objective} was to be {judged.required:g} and is {judged.observed:g}"
        content = judged.record.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        copy = here.folder / "records" / f"{digest[:12]}-{judged.record.name}"
        path = self.keep(copy, content, "every request, when it was to start, started and ended", here.number)
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
        content = self._redactor.text(text).encode("utf-8", errors="backslashreplace")
        self._keep_titled("documents", title, content, "txt")

    def data(self, title: str, data: Mapping[str, object]) -> None:
        """Keep *data* as JSON; the same for the same scenario only once."""
        content = json.dumps(self._redactor.data(dict(data)), ensure_ascii=True, allow_nan=False)
        self._keep_titled("documents", title, content.encode(), "json")

    def picture(self, title: str, png: bytes) -> None:
        """Keep *png*. What stands in a picture is not searched for secrets: whoever tells of one shows none."""
        self._keep_titled("pictures", title, png, "png")

    def _keep_titled(self, folder: str, title: str, content: bytes, suffix: str) -> None:
        here = self._here
        title = self._redactor.text(title)
        name = f"{slug(title, longest=60)}-{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        try:
            file = self.directory.path / folder / name
            self.keep(file, content, title, here.number if here is not None else None)
        except OSError as error:
            self.lost = self.lost or error

    def label(self, label: TruthLabel) -> None:
        """Note that the scenario under way was observed on less than the run's target; the least counts."""
        here = self._here
        known = (here.label or self._label) if here is not None else None
        if here is not None and known is not None and label.is_less_than(known):
            here.label = label
            self._tell("labelled", scenario=here.number, label=str(label))

    def secret(self, value: str) -> None:
        """Write *value* nowhere from now on."""
        self._redactor.learn(value)


def _described(item: pytest.Item, root: Path, folders: Sequence[Path]) -> dict[str, object]:
    template = template_of(item)
    if template is None:
        raise TypeError(f"{item.nodeid} is not a scenario")
    call = getattr(item, "callspec", None)
    example = call.params.get("_pytest_bdd_example", {}) if call is not None else {}
    name = template.render(example).name
    if example and name == template.name:
        name = f"{name} ({', '.join(example.values())})"
    file = Path(template.feature.filename)
    tags = {mark.name for mark in item.iter_markers()}
    written = template.tags | template.feature.tags | (template.rule.tags if template.rule else set())
    written |= {tag for examples in template.examples for tag in examples.tags}
    return {
        "feature": template.feature.name or file.stem,
        "file": feature_path(file, root, folders),
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
