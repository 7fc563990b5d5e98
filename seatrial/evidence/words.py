"""How a run is put in words and signs, the same in each format it is shown in."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from seatrial.audit import RunRecord

SIGNS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "!",
    Verdict.NOT_RUN: "○",
}
# The words for a requirement, from the best to what nobody looked at.
COVERAGE_SIGNS = {
    "proven": "✓",
    "proven in part": "◐",
    "failed": "✗",
    "error": "!",
    "inconclusive": "?",
    "not run": "○",
    "not covered": "–",  # noqa: RUF001 (a dash is meant)
}
# What would act on a terminal or reorder the text beside it: controls, directions, invisible signs, half of a pair.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_MINUTE, _HOUR = 60, 3600
_Word = TypeVar("_Word", bound=str)


def visible(text: str) -> str:
    r"""Return *text* with each sign that cannot be seen, or acts on what surrounds it, as an escape such as \u202e."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def slug(text: str, longest: int = 40) -> str:
    """Return *text* as lower-case letters, digits and dashes, at most *longest* of them; never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:longest].strip("-") or "scenario"


def one_line(text: str) -> str:
    """Return *text* in one line, without signs that cannot be seen."""
    return visible(" ".join(text.split()))


def address(path: str) -> str:
    """Return *path* as it stands in a URL; a byte that was no UTF-8 stays that byte."""
    from_disk = all("\udc80" <= sign <= "\udcff" for sign in path if "\ud800" <= sign <= "\udfff")
    return quote(path.encode("utf-8", errors="surrogateescape" if from_disk else "replace"))


def shortened(text: str, longest: int) -> str:
    """Return *text*, cut to *longest* signs, with a note of how much is missing if something is."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest} more characters)"


def coverage_counts(record: RunRecord) -> Mapping[str, int]:
    """How many requirements have each word; each word is present, and they add up to the whole register."""
    found = Counter(entry.word for entry in record.coverage())
    return {word: found[word] for word in COVERAGE_SIGNS}


def counted(counts: Mapping[_Word, int]) -> str:
    """Return the counts that are not zero in one line, such as "3 passed, 1 failed"."""
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"


def gate_sentence(record: RunRecord) -> str:
    """Say whether a gate may let this run through, and why (not)."""
    selected = record.selected
    if not selected:
        return "The gate stays closed: no scenario was selected."
    passed = sum(scenario.verdict is Verdict.PASSED for scenario in selected)
    waived = sum(scenario.waiver is not None and not scenario.waiver_unused for scenario in selected)
    unused = sum(scenario.waiver_unused for scenario in selected)
    every = _scenarios(len(selected))
    if record.opens_gate and not waived:
        return f"The gate opens: {'all ' if len(selected) > 1 else ''}{every} passed."
    if record.opens_gate:
        return f"The gate opens: {passed} of {every} passed, and {waived} {_are(waived)} waived."
    parts = ["the run was broken off"] if record.ended is None else []
    missing = len(selected) - passed - waived
    parts.append(f"{missing} of {every} did not pass" if missing else f"{passed} of {every} passed")
    parts += [f"{waived} {_are(waived)} waived"] if waived else []
    parts += [f"{unused} passed although waived, so the waiver must go"] if unused else []
    return f"The gate stays closed: {'; '.join(parts)}."


def baseline_sentence(record: RunRecord) -> str | None:
    """Say what holding this run against a baseline came to; None if it was not."""
    if record.comparison is None:
        return None
    worse = len(record.comparison.worse)
    found = f"{worse} {'thing is' if worse == 1 else 'things are'} worse" if worse else "nothing is worse"
    goes_on = "may go on" if record.ends_well else "must not go on"
    return f"Held against the baseline of run {record.comparison.run}, {found}: a pipeline {goes_on}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _scenarios(count: int) -> str:
    return f"{count} scenario{'' if count == 1 else 's'}"


def lasted(duration: timedelta) -> str:
    """Return *duration* as a person would say it: "40 ms", "0.3 s", "2 min 5 s", "1 h 12 min"."""
    seconds = duration.total_seconds()
    if seconds < 0.1:  # noqa: PLR2004 (what would read 0.0 s or be off by half)
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE - 0.05:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if seconds < _HOUR:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
