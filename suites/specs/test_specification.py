"""The specification keeps its own rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suites.specs import integrity

if TYPE_CHECKING:
    from seatrial.requirements import Register
    from seatrial.specification import Feature
    from suites.specs.integrity import Definition

ROOT = Path(__file__).resolve().parents[2]

# A ratchet: what has no scenario yet. An id that gets one must leave this list, and none may come in.
WITHOUT_SCENARIO = frozenset(
    {"2.1", "2.2", "2.4", "3.3", "3.5", "4.1", "4.2", "4.4", "4.5", "5.3", "5.4", "6.3", "7.1", "7.3", "7.4"}
    | {"8.1", "8.2", "8.4", "9.1", "9.2", "9.3", "9.4", "10.1", "10.2", "10.3", "10.4"}
)


def test_there_is_something_to_look_at(
    features: tuple[Feature, ...], definitions: tuple[Definition, ...], bound: tuple[tuple[Path, str], ...]
) -> None:
    assert features
    assert definitions
    assert bound


def test_requirements_without_a_scenario_are_exactly_those_listed(
    register: Register, features: tuple[Feature, ...]
) -> None:
    expected = [f"requirement {entry.id} has no scenario" for entry in register if entry.id in WITHOUT_SCENARIO]
    assert integrity.untested_requirements(register, features) == expected


def test_only_known_ids_are_used(register: Register, features: tuple[Feature, ...]) -> None:
    assert integrity.unknown_ids(register, features) == []


def test_each_scenario_carries_a_requirement(register: Register, features: tuple[Feature, ...]) -> None:
    assert integrity.untraced_scenarios(register, features) == []


def test_each_scenario_is_bound_once(features: tuple[Feature, ...], bound: tuple[tuple[Path, str], ...]) -> None:
    assert integrity.wrongly_bound(features, bound) == []


def test_each_step_is_defined(features: tuple[Feature, ...], definitions: tuple[Definition, ...]) -> None:
    assert integrity.undefined_steps(features, definitions) == []


def test_each_step_is_defined_once(features: tuple[Feature, ...], definitions: tuple[Definition, ...]) -> None:
    assert integrity.ambiguous_steps(features, definitions) == []


def test_each_definition_is_used(features: tuple[Feature, ...], definitions: tuple[Definition, ...]) -> None:
    assert integrity.unused_steps(features, definitions) == []


def test_each_refusal_has_its_twin(features: tuple[Feature, ...]) -> None:
    assert integrity.lonely_refusals(features) == []


def test_no_feature_names_a_mechanism(features: tuple[Feature, ...]) -> None:
    assert integrity.mechanism_words(features) == []


def test_each_scenario_has_its_shape(features: tuple[Feature, ...]) -> None:
    assert integrity.misshapen_scenarios(features) == []


@pytest.mark.parametrize("package", integrity.layers())
def test_imports_go_down(package: str) -> None:
    modules = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted((ROOT / package).rglob("*.py"))
    }
    assert integrity.upward_imports(package, modules) == []
