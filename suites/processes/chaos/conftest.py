from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos.journal import Journal
from suites.processes.chaos.neighbour import Neighbour
from suites.processes.chaos.pair import Pair
from suites.processes.chaos.tools import tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["tools"]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("SEATRIAL_FAULTS", str(tmp_path / "faults"))
    return Journal()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair.create(secrets.token_hex(3))
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Neighbour]:
    folder = tmp_path / "place"
    folder.mkdir()
    made = Neighbour.create(secrets.token_hex(3), folder)
    try:
        yield made
    finally:
        made.remove()
