"""A waiver opens the gate for what it names, changes no verdict, and does not outlive what it is for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from seatrial.audit.records import LONGEST_WAIVER, Waiver
from seatrial.errors import UsageError
from seatrial.evidence import load_run
from seatrial.evidence.identity import Identities
from seatrial.evidence.waivers import read_waivers
from seatrial.specification import read_features
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from suites.yard import Ended, Yard

TODAY = date(2031, 5, 4)
GOOD = ("When it sails", "Then it makes 12 knots")
BAD = ("When it sails", "Then it makes 20 knots")
FEATURE = """Feature: Ships
  Scenario: One
    When it sails
  Scenario Outline: Speed
    When it makes <n> knots
    Examples:
      | n |
      | 1 |
  Scenario Outline: The <what> floats
    When it makes 2 knots
    Examples:
      | what |
      | ship |
      | raft |
"""
SOUND = {
    "id": '"features/sample.feature::One"',
    "reason": '"the yard mends it"',
    "owner": '"harbour master"',
    "expiry": "2031-06-01",
}


def waiver(**changed: str | None) -> str:
    lines = {**SOUND, **changed}
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def read(folder: Path, text: str) -> dict[str, Waiver]:
    (folder / "features").mkdir(exist_ok=True)
    (folder / "features" / "sample.feature").write_text(FEATURE)
    (folder / "waivers.toml").write_text(text)
    known = Identities.of(read_features(folder / "features"), folder, ())
    return dict(read_waivers([folder / "waivers.toml"], known, TODAY))


def test_a_sound_waiver_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, waiver()) == {
        "features/sample.feature::One": Waiver("the yard mends it", "harbour master", "2031-06-01")
    }


@pytest.mark.parametrize("days", [0, LONGEST_WAIVER.days])
def test_the_first_and_the_last_day_count(tmp_path: Path, days: int) -> None:
    assert read(tmp_path, waiver(expiry=str(TODAY + timedelta(days=days))))


@pytest.mark.parametrize("name", ["Speed (1)", "The ship floats", "The raft floats"])
def test_a_row_is_named_by_itself(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, waiver(id=f'"features/sample.feature::{name}"'))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (waiver(reason=None), "the reason is missing or empty"),
        (waiver(reason='"  "'), "the reason is missing or empty"),
        (waiver(owner='""'), "the owner is missing or empty"),
        (waiver(owner="3"), "the owner is missing or empty"),
        (waiver(id=None), "the id is missing or empty"),
        (waiver(expiry=None), "the expiry is missing or no date"),
        (waiver(expiry='"2031-06-01"'), "the expiry is missing or no date"),
        (waiver(expiry="2031-06-01T00:00:00Z"), "the expiry is missing or no date"),
        (waiver(expiry="2031-05-03"), "it expired after 2031-05-03"),
        (waiver(expiry="2031-11-01"), "more than 180 days from now: write 2031-10-31 at the latest"),
        (waiver(until="2031-06-01"), "'until' is unknown: an entry has id, reason, owner, expiry"),
        (waiver(id='"One"'), "the id 'One' is none: write it as FILE.feature::NAME"),
        (waiver(id='"cis::1.2.3"'), "'cis' names no feature file"),
        (waiver(id='"features/sample.feature::Onee"'), "no scenario 'Onee' in features/sample.feature (did you mean"),
        (waiver(id='"features/other.feature::One"'), "there is no feature file 'features/other.feature'"),
        (
            waiver(id='"features/sample.feature::Speed"'),
            "'Speed' is an outline: name one of its rows, such as 'Speed (1",
        ),
        (waiver() + waiver(), "it is waived twice"),
        ("", "holds no [[waiver]] entry"),
        ("waiver = 3", "holds no [[waiver]] entry"),
        ("[[waivers]]\nid = 'x'", "holds 'waivers': it may hold [[waiver]] entries only"),
        ("[[waiver]\n", "cannot be read (Expected ']]'"),
    ],
)
def test_a_waiver_that_does_not_hold_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert sentence in str(refused.value)
    assert str(tmp_path / "waivers.toml") in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_each_entry_that_does_not_hold_has_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, waiver(owner=None) + waiver(id='"y"', expiry="2031-05-01") + waiver(id='"x"'))
    found = re.findall(r"waiver (\d) \(.*?\): (\w+ \w+)", str(refused.value))
    assert found == [("1", "the owner"), ("2", "the id"), ("2", "it expired"), ("3", "the id")]


# As part of a run.


def soon() -> str:
    return str(datetime.now(UTC).date() + timedelta(days=30))


def waive(yard: Yard, name: str = "One", **changed: str) -> None:
    text = waiver(**{"id": f'"features/sample.feature::{name}"', "expiry": soon(), **changed})
    (yard.path / "waivers.toml").write_text(text)


def run(yard: Yard, *more: str) -> Ended:
    return yard.run("--features", "features", *more)


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (BAD, Verdict.FAILED),
        (("When it sails", "Then its speed was measured"), Verdict.INCONCLUSIVE),
        (("When the engine breaks",), Verdict.ERROR),
        (("When nobody looks",), Verdict.NOT_RUN),
    ],
)
def test_what_is_waived_opens_the_gate_and_keeps_its_verdict(
    yard: Yard, steps: tuple[str, ...], verdict: Verdict
) -> None:
    yard.scenario(*steps, tags="@req-5.1")
    waive(yard)
    done = run(yard)
    assert done.returncode == 0, done.stdout + done.stderr
    record = load_run(yard.latest)
    assert record.verdict is verdict
    assert record.opens_gate
    assert f"{verdict}, waived until {soon()} by harbour master: the yard mends it" in done.stdout
    assert "The gate opens: what did not pass is waived (1 of 1)." in done.stdout
    # The requirement is as unproven as before.
    assert f" 5.1  {verdict}" in done.stdout
    assert "proven (" not in done.stdout


def test_a_waiver_is_for_what_it_names_only(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  Scenario: One\n    When it sails\n    Then it makes 20 knots\n"
        "  Scenario: Two\n    When it sails\n    Then it makes 20 knots\n"
    )
    waive(yard)
    assert run(yard).returncode == 1
    assert run(yard, "-k", "One or 001").returncode == 0


def test_a_waiver_does_not_cover_a_test_that_is_no_scenario(yard: Yard) -> None:
    yard.scenario(*BAD)
    waive(yard)
    (yard.path / "features" / "test_beside.py").write_text("def test_beside():\n    assert False\n")
    assert run(yard).returncode == 1
    assert load_run(yard.latest).opens_gate


def test_a_waiver_that_nothing_needs_keeps_the_gate_shut(yard: Yard) -> None:
    yard.scenario(*GOOD)
    waive(yard)
    done = run(yard)
    assert done.returncode == 1
    record = load_run(yard.latest)
    assert record.verdict is Verdict.PASSED
    assert not record.opens_gate
    assert "The waiver for features/sample.feature::One is not needed, since it passed: remove it" in done.stdout


def test_a_waiver_for_what_was_not_selected_is_not_judged(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  Scenario: One\n    When it sails\n    Then it makes 12 knots\n"
        "  @req-5.1\n  Scenario: Two\n    When it sails\n    Then it makes 12 knots\n"
    )
    waive(yard)
    assert run(yard, "--req", "5.1").returncode == 0
    assert run(yard).returncode == 1


def test_a_waiver_for_a_feature_beside_the_folder_given_is_known(yard: Yard) -> None:
    yard.scenario(*GOOD)
    (yard.path / "features" / "deep").mkdir()
    (yard.path / "features" / "deep" / "deep.feature").write_text("Feature: D\n  Scenario: S\n    When it sails\n")
    waive(yard)
    assert yard.run("--features", "features/deep").returncode == 0


def test_features_elsewhere_have_their_waivers_beside_them(
    yard: Yard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("platform")
    (elsewhere / "features").mkdir()
    text = "Feature: Ships\n  Scenario: One\n    When it sails\n    Then it makes 20 knots\n"
    (elsewhere / "features" / "sample.feature").write_text(text)
    (elsewhere / "features" / "conftest.py").write_text(
        "from pytest_bdd import when, then\n@when('it sails')\ndef sails():\n    pass\n"
        "@then('it makes 20 knots')\ndef makes():\n    assert False\n"
    )
    arguments = ("--features", str(elsewhere / "features"))
    # The project's own file is about the project's own features.
    (yard.path / "waivers.toml").write_text("nonsense")
    assert yard.run(*arguments).returncode == 1
    (elsewhere / "waivers.toml").write_text(waiver(expiry=soon()))
    assert yard.run(*arguments).returncode == 0
    [record] = load_run(yard.latest).scenarios
    assert record.id == "features/sample.feature::One"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"expiry": "2020-01-01"}, "it expired after 2020-01-01"),
        ({"id": '"features/sample.feature::Two"'}, "there is no scenario 'Two'"),
        ({"owner": '""'}, "the owner is missing or empty"),
    ],
)
def test_a_waiver_that_does_not_hold_is_bad_input_before_anything_runs(
    yard: Yard, changed: dict[str, str], sentence: str
) -> None:
    yard.scenario(*BAD)
    waive(yard, **changed)
    done = run(yard)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("seatrial: ")
    assert len(done.stderr.splitlines()) == 1
    assert yard.log == []
    assert not (yard.path / "reports").exists()


def test_each_of_several_faults_is_a_line_on_its_own(yard: Yard) -> None:
    yard.scenario(*BAD)
    (yard.path / "waivers.toml").write_text(waiver(owner=None) + waiver(id='"x"', reason=None))
    done = run(yard)
    assert done.returncode == 2
    assert [line.startswith("seatrial: ") for line in done.stderr.splitlines()] == [True, True]


def test_a_file_named_and_missing_is_bad_input(yard: Yard) -> None:
    yard.scenario(*BAD)
    done = run(yard, "--waivers", "absent.toml")
    assert done.returncode == 2
    assert "absent.toml does not exist" in done.stderr


def test_another_file_can_be_named(yard: Yard) -> None:
    yard.scenario(*BAD)
    waive(yard)
    (yard.path / "waivers.toml").rename(yard.path / "mine.toml")
    assert run(yard).returncode == 1
    assert run(yard, "--waivers", "mine.toml").returncode == 0


def test_a_reader_of_junit_sees_the_failure_and_the_waiver(yard: Yard) -> None:
    yard.scenario(*BAD)
    waive(yard)
    run(yard)
    [case] = ET.parse(yard.latest / "junit.xml").getroot().iter("testcase")
    assert case.find("failure") is not None
    [said] = case.iter("property")
    assert said.get("name") == "waiver"
    assert said.get("value") == f"until {soon()} by harbour master: the yard mends it"


def test_a_run_that_is_broken_off_is_not_saved_by_a_waiver(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  Scenario: One\n    When it sails\n    Then it makes 20 knots\n"
        "  Scenario: Two\n    When it sails\n    Then it makes 12 knots\n"
    )
    waive(yard)
    assert run(yard).returncode == 0
    assert run(yard, "-x").returncode == 1
