"""The specification as it stands: its features, the steps that do them, and the modules that bind them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import step_function_context_registry

from seatrial.requirements import Register
from seatrial.requirements import register as shipped_register
from seatrial.specification import Feature, read_features
from suites.specs.integrity import Definition

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def features() -> tuple[Feature, ...]:
    return read_features(ROOT / "features")


@pytest.fixture(scope="session")
def register() -> Register:
    return shipped_register()


@pytest.fixture(scope="session")
def definitions() -> tuple[Definition, ...]:
    found = []
    for context in step_function_context_registry.values():
        function = context.step_func
        if function.__module__.partition(".")[0] == "steps":
            place = f"{function.__module__}.{function.__qualname__}"
            found.append(Definition(context.type, context.parser, place))
    return tuple(found)


@pytest.fixture(scope="session")
def bound() -> tuple[tuple[Path, str], ...]:
    found = []
    for file in sorted((ROOT / "suites" / "acceptance").rglob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"bindings_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            template = scenario_wrapper_template_registry.get(value) if callable(value) else None
            if template is not None:
                found.append((Path(template.feature.filename), template.name))
    return tuple(found)
