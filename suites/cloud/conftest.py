"""What the tests of the platform's code share: the real OpenTofu and provider, and an emulator."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from seatrial.cloud.emulator import Emulator
from seatrial.cloud.platform import Platform, emulated_platform
from seatrial.cloud.programs import CloudPrograms, cloud_programs
from seatrial.cloud.tofu import Tofu
from seatrial.progress import open_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> CloudPrograms:
    return cloud_programs(tmp_path_factory.mktemp("programs"), progress=open_progress())


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.running(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with emulated_platform(tmp_path / "platform") as found:
        yield found


@pytest.fixture
def prepared(programs: CloudPrograms, emulator: Emulator, tmp_path: Path) -> Callable[..., Tofu]:
    """Return an environment ready to be planned, with other variables where a test gives them."""

    def made(environment: str = "emulated", **variables: object) -> Tofu:
        passwords = {user: secrets.token_hex(16) for user in ("database", "cache", "catalog", "orders")}
        own = {"emulator_url": emulator.url, "passwords": passwords} if environment == "emulated" else {}
        known = {"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"}
        tofu = Tofu(programs, tmp_path / environment, environment, {**own, **variables}, secrets=known)
        tofu.folder.mkdir()
        tofu.prepare(emulator=None if environment == "emulated" else emulator.url)
        return tofu

    return made
