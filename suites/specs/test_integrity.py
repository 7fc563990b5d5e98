"""Each rule finds what it is for, in a sample that breaks it, and lets a sound one through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import parsers

from seatrial.requirements import Register, Requirement
from seatrial.specification import Feature, read_feature
from suites.specs import integrity
from suites.specs.integrity import Definition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[str], Feature]

REGISTER = Register((Requirement("1.1", "It holds.", "here"), Requirement("1.2", "It stays.", "here")))

SOUND = """
Feature: Doors keep strangers out
  So that nobody has to watch them.

  @req-1.1
  Rule: Only those who live here come in

    @refusal
    Scenario: A stranger
      Given a closed door
      When a stranger knocks
      Then the door stays closed

    @permitted
    Scenario: One who lives here
      Given a closed door
      When the owner knocks
      Then the door opens
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Feature:
        file = tmp_path / "sample.feature"
        file.write_text(text, encoding="utf-8")
        return read_feature(file)

    return write


def defined(*sentences: tuple[str | None, str]) -> tuple[Definition, ...]:
    return tuple(
        Definition(kind, parsers.parse(text), f"steps.{number}")
        for number, (kind, text) in enumerate(sentences, start=1)
    )


DOOR = defined(
    ("given", "a closed door"),
    ("when", "{who} knocks"),
    ("then", "the door stays closed"),
    ("then", "the door opens"),
)


def test_a_sound_feature_breaks_no_rule(write: Write) -> None:
    feature = write(SOUND)
    bound = [(feature.file, scenario.name) for _, scenario in feature.scenarios]
    assert integrity.unknown_ids(REGISTER, [feature]) == []
    assert integrity.untraced_scenarios(REGISTER, [feature]) == []
    assert integrity.wrongly_bound([feature], bound) == []
    assert integrity.undefined_steps([feature], DOOR) == []
    assert integrity.ambiguous_steps([feature], DOOR) == []
    assert integrity.unused_steps([feature], DOOR) == []
    assert integrity.lonely_refusals([feature]) == []
    assert integrity.mechanism_words([feature]) == []
    assert integrity.misshapen_scenarios([feature]) == []


def test_a_requirement_without_a_scenario_is_found(write: Write) -> None:
    assert integrity.untested_requirements(REGISTER, [write(SOUND)]) == ["requirement 1.2 has no scenario"]


def test_an_unknown_id_is_found(write: Write) -> None:
    broken = integrity.unknown_ids(REGISTER, [write(SOUND.replace("@req-1.1", "@req-1.3"))])
    assert len(broken) == 2
    assert "Unknown tag req-1.3" in broken[0]


def test_a_scenario_without_an_id_is_found(write: Write) -> None:
    assert len(integrity.untraced_scenarios(REGISTER, [write(SOUND.replace("@req-1.1", ""))])) == 2


def test_a_scenario_about_a_platform_that_does_not_say_so_is_found(write: Write) -> None:
    about = SOUND.replace(
        "Given a closed door\n      When the owner", "Given the platform was built from code\n      When the owner"
    )
    assert len(integrity.unannounced_platforms([write(about)])) == 1
    assert integrity.unannounced_platforms([write(about.replace("@permitted", "@permitted @cloud"))]) == []
    assert integrity.unannounced_platforms([write(SOUND)]) == []


@pytest.mark.parametrize("times", [0, 2])
def test_a_scenario_not_bound_once_is_found(write: Write, times: int) -> None:
    feature = write(SOUND)
    bound = [(feature.file, "A stranger")] * times + [(feature.file, "One who lives here")]
    assert integrity.wrongly_bound([feature], bound) == [f"sample.feature: 'A stranger' is bound {times} times"]


def test_an_undefined_step_is_found(write: Write) -> None:
    assert integrity.undefined_steps([write(SOUND)], DOOR[:-1]) == [
        "sample.feature, line 18: nothing says how to do Then 'the door opens'"
    ]


def test_a_step_of_another_kind_does_not_count(write: Write) -> None:
    assert integrity.undefined_steps([write(SOUND)], (*DOOR[:-1], *defined(("given", "the door opens"))))


def test_an_undefined_step_behind_an_outline_row_is_found(write: Write) -> None:
    outline = SOUND.replace("Scenario: A stranger", "Scenario Outline: A stranger").replace(
        "      Then the door stays closed\n",
        "      Then the door <does>\n      Examples:\n        | does |\n        | stays closed |\n        | sings |\n",
    )
    assert [line for line in integrity.undefined_steps([write(outline)], DOOR) if "sings" in line]


def test_what_a_person_answers_needs_no_definition_and_uses_none(write: Write) -> None:
    manual = write(SOUND.replace("    @permitted", "    @permitted @manual"))
    assert integrity.undefined_steps([manual], DOOR[:-1]) == []
    assert integrity.unused_steps([manual], DOOR) == ["steps.4: no feature says 'the door opens'"]
    assert integrity.undefined_steps([write(SOUND.replace("Feature:", "@manual\nFeature:", 1))], ()) == []


def test_the_background_of_what_only_persons_answer_needs_no_definition(write: Write) -> None:
    behind = SOUND.replace("    @refusal", "    Background:\n      Given a wall\n\n    @refusal")
    assert len(integrity.undefined_steps([write(behind)], DOOR)) == 1
    assert len(integrity.undefined_steps([write(behind.replace("    @refusal", "    @refusal @manual"))], DOOR)) == 1
    assert integrity.undefined_steps([write(behind.replace("  @req-1.1", "  @req-1.1 @manual"))], ()) == []


def test_two_definitions_that_fit_one_step_are_found(write: Write) -> None:
    twice = (*DOOR, *defined(("when", "a stranger {does}")))
    assert integrity.ambiguous_steps([write(SOUND)], twice) == [
        "sample.feature, line 11: 'a stranger knocks' is defined in steps.2 and steps.1"
    ]


def test_the_same_sentence_defined_twice_is_found_without_a_feature_that_says_it() -> None:
    assert integrity.ambiguous_steps([], defined(("when", "x"), ("when", "x"))) == ["when 'x' is defined 2 times"]


def test_an_unused_definition_is_found(write: Write) -> None:
    unused = (*DOOR, *defined(("then", "a bell rings")))
    assert integrity.unused_steps([write(SOUND)], unused) == ["steps.1: no feature says 'a bell rings'"]


def test_a_refusal_without_its_twin_is_found(write: Write) -> None:
    assert len(integrity.lonely_refusals([write(SOUND.replace("@permitted", ""))])) == 1


def test_a_twin_under_another_rule_does_not_count(write: Write) -> None:
    apart = SOUND.replace("    @permitted\n", "  Rule: Another\n\n    @permitted\n")
    assert len(integrity.lonely_refusals([write(apart)])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "When kubectl applies it",
        "When it is asked on port 8080",
        "When 10.0.0.1 is asked",
        "When db:5432 is asked",
        "When the YAML is applied",
        "When it is polled",
        "When the shop namespace is asked",
        "When /api/orders is asked",
    ],
)
def test_a_mechanism_is_found(write: Write, text: str) -> None:
    assert len(integrity.mechanism_words([write(SOUND.replace("When the owner knocks", text))])) == 1


def test_a_cited_control_keeps_its_words(write: Write) -> None:
    cited = SOUND.replace("  So that", "  CIS 5.3.2: every namespace has policies.\n  So that")
    assert integrity.mechanism_words([write(cited)]) == []
    assert len(integrity.mechanism_words([write(cited.replace("CIS 5.3.2: every", "Every"))])) == 1


def test_the_background_counts_as_read_but_not_as_too_much(write: Write) -> None:
    short = SOUND.replace("      Given a closed door\n      When the owner", "      When the owner")
    behind = short.replace("    @refusal", "    Background:\n      Given a wall\n\n    @refusal")
    assert len(integrity.misshapen_scenarios([write(short)])) == 1
    assert integrity.misshapen_scenarios([write(behind)]) == []


def test_a_number_that_is_the_requirement_is_no_mechanism(write: Write) -> None:
    text = "When at least 99.5 % of 1000 requests succeed within 30 seconds"
    assert integrity.mechanism_words([write(SOUND.replace("When the owner knocks", text))]) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("      When the owner knocks\n", "", "not exactly one When"),
        ("      When the owner knocks\n", "      When the owner knocks\n      And waits\n", "not exactly one When"),
        ("      Then the door opens\n", "      And the owner waits\n", "has no Then"),
        ("      Given a closed door\n      When the owner", "      When the owner", "has 2 steps"),
        ("      Then the door opens\n", "      Then the door opens\n" + "      And it stays\n" * 4, "has 7 steps"),
    ],
)
def test_a_misshapen_scenario_is_found(write: Write, old: str, new: str, fault: str) -> None:
    assert any(fault in line for line in integrity.misshapen_scenarios([write(SOUND.replace(old, new))]))


def test_a_feature_that_is_not_bound_and_a_binding_of_nothing_are_found(write: Write) -> None:
    feature = write(SOUND)
    bound = [(feature.file, "A stranger"), (feature.file, "One who lives here")]
    assert integrity.unbound_features([feature], bound) == []
    assert integrity.unbound_features([feature], []) == ["sample.feature is not bound"]
    assert integrity.unbound_features([feature], [*bound, (feature.file, "A ghost")]) == [
        "sample.feature: 'A ghost' is bound, and is not there"
    ]


def test_counts_that_differ_are_found() -> None:
    agreed = {"here": {"scenarios": 3, "passed": 1}, "there": {"scenarios": 3}}
    assert integrity.unreconciled(agreed) == []
    assert integrity.unreconciled({**agreed, "elsewhere": {"scenarios": 4}}) == [
        "scenarios: 4 elsewhere, 3 here, 3 there"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import yaml",
        "from pydantic import TypeAdapter",
        "def f():\n    import rich.text",
        "import seatrial.kube",
        "from seatrial.evidence.store import load_run",
        "from seatrial import evidence",
        "import seatrial.verdicts",
        "from . import kube",
    ],
)
def test_an_import_that_a_verifier_may_not_have_is_found(source: str) -> None:
    assert len(integrity.foreign_imports({"here": source})) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "from cryptography.hazmat import x",
        "from seatrial.audit.journal import x",
        "from seatrial import verdict",
    ],
)
def test_an_import_that_a_verifier_has_is_let_through(source: str) -> None:
    assert integrity.foreign_imports({"here": source}) == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("seatrial", "from steps.workload import x"),
        ("seatrial", "def f():\n    import suites.specs"),
        ("seatrial", "import reference_app.catalog"),
        ("reference_app", "from seatrial.target import Target"),
        ("infra", "import seatrial"),
        ("steps", "import suites"),
    ],
)
def test_an_import_that_goes_up_is_found(package: str, source: str) -> None:
    assert len(integrity.upward_imports(package, {"here": source})) == 1


@pytest.mark.parametrize(("package", "source"), [("steps", "import seatrial.kube"), ("seatrial", "import json")])
def test_an_import_that_goes_down_is_let_through(package: str, source: str) -> None:
    assert integrity.upward_imports(package, {"here": source}) == []
