"""A run for the eye: a tree of features, rules, scenarios and steps, counts, and a line per requirement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

from seatrial.evidence.resilience import resilience
from seatrial.evidence.words import counted, lasted, visible
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.console import Console

    from seatrial.audit import ArtefactRecord, BaselineComparison, Coverage, RunRecord, ScenarioRecord, Waiver
    from seatrial.evidence.compare import Changes

_MARKS = {
    Verdict.PASSED: ("✓", "+", "green"),
    Verdict.FAILED: ("✗", "x", "bold red"),
    Verdict.INCONCLUSIVE: ("?", "?", "yellow"),
    Verdict.ERROR: ("!", "!", "bold red"),
    Verdict.NOT_RUN: ("○", "-", "dim"),
}
_SENTENCE = 72
_LISTED = 20
_REASON_LINES = 5


@dataclass
class TreePrinter:
    """Prints scenarios one after the other; names a feature and a rule where it differs from the one before."""

    _feature: tuple[str, str] | None = None
    _rule: str | None = None

    def scenario(self, record: ScenarioRecord, console: Console) -> None:
        """Print *record* with its steps, and why it did not pass, on *console*."""
        lines: list[str] = []

        def line(depth: int, *parts: Text) -> None:
            lines.append("  " * depth + "".join(_drawn(part, console) for part in parts))

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
        if folder := _own_folder(record.artefacts):
            line(depth + 1, Text(f"evidence: {folder}", "dim"))
        # In one piece, past rich's own wrapping: long features have thousands of these.
        console.file.write("\n".join([*lines, ""]))


def _drawn(part: Text, console: Console) -> str:
    """Return *part* as *console* shows it, nothing in it acting on the terminal."""
    plain = visible(part.plain)
    if console.color_system is None or not part.style:
        return plain
    return _style(str(part.style)).render(plain, color_system=ColorSystem.STANDARD)


@cache
def _style(name: str) -> Style:
    return Style.parse(name)


def _after(record: ScenarioRecord) -> tuple[Text, ...]:
    waived = f", {waiver_words(record.waiver)}" if record.waiver is not None else ""
    failing = record.verdict is not Verdict.PASSED
    verdict = (Text(f" {record.verdict}{waived}", _MARKS[record.verdict][2]),) if failing else ()
    if record.answer is not None and not failing:
        answer = record.answer
        said = f"  {answer.person} looked at {answer.version} on {answer.date}, good until {answer.expiry}"
        verdict = (Text(said, "dim"),)
    ids = (Text(f"  {' '.join(record.requirements)}", "cyan"),) if record.requirements else ()
    label = (Text(f"  {record.label}", "yellow"),) if record.label is not None else ()
    return (*verdict, Text(_time(record.duration), "dim"), *ids, *label)


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
    """Print one line per requirement, what did not pass, then the counts and the verdict.

    The counts add up to all scenarios.
    """
    coverage = record.coverage()
    console.print(Text(f"\nRequirements, on {record.target} ({record.label})", "bold"))
    for entry in coverage:
        _print_requirement(entry, record, console)
    _print_not_passed(record, console)
    words = [entry.word for entry in coverage]
    of_requirements = [f"{words.count(word)} {word}" for word in dict.fromkeys(sorted(words, key=_order))]
    console.print(Text(f"\n{len(coverage)} requirements: {', '.join(of_requirements)}"), soft_wrap=True)
    counts = [f"{count} {verdict}" for verdict, count in record.counts().items() if count]
    unselected = len(record.scenarios) - len(record.selected)
    beside = f"; {unselected} more not selected" if unselected else ""
    console.print(Text(f"{len(record.selected)} scenarios: {', '.join(counts) or 'none'}{beside}"), soft_wrap=True)
    found = resilience(record)
    if found is not None:
        console.print(Text(f"Resilience: {found}"), soft_wrap=True)
    if record.ended is None:
        console.print(Text("This run was broken off before its end.", "yellow"))
    time = f" in {(record.ended - record.started).total_seconds():.1f} s" if record.ended else ""
    console.print(Text.assemble(mark(record.verdict, console), Text(f" {record.verdict}{time}", "bold")))
    _print_waivers(record, console)
    if record.comparison is not None:
        _print_comparison(record.comparison, console, ended=record.ended is not None)


def _print_not_passed(record: RunRecord, console: Console) -> None:
    """Print each scenario that did not pass, with its step and reason: whoever reads a log begins at its end.

    What was not run comes as a count: where a run was broken off it is most of it.
    """
    shown = [one for one in record.selected if one.verdict not in {Verdict.PASSED, Verdict.NOT_RUN}]
    not_run = sum(one.verdict is Verdict.NOT_RUN for one in record.selected)
    if not (shown or not_run):
        return
    console.print(Text("\nNot passed", "bold"))
    for one in shown[:_LISTED]:
        _print_failure(one, console)
    if len(shown) > _LISTED:
        console.print(f"  {len(shown) - _LISTED} more")
    if not_run:
        console.print(f"  {not_run} not run")


def _print_failure(scenario: ScenarioRecord, console: Console) -> None:
    head = f" {scenario.name} {scenario.verdict}  {scenario.file}:{scenario.line}"
    console.print(Text.assemble("  ", mark(scenario.verdict, console), visible(head)), soft_wrap=True)
    step = next((f"{step.keyword} {step.text}" for step in scenario.steps if step.verdict is scenario.verdict), "")
    for said in [step, *(scenario.reason or "").splitlines()[:_REASON_LINES]]:
        if said:
            console.print(Text(f"      {visible(said)}", _MARKS[scenario.verdict][2]), soft_wrap=True)


def _print_waivers(record: RunRecord, console: Console) -> None:
    """Print what waivers make of the run; they do not change its verdict."""
    waived = sum(one.waiver is not None and not one.waiver_unused for one in record.selected)
    if waived and record.opens_gate:
        opens = f"The gate opens: what did not pass is waived ({waived} of {len(record.selected)})."
        console.print(Text(opens), soft_wrap=True)
    for one in record.selected:
        if one.waiver_unused:
            useless = f"The waiver for {one.id} is not needed, since it passed: remove it, so that the gate can open."
            console.print(Text(visible(useless), "bold red"), soft_wrap=True)


def _print_comparison(comparison: BaselineComparison, console: Console, *, ended: bool) -> None:
    """Print how a run differs from its baseline, which does not change its verdict."""

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    line("")
    line(visible(f"Against the baseline of run {comparison.run}"), "bold")
    for word, style, sentences in (
        ("worse", "bold red", comparison.worse),
        ("better", "green", comparison.better),
        ("otherwise", "yellow", comparison.otherwise),
    ):
        for sentence in sentences:
            line(visible(f"  {word}: {sentence}"), style)
    if comparison.worse:
        line(f"Worse than the baseline in {len(comparison.worse)} ways.", "bold red")
    elif not ended:
        line("Nothing is worse in what was seen, but the run did not come to its end.", "yellow")
    else:
        line("No worse than the baseline.", "bold")
    if comparison.better and not comparison.worse:
        line("What got better stays so with a new baseline: seatrial baseline --output FILE.")


def waiver_words(waiver: Waiver) -> str:
    """Return in a few words until when, by whom and why something is waived."""
    return visible(f"waived until {waiver.expiry} by {waiver.owner}: {waiver.reason}")


def print_run_line(record: RunRecord, console: Console) -> None:
    """Print one line that tells *record* from other runs: its verdict, id, target, counts and how long it took."""
    took = lasted(record.ended - record.started) if record.ended else "broken off"
    verdict = Text(f" {record.verdict!s:<13}", _MARKS[record.verdict][2])
    rest = f"{record.id}  {record.target} ({record.label}), {took}: {counted(record.counts())}"
    console.print(Text.assemble(mark(record.verdict, console), verdict, visible(rest)), soft_wrap=True)


def print_surroundings(record: RunRecord, console: Console) -> None:
    """Print what *record* ran on and with, and each file that was kept, with its digest."""
    console.print(Text("\nSurroundings", "bold"))
    for key, value in record.environment.items():
        console.print(Text.assemble(f"  {visible(key)}: ", (visible(value), "dim")), soft_wrap=True)
    artefacts = {one.path: one for one in record.artefacts}
    artefacts |= {one.path: one for scenario in record.scenarios for one in scenario.artefacts}
    console.print(Text(f"\nKept, {len(artefacts)} files", "bold"))
    for one in artefacts.values():
        console.print(
            Text.assemble(f"  {one.sha256[:12]}  {visible(one.path)}", (f"  {visible(one.title)}", "dim")),
            soft_wrap=True,
        )


def print_changes(changes: Changes, record: RunRecord, console: Console) -> None:
    """Print what changed from an earlier run to *record*, the worst first, and the counts, which add up."""
    console.print(
        Text(f"From run {changes.previous.id} to run {record.id}, on {record.target}", "bold"), soft_wrap=True
    )
    for one in changes.changed:
        said = f"  {one.change}: {one.name}  ({one.text})"
        console.print(Text.assemble(visible(said), (f"  {visible(one.file)}", "dim")), soft_wrap=True)
    console.print(Text(f"{len(changes.differences)} scenarios: {changes.words}"), soft_wrap=True)


def _print_requirement(entry: Coverage, record: RunRecord, console: Console) -> None:
    style = _MARKS[entry.verdict][2] if entry.verdict else "dim"
    where = f" ({', '.join(record.labels_of(entry))})" if entry.verdict is Verdict.PASSED else ""
    passed = sum(scenario.verdict is Verdict.PASSED for scenario in entry.scenarios)
    count = f"{passed} of {len(entry.scenarios)}" if entry.scenarios else ""
    sentence = entry.requirement.sentence
    short = sentence if len(sentence) <= _SENTENCE else f"{sentence[: _SENTENCE - 3].rstrip()}..."
    state = f"{entry.word}{where}"
    console.print(
        Text.assemble(f"  {entry.requirement.id:>4}  ", (f"{state:<36}", style), f" {count:<9} ", (short, "dim")),
        soft_wrap=True,
    )
    if entry.verdict is Verdict.PASSED and entry.requirement.open:
        console.print(Text(f"{'':>8}still open: {entry.requirement.open}", "dim"), soft_wrap=True)


def _order(word: str) -> int:
    return ("proven", "proven in part", "failed", "error", "inconclusive", "not run", "not covered").index(word)


def _time(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"  {seconds:.1f} s" if seconds >= 0.05 else ""  # noqa: PLR2004 (what would read 0.0 s)


def _own_folder(artefacts: tuple[ArtefactRecord, ...]) -> str | None:
    """Return the folder of what was kept for this scenario alone; what it applied lies with that of all others."""
    own = [artefact.path for artefact in artefacts if artefact.path.startswith("scenarios/")]
    return "/".join(own[0].split("/")[:2]) if own else None
