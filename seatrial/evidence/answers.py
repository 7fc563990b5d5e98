"""Answers: what people found who looked at what no machine can, and how pytest handles the scenarios they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from seatrial.audit.records import MANUAL
from seatrial.evidence.entries import read_by_id
from seatrial.evidence.recording import template_of
from seatrial.verdict import Inconclusive, Verdict

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import date

    from seatrial.audit import ScenarioRecord
    from seatrial.evidence.entries import Entry
    from seatrial.evidence.identity import Identities

FILE = "answers.toml"
LONGEST_ANSWER = timedelta(days=366)
_KEYS = ("id", "verdict", "person", "date", "version", "expiry", "evidence")
_VERDICTS = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Given:
    """An answer as it is given: as in `seatrial.audit.Answer`, *evidence* the file where it lies."""

    verdict: Verdict
    person: str
    date: str
    version: str
    expiry: str
    evidence: Path


def read_answers(files: Sequence[Path], identities: Identities, today: date) -> Mapping[str, Given]:
    """Return the answers in *files*, by the id of the scenario that each is for; some may have expired.

    Raises UsageError, with a sentence per line, if one lacks something, is of a day after *today*, is to hold for more
    than 366 days, has no evidence, is for a scenario that does not exist or that a machine answers, or for one that has
    an answer already.
    """

    def read(entry: Entry, folder: Path) -> tuple[str, Given]:
        return _given(entry, folder, identities, today)

    return read_by_id(files, "answer", _KEYS, read, "answered")


def _given(entry: Entry, folder: Path, identities: Identities, today: date) -> tuple[str, Given]:
    identifier = entry.text("id", "FILE.feature::NAME")
    verdict = entry.text("verdict", "passed")
    given = Given(
        Verdict(verdict) if verdict in _VERDICTS else Verdict.NOT_RUN,
        entry.text("person", "who looked"),
        entry.day("date").isoformat(),
        entry.text("version", "what was looked at: a version or a commit"),
        entry.day("expiry").isoformat(),
        folder / entry.text("evidence", "a file beside this one"),
    )
    if entry.troubles:
        return identifier, given
    trouble = identities.trouble(identifier)
    if trouble is not None:
        entry.complain(trouble)
    elif not identities.is_manual(identifier):
        entry.complain(f"a machine answers it: remove the entry, or tag the scenario @{MANUAL}")
    if verdict not in _VERDICTS:
        entry.complain(f"the verdict {verdict!r} is none a person can give: write {', '.join(_VERDICTS)}")
    looked, expiry = entry.day("date"), entry.day("expiry")
    if looked > today:
        entry.complain(f"the date {looked} is yet to come: write the day on which somebody looked")
    if expiry < looked:
        entry.complain(f"it expires on {expiry}, before the day {looked} on which somebody looked: correct one of them")
    if expiry - looked > LONGEST_ANSWER:
        entry.complain(f"it is to hold for more than {LONGEST_ANSWER.days} days, until {expiry}: look again before")
    if trouble := _unfit(given.evidence, entry.text("evidence", "")):
        entry.complain(trouble)
    return identifier, given


def _unfit(evidence: Path, written: str) -> str | None:
    if Path(written).is_absolute():
        return f"the evidence {written} is an absolute path: write it as seen from the file of answers"
    if not evidence.is_file():
        return f"the evidence {written} is no file beside the file of answers: put it there"
    if evidence.stat().st_size == 0:
        return f"the evidence {written} is empty: put there what was seen"
    return None


class ManualScenario(pytest.Item):
    """A scenario that a person answers, in the place of the one that pytest-bdd made: no step or fixture is run.

    It can be selected like the one it stands for. *found* is its record, once the run has begun.
    """

    def __init__(self, *, stands_for: pytest.Function, **rest: Any) -> None:  # noqa: ANN401 (what pytest hands on)
        super().__init__(**rest)
        self.stands_for = stands_for
        self.obj = stands_for.obj
        if hasattr(stands_for, "callspec"):
            self.callspec = stands_for.callspec
            self.cls = stands_for.cls  # pytest asks each item with a callspec for it
        self.own_markers.extend(stands_for.own_markers)
        self.extra_keyword_matches.update(stands_for.extra_keyword_matches)
        self.keywords.update({name: stands_for.keywords[name] for name in stands_for.keywords})
        self.found: ScenarioRecord | None = None

    @classmethod
    def in_place_of(cls, item: pytest.Function) -> ManualScenario:
        """Return one for *item*."""
        made: ManualScenario = cls.from_parent(cast("pytest.Collector", item.parent), name=item.name, stands_for=item)
        return made

    def runtest(self) -> None:
        """Say to pytest what the person found."""
        if self.found is None:
            raise LookupError("the answer is known when the run begins, and this one has not begun")
        reason = self.found.reason or str(self.found.verdict)
        match self.found.verdict:
            case Verdict.PASSED:
                return
            case Verdict.NOT_RUN:
                pytest.skip(reason)
            case Verdict.INCONCLUSIVE:
                raise Inconclusive(reason)
            case _:
                raise AssertionError(reason)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Say where it stands, as the one it stands for does."""
        return self.stands_for.reportinfo()


def answered_by_persons(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return *items* with a ManualScenario in the place of each scenario that is tagged so."""
    return [
        ManualScenario.in_place_of(item)
        if isinstance(item, pytest.Function)
        and template_of(item) is not None
        and item.get_closest_marker(MANUAL) is not None
        else item
        for item in items
    ]
