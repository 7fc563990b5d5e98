"""A run as JUnit XML, which CI systems read."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.audit import RunRecord, ScenarioRecord

# XML 1.0, section 2.2: what may stand in a document at all.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.INCONCLUSIVE: "failure",
    Verdict.ERROR: "error",
    Verdict.NOT_RUN: "skipped",
}


def junit(record: RunRecord) -> bytes:
    """Return the selected scenarios of *record* as JUnit XML, a suite per feature.

    JUnit knows fewer verdicts than Seatrial: inconclusive becomes a failure of the type "inconclusive", not run becomes
    skipped.
    """
    scenarios = record.selected
    root = ET.Element("testsuites", {"name": _text(f"seatrial on {record.target}"), **_totals(scenarios)})
    for feature, group in groupby(scenarios, key=lambda scenario: scenario.feature):
        members = tuple(group)
        suite = ET.SubElement(root, "testsuite", {"name": _text(feature), **_totals(members)})
        for scenario in members:
            _case(suite, scenario)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(suite: ET.Element, scenario: ScenarioRecord) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_text(scenario.feature),
        name=_text(scenario.name),
        file=_text(scenario.file),
        line=str(scenario.line),
        time=f"{scenario.duration.total_seconds():.3f}",
    )
    said = _said(scenario)
    if said:
        properties = ET.SubElement(case, "properties")
        for name, value in said:
            ET.SubElement(properties, "property", name=name, value=_text(value))
    if scenario.verdict in _ELEMENTS:
        reason = _text(scenario.reason or str(scenario.verdict))
        outcome = ET.SubElement(case, _ELEMENTS[scenario.verdict], message=reason.splitlines()[0])
        if scenario.verdict is not Verdict.NOT_RUN:
            outcome.set("type", str(scenario.verdict))
            outcome.text = "\n".join((reason, *(_text(artefact.path) for artefact in scenario.artefacts)))


def _said(scenario: ScenarioRecord) -> list[tuple[str, str]]:
    """What there is to say beside the verdict, which a waiver does not change: by name, in a line each."""
    said = [("requirement", requirement) for requirement in scenario.requirements]
    if scenario.label is not None:
        said.append(("label", str(scenario.label)))
    if scenario.waiver is not None:
        waiver = scenario.waiver
        said.append(("waiver", f"until {waiver.expiry} by {waiver.owner}: {waiver.reason}"))
    if scenario.answer is not None:
        answer = scenario.answer
        said.append(("answer", f"{answer.verdict}, by {answer.person} on {answer.date}, looking at {answer.version}"))
    return said


def _totals(scenarios: Sequence[ScenarioRecord]) -> dict[str, str]:
    verdicts = [scenario.verdict for scenario in scenarios]
    seconds = sum(scenario.duration.total_seconds() for scenario in scenarios)
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAILED) + verdicts.count(Verdict.INCONCLUSIVE)),
        "errors": str(verdicts.count(Verdict.ERROR)),
        "skipped": str(verdicts.count(Verdict.NOT_RUN)),
        "time": f"{seconds:.3f}",
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
