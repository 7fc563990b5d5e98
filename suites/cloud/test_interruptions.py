"""What a platform is like after something went wrong in the middle: told clearly, healed by the next run."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from seatrial.cloud.emulator import EmulatorGone
from seatrial.cloud.faults import ROUTE
from seatrial.cloud.inventory import difference, inventory
from seatrial.cloud.plan import TofuFailed
from seatrial.cloud.platform import emulated_platform
from seatrial.errors import UsageError
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.cloud.platform import Platform

SOON = timedelta(seconds=60)


def misbehave(platform: Platform, **fault: object) -> None:
    assert platform.account.endpoint is not None
    httpx.put(f"{platform.account.endpoint}{ROUTE}", json=fault).raise_for_status()


def behave(platform: Platform) -> None:
    assert platform.account.endpoint is not None
    httpx.delete(f"{platform.account.endpoint}{ROUTE}").raise_for_status()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "error", "service": "rds"}, "module.database.aws_db_.*status code: 500"),
        ({"kind": "throttling", "service": "elasticache"}, "module.cache.aws_elasticache_.*Throttling"),
    ],
    ids=["errors", "throttling"],
)
def test_a_cloud_that_fails_in_the_middle_is_told_and_the_next_run_completes(
    fault: dict[str, object], told: str, platform: Platform
) -> None:
    platform.before = inventory(platform.account)
    misbehave(platform, **fault)
    with pytest.raises(TofuFailed, match=told, check=lambda error: "\n" not in str(error)):
        platform.build()
    kept = platform.tofu.addresses()
    assert kept
    behave(platform)
    platform.build()
    assert set(kept) <= set(platform.tofu.addresses())
    assert platform.planned_anew().empty


def test_a_slow_cloud_is_waited_for(platform: Platform) -> None:
    platform.before = inventory(platform.account)
    misbehave(platform, kind="delay", delay=1.0, requests=20)
    platform.build()
    assert platform.planned_anew().empty


def test_an_emulator_that_ends_in_the_middle_is_told_and_the_next_run_completes(tmp_path: Path) -> None:
    folder = tmp_path / "platform"
    with emulated_platform(folder) as platform:
        emulator = platform.emulator
        assert emulator is not None
        killer = threading.Thread(target=interrupt, args=(platform, lambda one: one.pid == emulator.process.pid))
        killer.start()
        with pytest.raises(EmulatorGone, match="The emulator ended; the last of"):
            platform.build()
        killer.join()
        assert platform.tofu.addresses()
    with emulated_platform(folder) as platform:
        platform.build()
        assert platform.planned_anew().empty


def test_of_two_who_change_it_at_once_one_is_refused(platform: Platform) -> None:
    with pytest.raises(UsageError, match="is in use by process"), platform.tofu.held():
        pass


def interrupt(platform: Platform, choose: Callable[[psutil.Process], bool]) -> None:
    """Wait until the process that *choose* tells is at work below this one and something is built, and kill it."""

    def found() -> list[psutil.Process]:
        return [child for child in psutil.Process().children(recursive=True) if choose(child)]

    def going_on() -> bool:
        return bool(platform.tofu.folder.joinpath("state.tfstate").exists() and found())

    eventually(going_on, until=bool, within=SOON, what="it is at work")
    for process in found():
        process.kill()


@pytest.mark.parametrize("program", ["tofu", "terraform-provider-aws"])
def test_a_killed_program_is_healed_by_the_next_run(program: str, platform: Platform) -> None:
    killer = threading.Thread(target=interrupt, args=(platform, lambda child: child.name().startswith(program[:15])))
    killer.start()
    with pytest.raises(TofuFailed):
        platform.build()
    killer.join()
    platform.build()
    assert platform.planned_anew().empty
    platform.take_down()
    assert platform.tofu.addresses() == ()
    assert str(difference(platform.before or frozenset(), inventory(platform.account))) == "no difference"
