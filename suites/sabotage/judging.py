"""Whether a sabotage was seen: by the right scenario, at the right sentence, and by nothing else than the sabotage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seatrial.audit import ScenarioRecord
    from suites.sabotage.declaration import Sabotage, Sight

ENOUGH = 0.95


class Outcome(StrEnum):
    """caught: it was seen where it had to be. missed: nobody said that something was wrong."""

    CAUGHT = "caught"
    MISSED = "missed"
    UNJUDGED = "could not be judged"


@dataclass(frozen=True)
class Finding:
    """How it went with a sabotage; *reasons* say why it was not caught. *inconclusive*: the scenario could not tell."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    inconclusive: bool = False


_WORST_FIRST = (Outcome.MISSED, Outcome.UNJUDGED, Outcome.CAUGHT)


def seen(sight: Sight, record: ScenarioRecord | None) -> Finding:
    """Judge what a scenario said of a sabotage that it has to see; None is for one of which there is no record."""
    if record is None or record.verdict is Verdict.NOT_RUN:
        return Finding(Outcome.UNJUDGED, (f"{sight.scenario!r} was not run",))
    said = f"{sight.scenario!r}: {record.verdict}"
    why = f" ({record.reason})" if record.reason else ""
    match record.verdict:
        case Verdict.PASSED:
            return Finding(Outcome.MISSED, (said,))
        case Verdict.INCONCLUSIVE:
            return Finding(Outcome.MISSED, (said + why,), inconclusive=True)
        case Verdict.FAILED:
            failed = next((step.text for step in record.steps if step.verdict is Verdict.FAILED), None)
            if failed == sight.step:
                return Finding(Outcome.CAUGHT)
            where = f"at {failed!r}" if failed is not None else "beside its steps"
            return Finding(Outcome.UNJUDGED, (f"{said} {where}, and not at {sight.step!r}{why}",))
        case _:
            return Finding(Outcome.UNJUDGED, (said + why,))


def twin(sight: Sight, record: ScenarioRecord | None) -> Finding:
    """Judge the same scenario without the sabotage: only if it passes does its failing mean anything."""
    if record is not None and record.verdict is Verdict.PASSED:
        return Finding(Outcome.CAUGHT)
    said = "was not run" if record is None else f"{record.verdict} ({record.reason})"
    return Finding(Outcome.UNJUDGED, (f"{sight.scenario!r} without the sabotage: {said}",))


def together(findings: Iterable[Finding]) -> Finding:
    """Return what several findings about one sabotage come to: the worst of them, with all reasons."""
    told = tuple(findings)
    outcome = next((worst for worst in _WORST_FIRST if any(one.outcome is worst for one in told)), Outcome.UNJUDGED)
    reasons = tuple(dict.fromkeys(reason for one in told for reason in one.reasons))
    return Finding(outcome, reasons, inconclusive=any(one.inconclusive for one in told))


def judged(
    sabotages: Sequence[Sabotage],
    broken: Mapping[str, Mapping[str, ScenarioRecord]],
    sound: Mapping[str, ScenarioRecord],
) -> Mapping[str, Finding]:
    """Judge each of *sabotages*, by its name.

    *broken* has the records of its run, by its name and by the scenarios' ids; *sound* those of the run without any.
    """
    return {
        each.name: together(
            finding
            for sight in each.sights
            for finding in (seen(sight, broken.get(each.name, {}).get(sight.id)), twin(sight, sound.get(sight.id)))
        )
        for each in sabotages
    }


def rate(findings: Iterable[Finding]) -> float:
    """Return the share of *findings* that are caught, from 0 to 1; what could not be judged was not caught."""
    outcomes = [one.outcome for one in findings]
    return outcomes.count(Outcome.CAUGHT) / len(outcomes) if outcomes else 0.0


def ends_well(findings: Iterable[Finding]) -> bool:
    """Whether at least 95 of 100 were caught, and no scenario failed to see one for want of evidence."""
    told = tuple(findings)
    return rate(told) >= ENOUGH and not any(one.inconclusive for one in told)
