"""What a run found, as SARIF 2.1.0, which code-scanning services read."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePath
from typing import TYPE_CHECKING

from seatrial.evidence.words import address, one_line, visible
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from seatrial.audit import RunRecord, ScenarioRecord
    from seatrial.requirements import Requirement

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NO_REQUIREMENT = "no-requirement"
_LEVEL = {
    Verdict.FAILED: "error",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NOT_RUN: "warning",
}


def sarif(record: RunRecord) -> bytes:
    """Return a finding for each selected scenario of *record* that did not pass.

    Its rule is the first requirement that the scenario proves (all of them are among its properties), its place the
    scenario in its feature file. Failed and error are errors; inconclusive and not run are warnings, since services do
    not show the kind "open" that SARIF has for them. A waiver is a suppression.
    """
    findings = [scenario for scenario in record.selected if scenario.verdict is not Verdict.PASSED]
    used = {_rule(scenario) for scenario in findings}
    rules = [_descriptor(requirement) for requirement in record.register if visible(requirement.id) in used]
    rules += [_plain_descriptor(name) for name in sorted(used - {str(rule["id"]) for rule in rules})]
    places = {str(rule["id"]): index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "Seatrial",
                "semanticVersion": record.environment.get("package seatrial", "0.0.0"),
                "rules": rules,
            }
        },
        "automationDetails": {"id": f"seatrial/{visible(record.target)}/{record.id}"},
        "invocations": [_invocation(record)],
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder in which the run was started."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(scenario, places[_rule(scenario)]) for scenario in findings],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1, ensure_ascii=True).encode() + b"\n"


def _invocation(record: RunRecord) -> dict[str, object]:
    times = {"startTimeUtc": f"{record.started:%Y-%m-%dT%H:%M:%SZ}"}
    if record.ended is not None:
        times["endTimeUtc"] = f"{record.ended:%Y-%m-%dT%H:%M:%SZ}"
    return {"executionSuccessful": record.ended is not None, **times}


def _rule(scenario: ScenarioRecord) -> str:
    return visible(scenario.requirements[0]) if scenario.requirements else NO_REQUIREMENT


def _descriptor(requirement: Requirement) -> dict[str, object]:
    return {
        "id": visible(requirement.id),
        "shortDescription": {"text": one_line(requirement.sentence)},
        "fullDescription": {"text": one_line(f"{requirement.sentence} ({requirement.source})")},
    }


def _plain_descriptor(name: str) -> dict[str, object]:
    text = "A scenario that proves no requirement" if name == NO_REQUIREMENT else f"Requirement {one_line(name)}"
    return {"id": name, "shortDescription": {"text": text}}


def _result(scenario: ScenarioRecord, rule: int) -> dict[str, object]:
    reason = scenario.reason or "no reason was given"
    result: dict[str, object] = {
        "ruleId": _rule(scenario),
        "ruleIndex": rule,
        "level": _LEVEL[scenario.verdict],
        "message": {"text": visible(f"{scenario.name}: {scenario.verdict}: {reason}")},
        "locations": [_location(scenario.file, scenario.line)],
        # By this a service knows a finding again when lines have moved.
        "partialFingerprints": {"scenario/v1": _digest(f"{scenario.file}\n{scenario.name}")},
        "properties": {
            "verdict": str(scenario.verdict),
            "requirements": [visible(identifier) for identifier in scenario.requirements],
            "evidence": [visible(artefact.path) for artefact in scenario.artefacts],
        },
    }
    stopped = next((step for step in scenario.steps if step.verdict not in (Verdict.PASSED, Verdict.NOT_RUN)), None)
    if stopped is not None:
        said = {"message": {"text": visible(f"{stopped.keyword} {stopped.text}")}}
        result["relatedLocations"] = [{**_location(scenario.file, stopped.line), **said}]
    if scenario.waiver is not None:
        waiver = scenario.waiver
        why = f"{waiver.reason} ({waiver.owner}, until {waiver.expiry})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": visible(why)}]
    return result


def _location(file: str, line: int) -> dict[str, object]:
    path = PurePath(file)
    name = address(path.as_posix())
    place = {"uri": f"file://{name}"} if path.is_absolute() else {"uri": name, "uriBaseId": "SRCROOT"}
    return {"physicalLocation": {"artifactLocation": place, "region": {"startLine": max(line, 1)}}}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
