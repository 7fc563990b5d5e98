from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from suites.soak.instants import Instant, draw

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak", "kills at random instants")
    group.addoption("--seed", type=int, default=secrets.randbelow(2**32), help="draw the same instants again")
    group.addoption("--instants", type=int, default=36, help="how many; at least 30 make a soak")


def pytest_report_header(config: pytest.Config) -> str:
    return f"soak: --seed {config.option.seed} --instants {config.option.instants}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "instant" in metafunc.fixturenames:
        drawn: tuple[Instant, ...] = draw(metafunc.config.option.seed, metafunc.config.option.instants)
        metafunc.parametrize("instant", drawn, ids=map(str, drawn))
