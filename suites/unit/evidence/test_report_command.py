"""Runs from the command line: shown again, exported, listed and compared; and what a run leaves by itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from seatrial.audit import parse
from seatrial.cli import app
from seatrial.errors import UsageError
from seatrial.evidence.commands import Format
from seatrial.evidence.formats import FORMATS
from seatrial.evidence.store import RunDirectory
from seatrial.verdict import Verdict
from suites.unit.evidence.samples import NOW, Clock, Told, sample_run

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from suites.yard import Yard


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_INVOKED_FROM", str(tmp_path))
    sample_run(tmp_path / "reports", 12, started=NOW - timedelta(days=1), mix=(Verdict.PASSED,))
    sample_run(tmp_path / "reports", 12)
    return tmp_path / "reports"


def call(runs: Path, *words: str) -> Result:
    result = CliRunner().invoke(app, [*words, "--runs", str(runs)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "html"])
def test_a_format_goes_to_standard_output_or_to_a_file(name: str, runs: Path, tmp_path: Path) -> None:
    printed = call(runs, "report", "--format", name)
    written = call(runs, "report", "--format", name, "--output", "out")
    assert printed.exit_code == written.exit_code == 0
    assert (
        printed.stdout_bytes == (tmp_path / "out").read_bytes() == (runs / "latest" / FORMATS[name].file).read_bytes()
    )


def test_the_page_goes_into_the_folder_of_the_run_or_to_a_file_that_links_there(runs: Path, tmp_path: Path) -> None:
    assert call(runs, "report", "--format", "html").exit_code == 0
    assert 'href="./scenarios/' in (runs / "latest" / "report.html").read_text()
    assert call(runs, "report", "--format", "html", "--output", "page.html").exit_code == 0
    folder = (runs / "latest").resolve().name
    assert f'href="./reports/{folder}/scenarios/' in (tmp_path / "page.html").read_text()


def test_the_terminal_can_be_written_to_a_file(runs: Path, tmp_path: Path) -> None:
    assert call(runs, "report", "--output", "out.txt").exit_code == 1
    assert "41 requirements: " in (tmp_path / "out.txt").read_text()


def test_a_run_is_found_by_its_folder_its_id_and_its_link(runs: Path) -> None:
    older = min(entry.name for entry in runs.iterdir())
    for name in (older, str(runs / older)):
        assert f"Run {older} in" in call(runs, "report", name).stdout
        assert call(runs, "report", name).exit_code == 0
    # Through the link, the run before is found too: the link's own name is no run's.
    assert f"since {older}" in call(runs, "report", str(runs / "latest"), "--format", "markdown").stdout


def test_of_a_killed_run_the_files_are_made_from_its_journal(runs: Path) -> None:
    directory = RunDirectory((runs / "latest").resolve())
    content = directory.journal.read_bytes()
    directory.journal.write_bytes(content[: len(content) // 2])
    assert not directory.written
    assert call(runs, "report").exit_code == 1
    assert directory.written
    assert "the run was broken off" in (directory.path / "report.html").read_text()
    assert not json.loads((directory.path / "findings.sarif").read_bytes())["runs"][0]["invocations"][0][
        "executionSuccessful"
    ]


def test_a_file_that_cannot_be_written_is_refused_with_a_sentence(runs: Path, tmp_path: Path) -> None:
    for output in (tmp_path, tmp_path / "nowhere" / "x"):
        with pytest.raises(UsageError, match="cannot be written: give --output a file"):
            call(runs, "report", "--format", "sarif", "--output", str(output))


def test_runs_are_listed_the_newest_last_and_the_unreadable_too(runs: Path) -> None:
    broken = sample_run(runs, 3, started=NOW + timedelta(days=1))
    broken.journal.write_bytes(b"x\n")
    lines = call(runs, "runs", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["✓", "✗", "!"]
    assert lines[0].endswith("11 passed")
    assert broken.id in lines[2]
    with pytest.raises(UsageError, match="There is no run in"):
        call(runs / "none", "runs", "list")


def test_a_run_is_shown_with_what_surrounds_it_and_each_file(runs: Path) -> None:
    text = call(runs, "runs", "show").stdout
    assert "  kernel: 6.1.0-29-amd64" in text
    kept = {line.split()[1] for line in text.partition("Kept, ")[2].splitlines()[1:]}
    assert {path for path in kept if (runs / "latest" / path).is_file()} == kept != set()


def test_two_runs_are_compared(runs: Path) -> None:
    result = call(runs, "runs", "compare")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "12 scenarios: 5 no longer passed, 6 unchanged, 1 not selected in both"
    assert result.stdout.count("  no longer passed: Replica") == 5
    older, newer = sorted(entry.name for entry in runs.iterdir() if not entry.is_symlink())
    back = call(runs, "runs", "compare", newer, older)
    assert (back.exit_code, "5 newly passed" in back.stdout) == (0, True)


def test_the_first_run_has_none_to_be_compared_with(tmp_path: Path) -> None:
    sample_run(tmp_path, 3)
    with pytest.raises(UsageError, match="There is no run before"):
        call(tmp_path, "runs", "compare")


FEATURE = """Feature: Ships
  Somebody has to sail them.
  @req-5.1
  Scenario: One
    Given a ship
    When it sails
    Then it makes 11 knots
  Scenario: Two
    Given a ship
"""


def test_a_run_leaves_a_report_in_each_format_and_adds_to_the_summary(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(yard.path / "step.md"))
    yard.write(FEATURE)
    assert yard.run("--features", "features", "-k", "one").returncode == 1
    page = (yard.latest / "report.html").read_text()
    for words in (
        "Somebody has to sail them.",
        "it makes 12 knots, not 11",
        "not selected",
        "<b>Given</b> <bdi>a ship</bdi>",
    ):
        assert words in page
    assert (yard.path / "step.md").read_bytes() == (yard.latest / "summary.md").read_bytes()
    assert {form.file for form in FORMATS.values()} <= {file.name for file in yard.latest.iterdir()}


def test_the_journal_holds_each_feature_as_it_was_run(yard: Yard) -> None:
    yard.write(FEATURE)
    yard.run("--features", "features")
    events = parse((yard.latest / "events.jsonl").read_bytes()).events
    listed = [event.data for event in events if event.kind == "feature listed"]
    assert listed == [{"file": "features/sample.feature", "text": FEATURE}]


def test_a_summary_that_cannot_be_added_changes_nothing(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(yard.path))
    yard.scenario("Given a ship")
    assert yard.run("--features", "features").returncode == 0


def test_a_journal_may_list_no_feature(tmp_path: Path) -> None:
    told = Told(RunDirectory.create(tmp_path, NOW), Clock())
    told.begin()
    told.played(told.listed("One"), Verdict.PASSED)
    assert told.end().features == ()


def test_the_command_offers_each_format() -> None:
    assert {str(one) for one in Format} == {"terminal", *FORMATS}
