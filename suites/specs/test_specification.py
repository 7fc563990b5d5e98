"""The specification keeps its own rules."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from pydantic import TypeAdapter
from rich.console import Console

from seatrial.audit import RunRecord, ScenarioRecord
from seatrial.evidence.junit import junit
from seatrial.evidence.resilience import fault_kinds, kind_of
from seatrial.evidence.terminal import print_summary
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict
from suites.specs import integrity

if TYPE_CHECKING:
    from seatrial.requirements import Register
    from seatrial.specification import Feature, Scenario
    from suites.specs.integrity import Definition

ROOT = Path(__file__).resolve().parents[2]

_RECORD = TypeAdapter(RunRecord)

# A ratchet: what has no scenario yet. An id that gets one must leave this list, and none may come in.
WITHOUT_SCENARIO = frozenset(
    {"4.1", "4.2", "4.4", "4.5", "7.1", "7.3", "7.4"}
    | {"8.1", "8.2", "9.1", "9.2", "9.3", "9.4", "10.1", "10.2", "10.3"}
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


def test_each_scenario_about_a_platform_says_so(features: tuple[Feature, ...]) -> None:
    assert integrity.unannounced_platforms(features) == []


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


def resilience_ids(features: tuple[Feature, ...]) -> list[str]:
    found = [one for one in features if "resilience" in one.tags]
    return [
        f"{one.file.relative_to(ROOT).as_posix()}::{scenario.name}" for one in found for _, scenario in one.scenarios
    ]


def test_each_resilience_scenario_has_its_weight(features: tuple[Feature, ...]) -> None:
    assert [one for one in resilience_ids(features) if kind_of(one, fault_kinds()) is None] == []


def test_each_weight_is_that_of_a_scenario(features: tuple[Feature, ...]) -> None:
    tried = {kind_of(one, fault_kinds()) for one in resilience_ids(features)}
    assert [kind.name for kind in fault_kinds() if kind not in tried] == []
    named = [name for kind in fault_kinds() for name in kind.scenarios]
    assert [name for name in named if not any(one.startswith(name) for one in resilience_ids(features))] == []


def test_each_feature_is_bound(features: tuple[Feature, ...], bound: tuple[tuple[Path, str], ...]) -> None:
    assert integrity.unbound_features(features, bound) == []


def test_what_checks_a_run_imports_next_to_nothing() -> None:
    places = [ROOT / name.replace(".", "/") for name in integrity.AUDITED]
    files = [
        file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")])
    ]
    assert len(files) >= len(places)
    modules = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted(files)}
    assert integrity.foreign_imports(modules) == []


def test_what_checks_a_run_is_loaded_without_anything_else() -> None:
    """As Python itself sees it: no module of another package is there after the import."""
    program = (
        "import sys, seatrial.audit\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), *[entry for entry in sys.path if entry.endswith("site-packages")]]
            )
        },
    )
    assert set(loaded.stdout.split()) <= {"__main__", "_cffi_backend", "cryptography", "seatrial"}


def test_counts_reconcile_wherever_they_are_shown(register: Register, features: tuple[Feature, ...]) -> None:
    """A run of all features, as its record, its results, JUnit and the terminal tell it."""
    record = run_of(register, features)
    results = json.loads(_RECORD.dump_json(record))
    xml = ET.fromstring(junit(record))
    page = io.StringIO()
    print_summary(record, Console(file=page, width=200))
    requirements, scenarios = (line for line in page.getvalue().splitlines() if re.match(r"\d+ (requ|scen)", line))
    coverage = record.coverage()
    of_requirements = told(requirements)
    counts = {
        "in the features": {"scenarios": sum(rows(one) for feature in features for _, one in feature.scenarios)},
        "in the register": {"requirements": len(tuple(register))},
        "without a scenario": {"not covered": len(WITHOUT_SCENARIO)},
        "in the record": {
            "scenarios": len(record.selected),
            "requirements": len(coverage),
            "not covered": sum(entry.verdict is None for entry in coverage),
            **{str(verdict): count for verdict, count in record.counts().items() if count},
        },
        "in results.json": {"scenarios": len(results["scenarios"])},
        "in JUnit": {"scenarios": len(list(xml.iter("testcase")))},
        "in JUnit's totals": {"scenarios": int(xml.attrib["tests"])},
        "summed up in JUnit": {"scenarios": sum(int(suite.attrib["tests"]) for suite in xml.iter("testsuite"))},
        "on the terminal": {what: of_requirements[what] for what in ("requirements", "not covered")} | told(scenarios),
        "summed up on the terminal": {
            "scenarios": sum(count for what, count in told(scenarios).items() if what != "scenarios"),
            "requirements": sum(count for what, count in of_requirements.items() if what != "requirements"),
        },
    }
    assert integrity.unreconciled(counts) == []


def rows(scenario: Scenario) -> int:
    return max(1, len(scenario.examples))


def told(line: str) -> dict[str, int]:
    """What a line such as "3 scenarios: 2 passed, 1 failed" counts."""
    return {what: int(count) for count, what in re.findall(r"(\d+) ([a-z ]+[a-z])", line)}


def run_of(register: Register, features: tuple[Feature, ...]) -> RunRecord:
    """A run of all features in which the verdicts take turns."""
    begun = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    turns = cycle(Verdict)
    scenarios = tuple(
        ScenarioRecord(
            feature=feature.name,
            file=feature.file.name,
            rule=rule.name,
            name=f"{scenario.name} {row}",
            line=scenario.line,
            test="",
            tags=(),
            requirements=register.ids_of(feature.tags_of(rule, scenario)),
            selected=True,
            verdict=next(turns),
            reason="so it is",
            started=begun,
            duration=timedelta(seconds=1),
            steps=(),
            artefacts=(),
        )
        for feature in features
        for rule, scenario in feature.scenarios
        for row in range(rows(scenario))
    )
    return RunRecord("r", "t", TruthLabel.OTHER, begun, begun, scenarios, register)


@pytest.mark.parametrize("package", integrity.layers())
def test_imports_go_down(package: str) -> None:
    modules = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted((ROOT / package).rglob("*.py"))
    }
    assert integrity.upward_imports(package, modules) == []
