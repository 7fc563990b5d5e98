"""A run as Cucumber JSON, which dashboards and CI plug-ins read."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from seatrial.evidence.words import slug, visible
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from datetime import timedelta

    from seatrial.audit import RunRecord, ScenarioRecord, StepRecord

# Cucumber's own words, from best to worst; what cannot be told in them is told in a hook's error message.
_STATUS = {
    Verdict.PASSED: "passed",
    Verdict.NOT_RUN: "skipped",
    Verdict.INCONCLUSIVE: "pending",
    Verdict.ERROR: "failed",
    Verdict.FAILED: "failed",
}
_WORST = ("passed", "skipped", "pending", "failed")


def cucumber(record: RunRecord) -> bytes:
    """Return the selected scenarios of *record* as Cucumber JSON.

    Cucumber knows fewer verdicts than Seatrial: inconclusive becomes pending, not run becomes skipped, error becomes
    failed with a message that begins with "error". A reader takes the worst status of steps and hooks for the
    scenario's; where the steps alone would say something else (a clean-up that failed, a run that was broken off), an
    "after" hook carries the verdict and its reason.
    """
    groups = groupby(record.selected, key=lambda scenario: (scenario.file, scenario.feature))
    features = [_feature(number, tuple(members)) for number, (_, members) in enumerate(groups, start=1)]
    return json.dumps(features, indent=1, ensure_ascii=True).encode() + b"\n"


def _feature(number: int, members: tuple[ScenarioRecord, ...]) -> dict[str, object]:
    first = members[0]
    identifier = f"{slug(first.feature)}-{number}"
    return {
        "uri": visible(first.file),
        "id": identifier,
        "keyword": "Feature",
        "name": visible(first.feature),
        "description": "",
        "line": 1,
        "tags": [],
        "elements": [_element(identifier, place, scenario) for place, scenario in enumerate(members, start=1)],
    }


def _element(feature: str, place: int, scenario: ScenarioRecord) -> dict[str, object]:
    element: dict[str, object] = {
        "id": f"{feature};{slug(scenario.name)}-{place}",
        "type": "scenario",
        "keyword": "Scenario",
        "name": visible(scenario.name),
        "description": visible(scenario.rule or ""),
        "line": max(scenario.line, 1),
        "tags": [{"name": f"@{visible(tag)}", "line": max(scenario.line, 1)} for tag in scenario.tags],
        "steps": [_step(scenario, step) for step in scenario.steps],
    }
    if scenario.started is not None:
        element["start_timestamp"] = f"{scenario.started:%Y-%m-%dT%H:%M:%S}.{scenario.started.microsecond // 1000:03d}Z"
    told = max((_STATUS[step.verdict] for step in scenario.steps), key=_WORST.index, default=None)
    if told != _STATUS[scenario.verdict]:
        result = {"status": _STATUS[scenario.verdict], "duration": 0}
        element["after"] = [
            {"match": {"location": "seatrial"}, "result": _explained(scenario, scenario.verdict, result)}
        ]
    return element


def _step(scenario: ScenarioRecord, step: StepRecord) -> dict[str, object]:
    result: dict[str, object] = {"status": _STATUS[step.verdict], "duration": _nanoseconds(step.duration)}
    if step.verdict not in (Verdict.PASSED, Verdict.NOT_RUN):
        result = _explained(scenario, step.verdict, result)
    return {
        "keyword": f"{visible(step.keyword)} ",
        "name": visible(step.text),
        "line": max(step.line, 1),
        "match": {"location": visible(f"{scenario.file}:{max(step.line, 1)}")},
        "result": result,
    }


def _explained(scenario: ScenarioRecord, verdict: Verdict, result: dict[str, object]) -> dict[str, object]:
    if verdict is Verdict.PASSED:
        return result
    files = [f"evidence: {artefact.path}" for artefact in scenario.artefacts]
    said = "\n".join((f"{verdict}: {scenario.reason or 'no reason was given'}", *files))
    return {**result, "error_message": visible(said)}


def _nanoseconds(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1e9)
