"""A run for the eye: a tree of features, rules, scenarios and steps, counts, and a line per requirement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.console import Console

    from seatrial.audit import ArtefactRecord, Coverage, RunRecord, ScenarioRecord

_MARKS = {
    Verdict.PASSED: ("✓", "+", "green"),
    Verdict.FAILED: ("✗", "x", "bold red"),
    Verdict.INCONCLUSIVE: ("?", "?", "yellow"),
    Verdict.ERROR: ("!", "!", "bold red"),
    Verdict.NOT_RUN: ("○", "-", "dim"),
}
_SENTENCE = 72


@dataclass
class TreePrinter:
    """Prints scenarios one after the other; names a feature and a rule where it differs from the one before."""

    _feature: tuple[str, str] | None = None
    _rule: str | None = None

    def scenario(self, record: ScenarioRecord, console: Console) -> None:
        """Print *record* with its steps, and why it did not pass, on *console*."""

        def line(depth: int, *parts: Text) -> None:
            console.print(Text("  " * depth).append_text(Text.assemble(*parts)), soft_wrap=True)

        if (record.file, record.feature) != self._feature:
            self._feature, self._rule = (record.file, record.feature), None
            line(0, Text(f"\n{record.feature}", "bold"), Text(f"  {record.file}", "dim"))
        if record.rule != self._rule:
            self._rule = record.rule
            if record.rule is not None:
                line(1, Text(record.rule, "italic"))
        depth = 1 if record.rule is None else 2
        line(depth, mark(record.verdict, console), Text(f" {record.name}"), *_after(record))
        for step in record.steps:
            words = Text(f" {step.keyword} {step.text}", "" if step.verdict is Verdict.PASSED else "bold")
            line(depth + 1, mark(step.verdict, console), words, Text(_time(step.duration), "dim"))
        if record.reason and record.verdict is not Verdict.PASSED:
            for said in record.reason.splitlines():
                line(depth + 1, Text(said, _MARKS[record.verdict][2]))
        if record.artefacts:
            line(depth + 1, Text(f"evidence: {_common_folder(record.artefacts)}", "dim"))


def _after(record: ScenarioRecord) -> tuple[Text, ...]:
    verdict = () if record.verdict is Verdict.PASSED else (Text(f" {record.verdict}", _MARKS[record.verdict][2]),)
    ids = (Text(f"  {' '.join(record.requirements)}", "cyan"),) if record.requirements else ()
    return (*verdict, Text(_time(record.duration), "dim"), *ids)


def mark(verdict: Verdict, console: Console) -> Text:
    """Return the sign of *verdict*, in letters that *console* can show."""
    sign, plain, style = _MARKS[verdict]
    return Text(sign if "utf" in console.encoding.lower() else plain, style)


def print_tree(record: RunRecord, console: Console) -> None:
    """Print the selected scenarios of *record* as a tree."""
    printer = TreePrinter()
    for scenario in record.selected:
        printer.scenario(scenario, console)


def print_summary(record: RunRecord, console: Console) -> None:
    """Print one line per requirement, then the counts and the verdict; the counts add up to all scenarios."""
    coverage = record.coverage()
    console.print(Text(f"\nRequirements, on {record.target} ({record.label})", "bold"))
    for entry in coverage:
        _print_requirement(entry, record, console)
    words = [entry.word for entry in coverage]
    of_requirements = [f"{words.count(word)} {word}" for word in dict.fromkeys(sorted(words, key=_order))]
    console.print(Text(f"\n{len(coverage)} requirements: {', '.join(of_requirements)}"), soft_wrap=True)
    counts = [f"{count} {verdict}" for verdict, count in record.counts().items() if count]
    unselected = len(record.scenarios) - len(record.selected)
    beside = f"; {unselected} more not selected" if unselected else ""
    console.print(Text(f"{len(record.selected)} scenarios: {', '.join(counts) or 'none'}{beside}"), soft_wrap=True)
    if record.ended is None:
        console.print(Text("This run was broken off before its end.", "yellow"))
    time = f" in {(record.ended - record.started).total_seconds():.1f} s" if record.ended else ""
    console.print(Text.assemble(mark(record.verdict, console), Text(f" {record.verdict}{time}", "bold")))


def _print_requirement(entry: Coverage, record: RunRecord, console: Console) -> None:
    style = _MARKS[entry.verdict][2] if entry.verdict else "dim"
    where = f" ({record.label})" if entry.verdict is Verdict.PASSED else ""
    passed = sum(scenario.verdict is Verdict.PASSED for scenario in entry.scenarios)
    count = f"{passed} of {len(entry.scenarios)}" if entry.scenarios else ""
    sentence = entry.requirement.sentence
    short = sentence if len(sentence) <= _SENTENCE else f"{sentence[: _SENTENCE - 3].rstrip()}..."
    state = f"{entry.word}{where}"
    console.print(
        Text.assemble(f"  {entry.requirement.id:>4}  ", (f"{state:<25}", style), f" {count:<9} ", (short, "dim")),
        soft_wrap=True,
    )
    if entry.verdict is Verdict.PASSED and entry.requirement.open:
        console.print(Text(f"{'':>8}still open: {entry.requirement.open}", "dim"), soft_wrap=True)


def _order(word: str) -> int:
    return ("proven", "proven in part", "failed", "error", "inconclusive", "not run", "not covered").index(word)


def _time(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"  {seconds:.1f} s" if seconds >= 0.05 else ""  # noqa: PLR2004 (what would read 0.0 s)


def _common_folder(artefacts: tuple[ArtefactRecord, ...]) -> str:
    own = [artefact.path for artefact in artefacts if artefact.path.startswith("scenarios/")]
    first = (own or [artefacts[0].path])[0]
    return "/".join(first.split("/")[:2])
