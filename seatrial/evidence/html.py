"""A run as one HTML file that needs nothing beside it: the verdict first, then the features with what came of them."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from seatrial.evidence.courses import CoursePicture, course_picture, is_course
from seatrial.evidence.feature_text import FeatureText, Sentence
from seatrial.evidence.pictures import LatencyPicture, latency_picture
from seatrial.evidence.resilience import Lost, percent, resilience
from seatrial.evidence.words import (
    COVERAGE_SIGNS,
    SIGNS,
    address,
    baseline_sentence,
    counted,
    coverage_counts,
    gate_sentence,
    lasted,
    one_line,
    shortened,
    visible,
)
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from seatrial.audit import (
        ArtefactRecord,
        CommandRecord,
        JudgementRecord,
        RunRecord,
        ScenarioRecord,
        StepRecord,
    )
    from seatrial.evidence.compare import Changes, Difference
    from seatrial.requirements import Requirement

LIMIT = 2_000_000
_LONG = timedelta(seconds=5)
_CSS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.ERROR: "error",
    Verdict.NOT_RUN: "notrun",
}
_FILLS = {
    "proven": "fill-proven",
    "proven in part": "fill-part",
    "failed": "fill-failed",
    "error": "fill-error",
    "inconclusive": "fill-inconclusive",
    "not run": "fill-notrun",
    "not covered": "fill-uncovered",
}
_WORD_CSS = {"proven": "passed", "proven in part": "passed", "not run": "notrun", "not covered": "uncovered"}
_KIB, _MIB = 2**10, 2**20


@dataclass(frozen=True)
class _Detail:
    """How much is shown: each level makes a smaller page than the one before it; *said* is what a reader is told."""

    said: str
    most: int  # scenarios of a run that may fit
    text: int
    commands: int
    files: int
    pictures: int
    courses: int
    steps_if_passed: bool = True
    steps: bool = True
    scenarios: int = 1_000_000


_LEVELS = (
    _Detail("", most=1500, text=4000, commands=40, files=60, pictures=40, courses=200),
    _Detail(
        "Of the courses of faults only the first are here; the folder of the run has all.",
        most=1500,
        text=4000,
        commands=40,
        files=60,
        pictures=40,
        courses=40,
    ),
    _Detail(
        "Long texts are cut; of commands, files and pictures only the first are here; the folder of the run has all.",
        most=2000,
        text=1000,
        commands=3,
        files=6,
        pictures=12,
        courses=80,
    ),
    _Detail(
        "The steps of what passed are left out, and so are commands; the folder of the run has all.",
        most=5000,
        text=400,
        commands=0,
        files=3,
        pictures=4,
        courses=20,
        steps_if_passed=False,
    ),
    _Detail(
        "Steps, commands and files are left out; the folder of the run has all.",
        most=8000,
        text=120,
        commands=0,
        files=0,
        pictures=0,
        courses=0,
        steps_if_passed=False,
        steps=False,
    ),
    _Detail(
        "Only 1000 scenarios are here, the worst of all; the counts are of all, and the folder of the run has them.",
        most=0,
        text=80,
        commands=0,
        files=0,
        pictures=0,
        courses=0,
        steps_if_passed=False,
        steps=False,
        scenarios=1000,
    ),
)


def html(record: RunRecord, changes: Changes | None, run: Path, *, shown_in: Path | None = None) -> bytes:
    """Return *record* as a page of at most two megabytes; a run that is too large for that is shown in less detail.

    *run* is its folder, to which the links to the evidence lead from the folder *shown_in* (the same if none is given).
    Nothing in the page runs, and nothing is loaded: it holds no script, and its policy allows none.
    """
    sources = _Sources(record, run)
    page = b""
    for detail in _LEVELS:
        # What is sure to be too large is not tried.
        if len(record.scenarios) <= detail.most or detail is _LEVELS[-1]:
            page = _Page(record, changes, sources, shown_in or run, detail).rendered()
            if len(page) <= LIMIT:
                break
    return page


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("seatrial.evidence"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.globals.update(
        signs=SIGNS,
        css=_CSS.__getitem__,
        lasted=lasted,
        size=_size,
        words=lambda command: shortened(shlex.join(command.words), 1000),
        ended=lambda command: "did not end by itself" if command.code is None else f"exit code {command.code}",
        judgement=_judgement,
    )
    return environment


@cache
def _style() -> tuple[Markup, str]:
    """Return the style sheet and the digest by which the page's policy knows it."""
    source = PackageLoader("seatrial.evidence").get_source(_environment(), "report.css")[0]
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return Markup(source), digest  # noqa: S704 (it is the package's own file)


@dataclass(frozen=True)
class _Judged:
    record: JudgementRecord
    picture: LatencyPicture | str | None


@dataclass(frozen=True)
class _Step:
    record: StepRecord
    text: str
    sentence: Sentence | None
    bar: tuple[float, float] | None
    judgements: tuple[_Judged, ...]


@dataclass(frozen=True)
class _Cause:
    """A place to look at: what it is, a command line or a link."""

    text: str
    code: str = ""
    href: str = ""
    label: str = ""


@dataclass(frozen=True)
class _Commands:
    title: str
    commands: tuple[CommandRecord, ...]
    more: int


@dataclass(frozen=True)
class _Scenario:
    record: ScenarioRecord
    anchor: str
    description: str
    steps: tuple[_Step, ...]
    folded: int
    timed: bool
    courses: tuple[CoursePicture | str, ...]
    change: Difference | None
    reason: str
    where: tuple[_Cause, ...]
    commands: tuple[_Commands, ...]
    artefacts: tuple[ArtefactRecord, ...]
    more_artefacts: int
    kept: str

    @property
    def is_finding(self) -> bool:
        """Whether it was to pass and did not."""
        return self.record.selected and self.record.verdict is not Verdict.PASSED

    @property
    def causes(self) -> bool:
        """Whether there is something to explain."""
        return self.record.verdict is not Verdict.PASSED and bool(self.reason or self.where)

    @property
    def first_reason(self) -> str:
        """Why it did not pass, in one line."""
        lines = self.reason.splitlines()
        return shortened(lines[0], 300) if lines else ""


@dataclass(frozen=True)
class _Rule:
    name: str | None
    description: str
    scenarios: tuple[_Scenario, ...]

    @property
    def all_passed(self) -> bool:
        """Whether nothing of it is left once what passed is hidden."""
        return all(one.record.verdict is Verdict.PASSED for one in self.scenarios)


@dataclass(frozen=True)
class _Feature:
    name: str
    file: str
    anchor: str
    counts: str
    description: str
    rules: tuple[_Rule, ...]

    @property
    def all_passed(self) -> bool:
        """Whether nothing of it is left once what passed is hidden."""
        return all(rule.all_passed for rule in self.rules)


@dataclass(frozen=True)
class _Requirement:
    requirement: Requirement
    anchor: str
    word: str
    sign: str
    css: str
    where: str
    scenarios: tuple[_Scenario, ...]
    more: int


@dataclass(frozen=True)
class _Part:
    """A stretch of the bar of coverage."""

    word: str
    count: int
    start: int
    fill: str


class _Sources:
    """What is read for a page beside the record, once for all levels of detail."""

    def __init__(self, record: RunRecord, run: Path) -> None:
        self.run = run
        self.texts = {one.file: FeatureText.of(one.text) for one in record.features}
        self._pictures: dict[str, LatencyPicture | str] = {}
        self._courses: dict[str, CoursePicture | str] = {}

    def course(self, artefact: ArtefactRecord) -> CoursePicture | str:
        """Return the picture of the course of a fault that was kept as *artefact*, or why there is none."""
        if artefact.path not in self._courses:
            self._courses[artefact.path] = course_picture(artefact, self.run)
        return self._courses[artefact.path]

    def picture(self, one: ScenarioRecord, judgement: JudgementRecord) -> LatencyPicture | str:
        """Return the picture of what *judgement* was made from, or why there is none."""
        if judgement.record not in self._pictures:
            artefact = next((kept for kept in one.artefacts if kept.path == judgement.record), None)
            self._pictures[judgement.record] = latency_picture(judgement, artefact, self.run)
        return self._pictures[judgement.record]


class _Page:
    """The page of one run, at one level of detail."""

    def __init__(
        self, record: RunRecord, changes: Changes | None, sources: _Sources, shown_in: Path, detail: _Detail
    ) -> None:
        self._record = record
        self._changes = changes
        self._sources = sources
        self._texts = sources.texts
        self._base = os.path.relpath(sources.run, shown_in)
        self._detail = detail
        self._pictures = detail.pictures
        self._courses = detail.courses
        self._requirement_anchors = {one.id: f"r{number}" for number, one in enumerate(record.register, start=1)}
        self._differences = (
            {id(one.after): one for one in changes.changed if one.after is not None} if changes is not None else {}
        )

    def rendered(self) -> bytes:
        """Return the page."""
        record, detail = self._record, self._detail
        views = {id(one): self._scenario(f"s{number}", one) for number, one in self._shown()}
        coverage = record.coverage()
        style, digest = _style()
        changed = self._changes.changed if self._changes is not None else ()
        commit = record.environment.get("project commit", "unknown")
        page = _environment().get_template("report.html").render(
            run=record,
            changes=self._changes,
            style=style,
            style_digest=digest,
            link=self._link,
            link_to_journal=self._anchor("events.jsonl"),
            requirement_link=self._requirement_link,
            gate=gate_sentence(record),
            baseline=baseline_sentence(record),
            coverage=coverage,
            bar=_bar(coverage_counts(record)),
            counts=counted(record.counts()),
            resilience=resilience(record),
            losses=self._losses(views),
            percent=percent,
            beside=len(record.scenarios) - len(record.selected),
            commit="" if commit == "unknown" else commit,
            commit_changes=record.environment.get("project changes", "unknown"),
            findings=[one for one in views.values() if one.is_finding],
            chapters=self._chapters(views),
            features=tuple(self._features(views.values())),
            cut=detail.said,
            changed=[
                {"difference": one, "anchor": views[id(one.after)].anchor if id(one.after) in views else None}
                for one in changed[: detail.scenarios]
            ],
            more_changed=max(len(changed) - detail.scenarios, 0),
            run_artefacts=record.artefacts[: detail.files],
            run_commands=record.commands[: detail.commands],
        )  # fmt: skip
        return page.encode("utf-8")

    def _shown(self) -> Iterable[tuple[int, ScenarioRecord]]:
        """Return the scenarios that fit, in their order; the worst stay when not all do."""
        numbered = list(enumerate(self._record.scenarios, start=1))
        if len(numbered) <= self._detail.scenarios:
            return numbered
        worst_first = sorted(numbered, key=lambda pair: (pair[1].verdict is Verdict.PASSED, not pair[1].selected))
        return sorted(worst_first[: self._detail.scenarios], key=lambda pair: pair[0])

    # Scenarios ---------------------------------------------------------------------------------------------------

    def _scenario(self, anchor: str, one: ScenarioRecord) -> _Scenario:
        text = self._texts.get(one.file, FeatureText())
        steps = one.steps or text.steps_of(one.line)
        passed = one.verdict is Verdict.PASSED
        shown = self._detail.steps and (self._detail.steps_if_passed or not passed)
        timed = one.duration >= _LONG and sum(step.started is not None for step in steps) > 1
        drawn = _drawn(one)
        commands = tuple(self._commands_of(one))
        artefacts = one.artefacts[: self._detail.files]
        return _Scenario(
            record=one,
            anchor=anchor,
            description=self._cut(text.scenarios.get(one.line, "")),
            steps=tuple(self._step(one, step, text, drawn) for step in steps) if shown else (),
            folded=0 if shown else len(steps),
            timed=timed,
            courses=self._courses_of(one),
            change=self._differences.get(id(one)),
            reason=self._cut(one.reason or ""),
            where=() if passed or not self._detail.steps else tuple(self._where(one)),
            commands=commands,
            artefacts=artefacts,
            more_artefacts=len(one.artefacts) - len(artefacts),
            kept=_kept(
                sum(len(step.commands) for step in one.steps) if commands else 0, len(artefacts) and len(one.artefacts)
            ),
        )

    def _step(
        self, one: ScenarioRecord, step: StepRecord, text: FeatureText, drawn: Mapping[str, JudgementRecord]
    ) -> _Step:
        bar = None
        if step.started is not None and one.started is not None and one.duration:
            start = 100 * (step.started - one.started) / one.duration
            width = 100 * step.duration / one.duration
            bar = (round(min(max(start, 0), 99.5), 1), round(min(max(width, 0.5), 100), 1))
        judged = tuple(
            _Judged(judgement, self._picture(one, judgement) if drawn[judgement.record] is judgement else None)
            for judgement in step.judgements
        )
        return _Step(step, self._cut(step.text), text.by_line.get(step.line), bar, judged)

    def _picture(self, one: ScenarioRecord, judgement: JudgementRecord) -> LatencyPicture | str | None:
        if self._pictures <= 0:
            return None
        self._pictures -= 1
        return self._sources.picture(one, judgement)

    def _courses_of(self, one: ScenarioRecord) -> tuple[CoursePicture | str, ...]:
        kept = [artefact for artefact in one.artefacts if is_course(artefact)][: self._courses]
        self._courses -= len(kept)
        return tuple(self._sources.course(artefact) for artefact in kept)

    def _commands_of(self, one: ScenarioRecord) -> Iterator[_Commands]:
        if not self._detail.commands:
            return
        for step in one.steps:
            if step.commands:
                shown = step.commands[: self._detail.commands]
                yield _Commands(
                    f"{step.keyword} {self._cut(step.text)}", shown, len(step.commands) - len(shown)
                )  # fmt: skip

    def _where(self, one: ScenarioRecord) -> Iterator[_Cause]:
        """Say where somebody would look who wants to know why *one* did not pass."""
        stopped = next((step for step in one.steps if step.verdict not in (Verdict.PASSED, Verdict.NOT_RUN)), None)
        if stopped is not None:
            yield _Cause(f"It stopped at line {stopped.line} of {one.file}.")
            ended_badly = [command for command in stopped.commands if command.code != 0]
            if ended_badly:
                last = ended_badly[-1]
                code = "did not end by itself" if last.code is None else f"ended with exit code {last.code}"
                yield _Cause(f"In this step a command {code}:", code=shortened(shlex.join(last.words), 400))
        elif one.started is not None:
            yield _Cause("No step failed by itself: look at what surrounds them, set-up and clean-up.")
        told = [artefact for artefact in one.artefacts if artefact.title == "what went wrong"]
        for artefact in told[:3]:
            href = self._link(artefact.path)
            if href:
                yield _Cause("The whole error:", href=href, label=artefact.path.rpartition("/")[2])

    # What surrounds them -----------------------------------------------------------------------------------------

    def _features(self, views: Iterable[_Scenario]) -> Iterator[_Feature]:
        groups = groupby(views, key=lambda view: (view.record.file, view.record.feature))
        for number, ((file, name), group) in enumerate(groups, start=1):
            members = tuple(group)
            text = self._texts.get(file, FeatureText())
            rules = tuple(
                _Rule(rule, self._cut(text.rules.get(rule, "")) if rule else "", tuple(scenarios))
                for rule, scenarios in groupby(members, key=lambda view: view.record.rule)
            )
            counts = Counter(str(view.record.verdict) for view in members)
            ordered = {str(verdict): counts[str(verdict)] for verdict in Verdict}
            yield _Feature(name, file, f"f{number}", counted(ordered), self._cut(text.description), rules)

    def _losses(self, views: Mapping[int, _Scenario]) -> tuple[tuple[Lost, tuple[_Scenario, ...]], ...]:
        """Return what was lost, each with those of its scenarios that are on the page."""
        found = resilience(self._record)
        return tuple(
            (lost, tuple(views[id(one)] for one in lost.scenarios if id(one) in views))
            for lost in (found.lost if found is not None else ())
        )

    def _chapters(self, views: Mapping[int, _Scenario]) -> tuple[tuple[_Requirement, ...], ...]:
        entries = []
        for entry in self._record.coverage():
            found = tuple(views[id(one)] for one in entry.scenarios if id(one) in views)
            entries.append(
                _Requirement(
                    entry.requirement,
                    self._requirement_anchors[entry.requirement.id],
                    entry.word,
                    COVERAGE_SIGNS[entry.word],
                    _WORD_CSS.get(entry.word, entry.word),
                    ", ".join(self._record.labels_of(entry)) if entry.verdict is Verdict.PASSED else "",
                    found,
                    len(entry.scenarios) - len(found),
                )
            )
        return tuple(
            tuple(chapter) for _, chapter in groupby(entries, key=lambda entry: entry.requirement.id.partition(".")[0])
        )

    def _requirement_link(self, identifier: str) -> Markup:
        anchor = self._requirement_anchors.get(identifier)
        text = escape(visible(identifier))
        return Markup('<a href="#{}">{}</a>').format(anchor, text) if anchor else text

    def _anchor(self, path: str) -> Markup:
        return Markup('<a href="{}">{}</a>').format(self._link(path), path)

    def _link(self, path: str) -> str:
        """Return the address of the file *path* of the run, relative to the page; empty if it lies elsewhere."""
        if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
            return ""
        whole = path if self._base == "." else f"{self._base}/{path}"
        # The dot keeps a colon in the first part of the path from being read as a scheme.
        return f"./{address(whole)}"

    def _cut(self, text: str) -> str:
        return shortened(text, self._detail.text)


def _drawn(one: ScenarioRecord) -> Mapping[str, JudgementRecord]:
    """Return, for each raw record, the judgement beside which it is drawn: one of latency if there is one."""
    found: dict[str, JudgementRecord] = {}
    for step in one.steps:
        for judgement in step.judgements:
            if judgement.record not in found or (
                judgement.objective == "latency" and found[judgement.record].objective != "latency"
            ):
                found[judgement.record] = judgement
    return found


def _bar(counts: Mapping[str, int]) -> Sequence[_Part]:
    parts: list[_Part] = []
    for word, count in counts.items():
        if count:
            parts.append(_Part(word, count, sum(part.count for part in parts), _FILLS[word]))
    return parts


def _judgement(judgement: JudgementRecord) -> str:
    kept = "met" if judgement.met else "missed"
    samples = f"{judgement.samples} sample{'' if judgement.samples == 1 else 's'}"
    if judgement.objective == "success":
        return (
            f"Objective {kept}: {_percent(judgement.observed)} of {samples} succeeded, "
            f"at least {_percent(judgement.required)} had to."
        )
    of = _percent(judgement.share) if judgement.share is not None else "all"
    name = "" if judgement.objective == "latency" else f" ({one_line(judgement.objective)})"
    return (
        f"Objective {kept}{name}: {of} of {samples} within {judgement.observed:.4g} s, "
        f"at most {judgement.required:.4g} s allowed."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.6g} %"


def _kept(commands: int, files: int) -> str:
    parts = [f"{commands} command{'' if commands == 1 else 's'}"] if commands else []
    parts += [f"{files} file{'' if files == 1 else 's'} of evidence"] if files else []
    return ", ".join(parts)


def _size(size: int) -> str:
    if size < _KIB:
        return f"{size} B"
    return f"{size / _KIB:.0f} KiB" if size < _MIB else f"{size / _MIB:.1f} MiB"
