"""Reading feature files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.specification import read_feature, read_features

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
@chapter
Feature: A thing
  Why it matters.

  Background:
    Given it exists

  Scenario: Loose
    When it is asked
    Then it answers
    And it stays

  @req-1.1
  Rule: It holds
    Background:
      Given it is warm

    @slow
    Scenario Outline: Rows
      When <who> asks
      Then it answers
      @many
      Examples:
        | who |
        | Ann |
        | Bob |
"""


def read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sample.feature"
    file.write_text(text, encoding="utf-8")
    read_feature(file)


def test_all_parts_of_a_feature_are_read(tmp_path: Path) -> None:
    (tmp_path / "sample.feature").write_text(WHOLE, encoding="utf-8")
    [feature] = read_features(tmp_path)
    assert feature.name == "A thing"
    assert feature.tags == {"chapter"}
    assert feature.description.strip() == "Why it matters."
    assert [step.text for step in feature.background] == ["it exists"]
    loose, ruled = feature.rules
    assert (loose.name, ruled.name) == (None, "It holds")
    assert [(step.keyword, step.kind) for step in loose.scenarios[0].steps] == [
        ("When", "when"),
        ("Then", "then"),
        ("And", "then"),
    ]
    [outline] = ruled.scenarios
    assert outline.examples == ({"who": "Ann"}, {"who": "Bob"})
    assert feature.tags_of(ruled, outline) == {"chapter", "req-1.1", "slow", "many"}
    assert [step.text for step in ruled.background] == ["it is warm"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Feature: A\n  Scenario: B\n    Given x\n    Whenever it is asked\n", "line 4"),
        ("Feature: A\n  Scenario: B\n    Givn x\n    When y\n", "line 2: 'Givn x' is no step: begin it with Given"),
        ("Feature: A\n  Scenario: B\n    It is asked\n", "line 2: the scenario 'B' has no step"),
        ("Scenario: B\n    When it is asked\n", "line 1"),
        ("", "needs a Feature line"),
        ("# nothing but a comment\n", "needs a Feature line"),
        ("Feature: A\n  Scenario: B\n    And it is asked\n", "line 3: First step"),
        (
            "Feature: A\n  Scenario: B\n    When x\n  Scenario: B\n    When y\n",
            "a second scenario is named 'B'",
        ),
        ("Feature: A\n  Scenario: B\n", "line 2: the scenario 'B' has no step"),
        ("Feature: A\n  Scenario Outline: B\n    When <x>\n    Examples:\n      | x |\n", "has no example"),
        ("Feature: A\n  Scenario Outline: B\n    When <x>\n", "has no example"),
        ("Feature: A\n  Scenario: B\n    When x\n      | a | b |\n      | c |\n", "line"),
    ],
)
def test_what_would_not_run_as_it_reads_is_refused_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=r"sample\.feature") as caught:
        read(tmp_path, text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sample.feature").write_bytes(b"Feature: \xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        read_features(tmp_path)
