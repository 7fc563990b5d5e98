from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.toolchain.beside import building_beside
from seatrial.toolchain.build import Toolchain
from seatrial.toolchain.pins import Pins
from seatrial.toolchain.places import pins_directory
from seatrial.toolchain.store import Store
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

SOON = timedelta(seconds=30)
# Says who it is, how urgent and what it was asked for, and then takes its time.
BUILDER = (
    'echo "$(cut -d" " -f19 /proc/self/stat) $SEATRIAL_LAUNCHER $* $$" > "$0.new"; mv "$0.new" "$0"; exec sleep 600'
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store, in the place of this machine's."""
    empty = Store(tmp_path / "store")
    monkeypatch.setattr(Toolchain, "here", lambda: Toolchain(Pins(pins_directory()), empty))
    return empty


@pytest.mark.usefixtures("store")
def test_what_is_lacking_is_built_by_a_process_that_gives_way_and_ends_with_the_block(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with building_beside(["opentofu"], progress=open_progress(), command=["sh", "-c", BUILDER, str(said)]) as all_there:
        assert not all_there
        eventually(said.exists, until=bool, within=SOON, what="the builder has said who it is")
        urgency, launcher, name, process = said.read_text().split()
        os.kill(int(process), 0)
    assert (urgency, launcher, name) == ("19", str(os.getpid()), "opentofu")
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_nothing_is_started_where_nothing_is_lacking(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "find", lambda _self, identity: identity)
    with building_beside(["opentofu"], progress=open_progress(), command=[str(tmp_path / "absent")]) as all_there:
        assert all_there


@pytest.mark.usefixtures("store")
def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(UsageError, match="teraform"), building_beside(["teraform"], progress=open_progress()):
        pass
