"""Each format says the same as the record: what is counted, what did not pass, and where."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from seatrial.audit import ArtefactRecord, RunRecord, ScenarioRecord, StepRecord, Waiver
from seatrial.evidence.compare import compare
from seatrial.evidence.cucumber import cucumber
from seatrial.evidence.html import html
from seatrial.evidence.junit import junit
from seatrial.evidence.markdown import LIMIT, add_step_summary, markdown
from seatrial.evidence.sarif import sarif
from seatrial.evidence.store import load_run
from seatrial.evidence.terminal import print_summary
from seatrial.evidence.words import COVERAGE_SIGNS, counted, coverage_counts
from seatrial.requirements import register
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict
from suites.unit.evidence.samples import NOW, sample_run

if TYPE_CHECKING:
    from pathlib import Path

MIXES = [mix for size in (1, 2, 3) for mix in combinations_with_replacement(list(Verdict), size)]
CUCUMBER = {"passed": "passed", "failed": "failed", "error": "failed", "inconclusive": "pending", "not run": "skipped"}


def scenario(number: int, verdict: Verdict, *, selected: bool = True, in_step: bool = True) -> ScenarioRecord:
    """Return a scenario whose verdict shows in its last step, or only in what surrounds its steps."""
    last = verdict if in_step else Verdict.PASSED
    steps = [StepRecord("When", "it sails", 4, Verdict.PASSED, timedelta(seconds=1), NOW)]
    steps.append(StepRecord("Then", "it arrives", 5, last, timedelta(seconds=0.25), NOW))
    return ScenarioRecord(
        feature="Ships",
        file="features/ships.feature",
        rule="They float",
        name=f"Voyage {number}",
        line=3,
        test=f"t{number}",
        tags=("req-5.1",),
        requirements=("5.1", "8.3") if number % 2 else ("6.1",),
        selected=selected,
        verdict=verdict,
        reason=None if verdict is Verdict.PASSED else "it sank",
        started=NOW if selected else None,
        duration=timedelta(seconds=1.5),
        steps=tuple(steps),
        artefacts=(ArtefactRecord("scenarios/001/call.txt", "0" * 64, 9, "what went wrong"),),
    )


def run(*scenarios: ScenarioRecord) -> RunRecord:
    return RunRecord("r1", "local", TruthLabel.EMBEDDED, NOW, NOW + timedelta(seconds=9), scenarios, register())


def mixed(mix: tuple[Verdict, ...], *, in_step: bool = True) -> RunRecord:
    left_out = scenario(99, Verdict.NOT_RUN, selected=False)
    return run(*(scenario(number, verdict, in_step=in_step) for number, verdict in enumerate(mix)), left_out)


@pytest.mark.parametrize("in_step", [True, False])
@pytest.mark.parametrize("mix", MIXES, ids="+".join)
def test_counts_reconcile(mix: tuple[Verdict, ...], in_step: bool, tmp_path: Path) -> None:  # noqa: FBT001 (a case)
    record = mixed(mix, in_step=in_step)
    counts, coverage = record.counts(), coverage_counts(record)
    scenarios, requirements = counted(counts), counted(coverage)
    assert sum(counts.values()) == len(mix)
    assert sum(coverage.values()) == len(register().requirements) == 41

    page = io.StringIO()
    print_summary(record, Console(file=page, width=300))
    assert f"{len(mix)} scenarios: {scenarios}; 1 more not selected\n" in page.getvalue()
    assert f"41 requirements: {requirements}\n" in page.getvalue()

    tree = LexborHTMLParser(html(record, None, tmp_path).decode())
    shown = Counter(" ".join(node.text().split()) for node in tree.css("article.scenario > h5 > .mark"))
    wanted = Counter(
        f"{mark} {verdict}" for verdict, mark in zip(Verdict, "✓✗?○!", strict=True) for _ in range(counts[verdict])
    )
    assert shown == wanted + Counter(["○ not run"])
    assert text_of(tree, "#counts") == f"{len(mix)} selected: {scenarios}; 1 more not selected"
    assert ", ".join(" ".join(node.text().split()) for node in tree.css("#coverage li")) == requirements
    words = Counter(" ".join(node.text().split()[1:]) for node in tree.css(".requirement > p > .mark"))
    assert words == Counter({word: count for word, count in coverage.items() if count})
    assert len(tree.css(".listed > li")) == len(mix) - counts[Verdict.PASSED]

    suites = ET.fromstring(junit(record))
    totals = {name: int(suites.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {
        "tests": len(mix),
        "failures": counts[Verdict.FAILED] + counts[Verdict.INCONCLUSIVE],
        "errors": counts[Verdict.ERROR],
        "skipped": counts[Verdict.NOT_RUN],
    }

    statuses = Counter(status_of(element) for feature in read_cucumber(record) for element in feature.elements)
    assert statuses == Counter(CUCUMBER[str(verdict)] for verdict in mix)

    (found,) = json.loads(sarif(record))["runs"]
    assert Counter(one["properties"]["verdict"] for one in found["results"]) == Counter(
        str(verdict) for verdict in mix if verdict is not Verdict.PASSED
    )

    summary = markdown(record).decode()
    assert f"| scenarios | {len(mix)} selected: {scenarios}; 1 not selected |" in summary
    assert f"| requirements | 41: {requirements} |" in summary
    rows = Counter(re.findall(r"^\| . (failed|inconclusive|error|not run) \| Voyage", summary, re.MULTILINE))
    assert rows == Counter(str(verdict) for verdict in mix if verdict is not Verdict.PASSED)


def text_of(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    assert node is not None
    return " ".join(node.text().split())


# The shape that Cucumber documents for its JSON reports; nothing else may be in them.


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Result(_Strict):
    status: Literal["passed", "failed", "skipped", "pending", "undefined", "ambiguous"]
    duration: int = Field(ge=0)
    error_message: str | None = None


class _Match(_Strict):
    location: str


class _Step(_Strict):
    keyword: str = Field(pattern=" $")
    name: str
    line: int = Field(ge=1)
    match: _Match
    result: _Result


class _Hook(_Strict):
    match: _Match
    result: _Result


class _Tag(_Strict):
    name: str = Field(pattern="^@")
    line: int


class _Element(_Strict):
    id: str
    type: Literal["scenario"]
    keyword: str
    name: str
    description: str
    line: int = Field(ge=1)
    tags: list[_Tag]
    steps: list[_Step]
    after: list[_Hook] = Field(default_factory=list)
    start_timestamp: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class _Feature(_Strict):
    uri: str
    id: str
    keyword: Literal["Feature"]
    name: str
    description: str
    line: int
    tags: list[_Tag]
    elements: list[_Element]


def read_cucumber(record: RunRecord) -> list[_Feature]:
    return TypeAdapter(list[_Feature]).validate_json(cucumber(record))


def status_of(element: _Element) -> str:
    """Return a scenario's status as readers of the format make it: the worst of steps and hooks."""
    order = ["passed", "skipped", "pending", "undefined", "ambiguous", "failed"]
    results = [step.result.status for step in element.steps] + [hook.result.status for hook in element.after]
    return max(results, key=order.index, default="passed")


def test_cucumber_has_durations_in_nanoseconds_and_reasons_where_something_went_wrong() -> None:
    ((element,),) = [feature.elements for feature in read_cucumber(run(scenario(1, Verdict.ERROR)))]
    first, last = element.steps
    assert (first.result.duration, first.result.error_message) == (1_000_000_000, None)
    assert last.match.location == "features/ships.feature:5"
    assert last.result.error_message == "error: it sank\nevidence: scenarios/001/call.txt"
    assert element.after == []


def test_cucumber_tells_in_a_hook_what_no_step_tells() -> None:
    ((element,),) = [feature.elements for feature in read_cucumber(run(scenario(1, Verdict.ERROR, in_step=False)))]
    assert [hook.result.status for hook in element.after] == ["failed"]


def test_sarif_names_rule_place_and_reason() -> None:
    document = json.loads(sarif(run(scenario(0, Verdict.PASSED), scenario(1, Verdict.FAILED))))
    assert (document["version"], document["$schema"].rpartition("/")[2]) == ("2.1.0", "sarif-2.1.0.json")
    (found,) = document["runs"]
    (result,) = found["results"]
    assert (result["ruleId"], result["level"]) == ("5.1", "error")
    assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "5.1"
    assert result["properties"]["requirements"] == ["5.1", "8.3"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "features/ships.feature", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 3}
    assert result["relatedLocations"][0]["physicalLocation"]["region"] == {"startLine": 5}
    assert result["message"]["text"] == "Voyage 1: failed: it sank"
    assert "suppressions" not in result


def test_sarif_has_what_the_standard_requires() -> None:
    document = json.loads(sarif(run(*(scenario(number, verdict) for number, verdict in enumerate(Verdict)))))
    assert set(document) == {"$schema", "version", "runs"}
    (found,) = document["runs"]
    assert found["tool"]["driver"]["name"] == "Seatrial"
    rules = found["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in found["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert all(place["physicalLocation"]["region"]["startLine"] >= 1 for place in result["locations"])
    assert found["invocations"][0]["executionSuccessful"] is True


def test_a_waiver_is_a_suppression() -> None:
    waived = replace(scenario(1, Verdict.FAILED), waiver=Waiver("known", "ops", "2031-06-01"))
    (result,) = json.loads(sarif(run(waived)))["runs"][0]["results"]
    (suppression,) = result["suppressions"]
    assert suppression == {"kind": "external", "status": "accepted", "justification": "known (ops, until 2031-06-01)"}


def test_a_scenario_that_proves_nothing_has_a_rule_of_its_own() -> None:
    (result,) = json.loads(sarif(run(replace(scenario(1, Verdict.FAILED), requirements=()))))["runs"][0]["results"]
    assert result["ruleId"] == "no-requirement"


def test_a_summary_says_what_changed() -> None:
    before = run(scenario(0, Verdict.PASSED), scenario(1, Verdict.PASSED))
    after = run(scenario(0, Verdict.PASSED), scenario(1, Verdict.INCONCLUSIVE))
    text = markdown(after, compare(before, after)).decode()
    assert "| since r1 | 1 no longer passed, 1 unchanged |" in text
    assert "| no longer passed | Voyage 1 | passed, now inconclusive |" in text


def test_a_summary_is_cut_where_github_would_not_show_it() -> None:
    many = run(*(replace(scenario(n, Verdict.FAILED), reason="x" * 5000) for n in range(3000)))
    text = markdown(many)
    assert len(text) <= LIMIT
    left_out = int(re.findall(rb"_(\d+) more lines did not fit here", text)[0])
    whole = markdown(many, limit=10**9)
    assert len(text.splitlines()) - 2 + left_out == len(whole.splitlines())


def test_a_summary_is_added_where_github_asks_for_it_and_there_is_room(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    asked = {"GITHUB_STEP_SUMMARY": str(file)}
    assert not add_step_summary(b"x", {})
    assert add_step_summary(b"one\n", asked)
    assert add_step_summary(b"two\n", asked)
    assert not add_step_summary(b"x" * LIMIT, asked)
    assert file.read_bytes() == b"one\ntwo\n"


def test_what_is_left_at_the_end_of_a_run_reconciles_with_its_journal(tmp_path: Path) -> None:
    directory = sample_run(tmp_path, 40)
    record = load_run(directory.path)
    directory.write(record)
    counts = record.counts()
    assert int(ET.parse(directory.path / "junit.xml").getroot().attrib["tests"]) == sum(counts.values()) == 36
    features = json.loads((directory.path / "cucumber.json").read_bytes())
    assert sum(len(feature["elements"]) for feature in features) == 36
    findings = json.loads((directory.path / "findings.sarif").read_bytes())["runs"][0]["results"]
    assert len(findings) == 36 - counts[Verdict.PASSED]
    tree = LexborHTMLParser((directory.path / "report.html").read_text())
    assert len(tree.css("article.scenario")) == 40
    assert len(tree.css(".requirement")) == 41
    assert {entry.word for entry in record.coverage()} <= COVERAGE_SIGNS.keys()
