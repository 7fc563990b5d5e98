"""Records, the run directory, JUnit and the printed tree."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from seatrial.audit import Journal, RunRecord, ScenarioRecord, StepRecord
from seatrial.audit.replay import FORMAT
from seatrial.errors import UsageError
from seatrial.evidence import RunDirectory, latest_run, load_run, retained, retire
from seatrial.evidence.junit import junit
from seatrial.evidence.terminal import print_summary, print_tree
from seatrial.evidence.words import slug
from seatrial.requirements import register
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)


def scenario(verdict: Verdict, *requirements: str, selected: bool = True, name: str = "One") -> ScenarioRecord:
    return ScenarioRecord(
        feature="Ships",
        file="features/ships.feature",
        rule="They float",
        name=name,
        line=3,
        test=f"features/ships.feature::{name}",
        tags=(),
        requirements=requirements,
        selected=selected,
        verdict=verdict,
        reason=None if verdict is Verdict.PASSED else "it sank",
        started=NOW,
        duration=timedelta(seconds=1.5),
        steps=(StepRecord("When", "it sails", 4, verdict, timedelta(seconds=1)),),
        artefacts=(),
    )


def run(*scenarios: ScenarioRecord, ended: datetime | None = NOW + timedelta(seconds=9)) -> RunRecord:
    return RunRecord("r1", "embedded", TruthLabel.EMBEDDED, NOW, ended, scenarios, register())


def word(record: RunRecord, identifier: str) -> str:
    return next(entry.word for entry in record.coverage() if entry.requirement.id == identifier)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_run_is_as_good_as_its_worst_scenario(verdict: Verdict) -> None:
    assert run(scenario(Verdict.PASSED), scenario(verdict)).verdict is verdict


def test_a_run_of_nothing_has_not_passed() -> None:
    assert run().verdict is Verdict.NOT_RUN


def test_a_run_that_was_broken_off_has_not_passed_even_if_all_it_saw_did() -> None:
    assert run(scenario(Verdict.PASSED), ended=None).verdict is Verdict.INCONCLUSIVE


def test_what_was_not_selected_does_not_count_for_the_gate_but_for_the_requirement() -> None:
    record = run(scenario(Verdict.PASSED, "5.1"), scenario(Verdict.NOT_RUN, "5.1", selected=False))
    assert record.verdict is Verdict.PASSED
    assert word(record, "5.1") == "not run"


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.PASSED, "proven"),
        (Verdict.FAILED, "failed"),
        (Verdict.INCONCLUSIVE, "inconclusive"),
        (Verdict.ERROR, "error"),
        (Verdict.NOT_RUN, "not run"),
    ],
)
def test_a_requirement_is_proven_only_by_scenarios_that_all_passed(verdict: Verdict, expected: str) -> None:
    record = run(scenario(Verdict.PASSED, "5.1"), scenario(verdict, "5.1", "8.3"))
    assert word(record, "5.1") == word(record, "8.3") == expected
    assert word(record, "5.3") == "not covered"


def test_a_requirement_with_open_parts_is_proven_in_part_at_best() -> None:
    record = run(scenario(Verdict.PASSED, "1.2"), scenario(Verdict.FAILED, "1.4"))
    assert word(record, "1.2") == "proven in part"
    assert word(record, "1.4") == "failed"
    page = io.StringIO()
    print_summary(record, Console(file=page, width=200))
    assert f"still open: {next(entry.open for entry in register() if entry.id == '1.2')}" in page.getvalue()


def test_each_requirement_has_one_line_and_the_words_add_up() -> None:
    record = run(scenario(Verdict.PASSED, "5.1"), scenario(Verdict.FAILED, "8.3"))
    page = io.StringIO()
    print_summary(record, Console(file=page, width=200))
    lines = page.getvalue().splitlines()
    assert all(sum(line.startswith(f"  {entry.id:>4}  ") for line in lines) == 1 for entry in register())
    assert "41 requirements: 1 proven, 1 failed, 39 not covered" in lines
    assert "2 scenarios: 1 passed, 1 failed" in lines


def ending(record: RunRecord) -> str:
    page = io.StringIO()
    print_summary(record, Console(file=page, width=200))
    return page.getvalue().partition("Not passed")[2]


def test_the_end_says_again_what_did_not_pass_and_why() -> None:
    said = ending(run(scenario(Verdict.PASSED), scenario(Verdict.FAILED, name="Two"), scenario(Verdict.NOT_RUN)))
    assert said.index("Two failed") < said.index("it sank") < said.index("1 not run") < said.index("3 scenarios:")
    assert "One" not in said


def test_the_end_does_not_list_more_than_can_be_read() -> None:
    said = ending(run(*(scenario(Verdict.ERROR, name=f"Number {number}") for number in range(25))))
    assert said.count("Number ") == 20
    assert "  5 more\n" in said


def test_the_end_of_what_passed_lists_nothing() -> None:
    assert ending(run(scenario(Verdict.PASSED))) == ""


def test_the_tree_names_feature_and_rule_once() -> None:
    page = io.StringIO()
    print_tree(run(scenario(Verdict.PASSED), scenario(Verdict.FAILED, name="Two")), Console(file=page, width=200))
    text = page.getvalue()
    assert (text.count("features/ships.feature"), text.count("They float")) == (1, 1)
    assert text.index("One") < text.index("Two") < text.index("it sank")


def tell(directory: RunDirectory) -> None:
    journal = Journal(directory.journal, clock=lambda: NOW)
    journal.append(
        "run started",
        {"format": FORMAT, "run": directory.id, "target": "local", "label": "embedded", "environment": {}},
    )
    journal.append("run ended", {"verdict": "not run"})
    journal.close()


def test_a_record_is_made_from_the_journal(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, NOW)
    tell(directory)
    record = load_run(directory.path)
    assert (record.id, record.target, record.label, record.ended) == (directory.id, "local", TruthLabel.EMBEDDED, NOW)
    directory.write(record)
    made = {"cucumber.json", "findings.sarif", "junit.xml", "report.html", "results.json", "summary.md"}
    assert {file.name for file in directory.path.iterdir()} == {"events.jsonl", *made}


def test_only_the_newest_runs_are_retained(tmp_path: Path) -> None:
    runs = [RunDirectory.create(tmp_path, NOW + timedelta(days=day)) for day in range(4)]
    for directory in runs:
        tell(directory)
    (tmp_path / "my-own-Z-notes").mkdir()
    assert retire(tmp_path, 2) == (runs[0].path, runs[1].path)
    assert retained(tmp_path) == (runs[2].path, runs[3].path)
    assert (tmp_path / "my-own-Z-notes").exists()
    assert latest_run(tmp_path) == runs[3].path


def test_latest_points_to_the_last_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no run in"):
        latest_run(tmp_path)
    RunDirectory.create(tmp_path, NOW)
    last = RunDirectory.create(tmp_path, NOW)
    assert latest_run(tmp_path) == last.path
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_results_that_cannot_be_written_leave_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory.create(tmp_path, NOW)
    directory.write(run(scenario(Verdict.PASSED)))
    before = {file.name: file.read_bytes() for file in directory.path.iterdir()}

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        directory.write(run())
    assert {file.name: file.read_bytes() for file in directory.path.iterdir()} == before


@pytest.mark.parametrize("content", ["", "{", "{}\n", '{"chain":"00","number":1}\n'])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "events.jsonl").write_text(content)
    with pytest.raises(UsageError, match="cannot be read as the journal of a run"):
        load_run(tmp_path)


def test_junit_counts_what_the_record_counts() -> None:
    every = [scenario(verdict, name=str(verdict)) for verdict in Verdict]
    root = ET.fromstring(junit(run(*every, scenario(Verdict.NOT_RUN, selected=False))))
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "errors": "1",
        "skipped": "1",
    }
    assert len(root.findall(".//testcase")) == 5
    assert [found.get("type") for found in root.iter("failure")] == ["failed", "inconclusive"]


def test_junit_stays_xml_whatever_a_reason_holds() -> None:
    hostile = replace(scenario(Verdict.FAILED, name="<&>\x00"), reason='\x1b[31m"]]>\ud800\nmore')
    root = ET.fromstring(junit(run(hostile)))
    [failure] = root.iter("failure")
    assert failure.get("message") == '\N{REPLACEMENT CHARACTER}[31m"]]>\N{REPLACEMENT CHARACTER}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A pod, killed!", "a-pod-killed"), ("주문", "scenario"), ("../../etc", "etc"), ("x" * 99, "x" * 40)],
)
def test_a_slug_is_a_safe_file_name(text: str, expected: str) -> None:
    assert slug(text) == expected
