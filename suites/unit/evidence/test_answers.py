"""A scenario that a person answers: nothing of it runs, and its verdict is the person's for as long as that holds."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from seatrial.errors import UsageError
from seatrial.evidence import load_run
from seatrial.evidence.answers import LONGEST_ANSWER, Given, read_answers
from seatrial.evidence.identity import Identities
from seatrial.specification import read_features
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from suites.yard import Ended, Yard

TODAY = date(2031, 5, 4)
MANUAL = """Feature: Ships
  @manual @req-5.1
  Scenario: One
    Given a ship that nobody built
    When a person looks at it
    Then it is found to be beautiful
"""
MACHINE = """
  @req-5.1
  Scenario: Two
    Given a ship
    When it sails
    Then it makes 12 knots
"""
SOUND = {
    "id": '"features/sample.feature::One"',
    "verdict": '"passed"',
    "person": '"ship owner"',
    "date": "2031-05-04",
    "version": '"4f2c1a"',
    "expiry": "2031-06-01",
    "evidence": '"photos/ship.png"',
}


def answer(**changed: str | None) -> str:
    lines = {**SOUND, **changed}
    return "[[answer]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def read(folder: Path, text: str) -> dict[str, Given]:
    (folder / "features").mkdir(exist_ok=True)
    (folder / "features" / "sample.feature").write_text(MANUAL + MACHINE)
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "photos" / "ship.png").write_bytes(b"\x89PNG")
    (folder / "photos" / "empty.png").touch()
    (folder / "answers.toml").write_text(text)
    known = Identities.of(read_features(folder / "features"), folder, ())
    return dict(read_answers([folder / "answers.toml"], known, TODAY))


@pytest.mark.parametrize("verdict", ["passed", "failed", "inconclusive"])
def test_a_sound_answer_is_read(tmp_path: Path, verdict: str) -> None:
    assert read(tmp_path, answer(verdict=f'"{verdict}"')) == {
        "features/sample.feature::One": Given(
            Verdict(verdict), "ship owner", "2031-05-04", "4f2c1a", "2031-06-01", tmp_path / "photos" / "ship.png"
        )
    }


def test_one_that_has_expired_is_read_for_its_reason(tmp_path: Path) -> None:
    assert read(tmp_path, answer(date="2031-01-01", expiry="2031-05-03"))


def test_one_may_hold_for_a_year(tmp_path: Path) -> None:
    assert read(tmp_path, answer(expiry=str(TODAY + LONGEST_ANSWER)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *((answer(**{key: None}), f"the {key} is missing or") for key in SOUND),
        (answer(person='" "'), "the person is missing or empty"),
        (answer(version="3"), "the version is missing or empty"),
        (answer(date='"2031-05-04"'), "the date is missing or no date"),
        (answer(date="2031-05-05"), "the date 2031-05-05 is yet to come"),
        (answer(expiry="2031-05-03"), "it expires on 2031-05-03, before the day 2031-05-04"),
        (answer(expiry="2033-05-03"), "it is to hold for more than 366 days"),
        (
            answer(verdict='"error"'),
            "the verdict 'error' is none a person can give: write passed, failed, inconclusive",
        ),
        (answer(verdict='"not run"'), "the verdict 'not run' is none a person can give"),
        (answer(verdict='"PASSED"'), "the verdict 'PASSED' is none a person can give"),
        (answer(evidence='"photos/absent.png"'), "the evidence photos/absent.png is no file beside"),
        (answer(evidence='"photos"'), "the evidence photos is no file beside"),
        (answer(evidence='"photos/empty.png"'), "the evidence photos/empty.png is empty"),
        (answer(evidence='"/etc/hostname"'), "the evidence /etc/hostname is an absolute path"),
        (answer(who='"me"'), "'who' is unknown"),
        (answer(id='"features/sample.feature::Three"'), "there is no scenario 'Three'"),
        (
            answer(id='"features/sample.feature::Two"'),
            "a machine answers it: remove the entry, or tag the scenario @man",
        ),
        (answer() + answer(), "it is answered twice"),
        ("", "holds no [[answer]] entry"),
    ],
)
def test_an_answer_that_does_not_hold_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert sentence in str(refused.value)
    assert str(tmp_path / "answers.toml") in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


# As part of a run.


def day(offset: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=offset))


def reply(yard: Yard, **changed: str) -> None:
    (yard.path / "photos").mkdir(exist_ok=True)
    (yard.path / "photos" / "ship.png").write_bytes(b"\x89PNG")
    (yard.path / "answers.toml").write_text(answer(**{"date": day(-3), "expiry": day(30), **changed}))


def run(yard: Yard, *more: str) -> Ended:
    return yard.run("--features", "features", *more)


def test_what_a_person_found_good_has_passed_and_nothing_of_it_was_run(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard)
    done = run(yard)
    assert done.returncode == 0, done.stdout + done.stderr
    record = load_run(yard.latest)
    [scenario] = record.scenarios
    assert (scenario.verdict, scenario.reason, scenario.started, scenario.steps) == (Verdict.PASSED, None, None, ())
    assert scenario.answer is not None
    assert (scenario.answer.person, scenario.answer.version) == ("ship owner", "4f2c1a")
    assert f"ship owner looked at 4f2c1a on {day(-3)}, good until {day(30)}" in done.stdout
    assert "1 scenarios: 1 passed" in done.stdout
    assert "5.1  proven (other)" in done.stdout
    assert " 1 passed in " in done.stdout.splitlines()[-1]
    # Nothing of it needs a cluster, so none was brought up; and no step was looked for.
    assert yard.log == []
    assert (record.target, record.label) == ("no cluster", TruthLabel.OTHER)


def test_the_evidence_is_kept_and_bound(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard)
    run(yard)
    [scenario] = load_run(yard.latest).scenarios
    assert scenario.answer is not None
    [artefact] = scenario.artefacts
    assert artefact.path == scenario.answer.evidence == "scenarios/001-one/answer-ship.png"
    assert artefact.sha256 == hashlib.sha256(b"\x89PNG").hexdigest()
    assert (yard.latest / artefact.path).read_bytes() == b"\x89PNG"


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.INCONCLUSIVE])
def test_what_a_person_found_wanting_has_not_passed(yard: Yard, verdict: Verdict) -> None:
    yard.write(MANUAL)
    reply(yard, verdict=f'"{verdict}"')
    done = run(yard)
    assert done.returncode == 1
    [scenario] = load_run(yard.latest).scenarios
    assert scenario.verdict is verdict
    assert scenario.reason == f"ship owner found it {verdict} on {day(-3)}, looking at 4f2c1a"
    assert scenario.reason in done.stdout
    assert f"5.1  {verdict}" in done.stdout
    assert f" 1 {verdict} in " in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout


def test_without_an_answer_it_is_not_run(yard: Yard) -> None:
    yard.write(MANUAL)
    done = run(yard)
    assert done.returncode == 1
    [scenario] = load_run(yard.latest).scenarios
    assert (scenario.verdict, scenario.reason) == (Verdict.NOT_RUN, "nobody has answered it")
    assert "nobody has answered it" in done.stdout
    assert "5.1  not run" in done.stdout
    assert " 1 not run in " in done.stdout.splitlines()[-1]


def test_an_answer_that_has_expired_makes_it_not_run(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard, expiry=day(-1))
    done = run(yard)
    assert done.returncode == 1
    [scenario] = load_run(yard.latest).scenarios
    assert scenario.verdict is Verdict.NOT_RUN
    assert scenario.reason == f"the answer of ship owner, of {day(-3)}, expired after {day(-1)}"
    assert "5.1  not run" in done.stdout
    assert "looked at" not in done.stdout


def test_an_answer_holds_on_its_last_day(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard, expiry=day(0))
    assert run(yard).returncode == 0


def test_beside_what_a_machine_answers_both_count(yard: Yard) -> None:
    yard.write(MANUAL + MACHINE)
    reply(yard)
    done = run(yard)
    assert done.returncode == 0, done.stdout
    record = load_run(yard.latest)
    assert [(one.name, one.verdict) for one in record.scenarios] == [("One", Verdict.PASSED), ("Two", Verdict.PASSED)]
    assert "5.1  proven (embedded)                    2 of 2" in done.stdout
    assert "2 scenarios: 2 passed" in done.stdout
    assert " 2 passed in " in done.stdout.splitlines()[-1]
    assert yard.log == ["locked", "up", "ship is there", "ship is gone", "unlocked"]


def test_the_last_clean_up_counts_against_the_scenario_that_ran(yard: Yard) -> None:
    (yard.path / "features").mkdir()
    (yard.path / "features" / "conftest.py").write_text(
        "import pytest\nfrom pytest_bdd import given\n"
        "@pytest.fixture(scope='session')\ndef dock():\n    yield\n    raise RuntimeError('the dock fell')\n"
        "@given('a dock')\ndef a_dock(dock):\n    pass\n"
    )
    yard.write("Feature: A\n  Scenario: Two\n    Given a dock\n    When it sails\n", "a.feature")
    yard.write(MANUAL)
    reply(yard)
    assert run(yard).returncode == 1
    found = {one.name: (one.verdict, one.reason) for one in load_run(yard.latest).scenarios}
    assert found == {
        "Two": (Verdict.ERROR, "clean-up: RuntimeError: the dock fell"),
        "One": (Verdict.PASSED, None),
    }


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (("-m", "not manual"), [False, True]),
        (("-m", "manual"), [True, False]),
        (("--req", "5.1"), [True, True]),
        (("-k", "one"), [True, False]),
        (("-k", "two"), [False, True]),
    ],
)
def test_it_is_selected_like_any_other(yard: Yard, arguments: tuple[str, ...], selected: list[bool]) -> None:
    yard.write(MANUAL + MACHINE)
    reply(yard)
    done = run(yard, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    record = load_run(yard.latest)
    assert {one.name: one.selected for one in record.scenarios} == dict(zip(("One", "Two"), selected, strict=True))
    assert all(one.answer is None for one in record.scenarios if not one.selected)


def test_each_row_of_an_outline_has_its_own_answer(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  @manual\n  Scenario Outline: Looks\n    When the <side> is looked at\n"
        "    Examples:\n      | side |\n      | bow |\n      | stern |\n"
    )
    reply(yard, id='"features/sample.feature::Looks (bow)"')
    assert run(yard).returncode == 1
    assert [(one.name, one.verdict) for one in load_run(yard.latest).scenarios] == [
        ("Looks (bow)", Verdict.PASSED),
        ("Looks (stern)", Verdict.NOT_RUN),
    ]


@pytest.mark.parametrize("place", ["rule", "feature"])
def test_the_tag_may_stand_above(yard: Yard, place: str) -> None:
    above = {"rule": "Feature: Ships\n  @manual\n  Rule: R\n", "feature": "@manual\nFeature: Ships\n  Rule: R\n"}
    yard.write(above[place] + "    Scenario: One\n      When nobody knows how\n")
    reply(yard)
    assert run(yard).returncode == 0


def test_a_test_of_another_kind_with_that_marker_is_run(yard: Yard) -> None:
    (yard.path / "test_one.py").write_text("import pytest\n@pytest.mark.manual\ndef test_one():\n    pass\n")
    done = yard.run()
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_waiver_may_stand_in_for_an_answer(yard: Yard) -> None:
    yard.write(MANUAL)
    (yard.path / "waivers.toml").write_text(
        f'[[waiver]]\nid = {SOUND["id"]}\nreason = "r"\nowner = "o"\nexpiry = {day(3)}\n'
    )
    assert run(yard).returncode == 0
    assert load_run(yard.latest).verdict is Verdict.NOT_RUN


def test_an_answer_to_what_is_not_selected_is_not_used(yard: Yard) -> None:
    yard.write(MANUAL + MACHINE)
    reply(yard)
    run(yard, "-m", "not manual")
    assert not (yard.latest / "scenarios").exists()


def test_junit_tells_who_answered(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard)
    run(yard)
    root = ET.parse(yard.latest / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("1", "0", "0")
    said = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert said == {"requirement": "5.1", "answer": f"passed, by ship owner on {day(-3)}, looking at 4f2c1a"}
    run(yard, "--answers", "answers.toml")
    reply(yard, expiry=day(-1))
    run(yard)
    root = ET.parse(yard.latest / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("1", "0", "1")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"date": day(1)}, "is yet to come"),
        ({"evidence": '"absent"'}, "the evidence absent is no file"),
        ({"id": '"features/sample.feature::None"'}, "there is no scenario 'None'"),
        ({"person": '""'}, "the person is missing or empty"),
    ],
)
def test_an_answer_that_does_not_hold_is_bad_input(yard: Yard, changed: dict[str, str], sentence: str) -> None:
    yard.write(MANUAL + MACHINE)
    reply(yard, **changed)
    done = run(yard)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert yard.log == []
    assert not (yard.path / "reports").exists()


def test_a_file_of_answers_can_be_named(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard)
    (yard.path / "answers.toml").rename(yard.path / "photos" / "mine.toml")
    assert run(yard, "--answers", "photos/mine.toml").returncode == 2  # the evidence is not beside it
    (yard.path / "photos" / "mine.toml").rename(yard.path / "mine.toml")
    assert run(yard, "--answers", "mine.toml").returncode == 0


def test_the_journal_tells_of_it_without_a_start(yard: Yard) -> None:
    yard.write(MANUAL)
    reply(yard)
    run(yard)
    kinds = [json.loads(line)["kind"] for line in (yard.latest / "events.jsonl").read_text().splitlines()]
    assert kinds[-4:] == ["scenario listed", "kept", "answered", "run ended"]
