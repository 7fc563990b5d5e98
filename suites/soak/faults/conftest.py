from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos.journal import Journal
from suites.processes.chaos.neighbour import Neighbour
from suites.processes.chaos.pair import Pair
from suites.processes.chaos.tools import tools
from suites.soak.faults.kills import Kill, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tools"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        drawn: tuple[Kill, ...] = draw(metafunc.config.option.seed, metafunc.config.option.instants)
        metafunc.parametrize("kill", drawn, ids=[f"{number}-{one}" for number, one in enumerate(drawn)])


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEATRIAL_FAULTS", str(tmp_path_factory.mktemp("faults")))
        yield Journal()


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    made = Pair.create(secrets.token_hex(3))
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbour]:
    made = Neighbour.create(secrets.token_hex(3), tmp_path_factory.mktemp("place"))
    try:
        yield made
    finally:
        made.remove()
