"""A run as Markdown, for the summary that GitHub shows beside a job."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.evidence.resilience import resilience
from seatrial.evidence.words import (
    COVERAGE_SIGNS,
    SIGNS,
    counted,
    coverage_counts,
    gate_sentence,
    lasted,
    one_line,
    shortened,
)
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from seatrial.audit import RunRecord, ScenarioRecord
    from seatrial.evidence.compare import Changes

# https://docs.github.com/actions: a step's summary is limited to 1 MiB; one that is larger is not shown at all.
LIMIT = 2**20
# What has a meaning within a line or a table's cell, or makes a link of an address.
_MEANING = re.compile(r"""[!"#$%*+/:=>?@\[\\\]^_`{|}~]|(?<=www)\.""", re.IGNORECASE)
_LONGEST = 600


def markdown(record: RunRecord, changes: Changes | None = None, *, limit: int = LIMIT) -> bytes:
    """Return *record* as GitHub's Markdown, at most *limit* bytes; what does not fit is counted at its end."""
    ending = "\n_{} more lines did not fit here; the report has them._\n"
    room = limit - len(ending) - 20
    kept, used, left_out = [], 0, 0
    for line in _lines(record, changes):
        size = len(line.encode()) + 1
        if left_out or used + size > room:
            left_out += 1
        else:
            kept.append(line)
            used += size
    text = "\n".join(kept) + "\n"
    return (text + ending.format(left_out) if left_out else text).encode()


def add_step_summary(content: bytes, environment: Mapping[str, str] | None = None) -> bool:
    """Add *content* to the file that GitHub names in GITHUB_STEP_SUMMARY; return whether it was added.

    Nothing is added where GitHub names none, or where it would make the file too large to be shown. Raises OSError if
    the file cannot be written.
    """
    name = (os.environ if environment is None else environment).get("GITHUB_STEP_SUMMARY")
    if not name:
        return False
    file = Path(name)
    if len(content) + (file.stat().st_size if file.exists() else 0) > LIMIT:
        return False
    with file.open("ab") as stream:
        stream.write(content)
    return True


def escaped(text: str, longest: int = _LONGEST) -> str:
    """Return *text* as one line that Markdown shows as it stands: no tag, link, picture or table cell comes of it."""
    plain = shortened(one_line(text), longest).replace("&", "&amp;").replace("<", "&lt;")
    return _MEANING.sub(r"\\\g<0>", plain)


def _lines(record: RunRecord, changes: Changes | None) -> Iterator[str]:
    yield f"## {SIGNS[record.verdict]} Seatrial: {record.verdict}"
    yield ""
    yield gate_sentence(record)
    yield ""
    yield from _facts(record, changes)
    findings = [scenario for scenario in record.selected if scenario.verdict is not Verdict.PASSED]
    if findings:
        yield from ("", "### What did not pass", "", "| | scenario | requirements | why |", "|---|---|---|---|")
        yield from map(_finding, findings)
    if changes is not None and changes.changed:
        yield from ("", "### Since the run before", "", "| change | scenario | |", "|---|---|---|")
        for one in changes.changed:
            yield f"| {one.change} | {escaped(one.name)} | {escaped(one.text)} |"
    yield from (
        "",
        "<details><summary>Requirements</summary>",
        "",
        "| | id | requirement | passed |",
        "|---|---|---|---|",
    )
    for entry in record.coverage():
        passed = sum(scenario.verdict is Verdict.PASSED for scenario in entry.scenarios)
        count = f"{passed} of {len(entry.scenarios)}" if entry.scenarios else ""
        sign = COVERAGE_SIGNS[entry.word]
        sentence = escaped(entry.requirement.sentence)
        where = f" ({', '.join(record.labels_of(entry))})" if entry.verdict is Verdict.PASSED else ""
        yield f"| {sign} {entry.word}{where} | {escaped(entry.requirement.id)} | {sentence} | {count} |"
    yield from ("", "</details>")


def _facts(record: RunRecord, changes: Changes | None) -> Iterable[str]:
    coverage = coverage_counts(record)
    beside = len(record.scenarios) - len(record.selected)
    yield "| | |"
    yield "|---|---|"
    yield f"| scenarios | {len(record.selected)} selected: {counted(record.counts())}; {beside} not selected |"
    yield f"| requirements | {sum(coverage.values())}: {counted(coverage)} |"
    yield f"| target | {escaped(record.target)} ({record.label}) |"
    yield f"| commit | {escaped(record.environment.get('project commit', 'unknown'))} |"
    found = resilience(record)
    if found is not None:
        yield f"| resilience | {found} |"
    time = f", took {lasted(record.ended - record.started)}" if record.ended else ", broken off before its end"
    yield f"| started | {record.started:%Y-%m-%d %H:%M:%S} UTC{time} |"
    if changes is not None:
        yield f"| since {escaped(changes.previous.id)} | {changes.words} |"
    yield f"| run | {escaped(record.id)} |"


def _finding(scenario: ScenarioRecord) -> str:
    name = f"{escaped(scenario.name)}<br>{escaped(f'{scenario.file}:{scenario.line}')}"
    waiver = scenario.waiver
    waived = (
        f"<br>waived until {escaped(waiver.expiry)} by {escaped(waiver.owner)}: {escaped(waiver.reason)}"
        if waiver
        else ""
    )
    ids = ", ".join(map(escaped, scenario.requirements))
    return (
        f"| {SIGNS[scenario.verdict]} {scenario.verdict} | {name} | {ids} | {escaped(scenario.reason or '')}{waived} |"
    )
