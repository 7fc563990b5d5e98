"""The fault switch by itself: leases, chance, memory, crash."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from reference_app.telemetry.administration import create_administration
from reference_app.telemetry.faults import Fault, FaultSwitch
from reference_app.telemetry.metrics import Metrics


@dataclass
class _World:
    now: float = 0.0
    chance: float = 0.5
    exits: list[int] = field(default_factory=list)

    def switch(self) -> FaultSwitch:
        return FaultSwitch(
            enabled=True, clock=lambda: self.now, chance=lambda: self.chance, end_process=self.exits.append
        )


def test_a_fault_ends_with_its_lease() -> None:
    world = _World()
    switch = world.switch()
    switch.turn_on(Fault(lease_seconds=10, not_ready=True, memory_mebibytes=8))

    world.now = 9.9
    before = switch.blocks_readiness, switch.held_mebibytes
    world.now = 10.0
    after = switch.blocks_readiness, switch.held_mebibytes

    assert before == (True, 8)
    assert after == (False, 0)
    assert switch.fault is None


@pytest.mark.anyio
@pytest.mark.parametrize(("chance", "fails"), [(0.0, True), (0.29, True), (0.3, False), (0.99, False)])
async def test_the_share_of_failures_is_the_one_asked_for(chance: float, *, fails: bool) -> None:
    world = _World(chance=chance)
    switch = world.switch()
    switch.turn_on(Fault(lease_seconds=10, error_rate=0.3))

    assert (await switch.strike() is not None) is fails


@pytest.mark.anyio
async def test_without_a_fault_nothing_happens() -> None:
    assert await _World().switch().strike() is None


def test_a_crash_ends_the_process() -> None:
    world = _World()
    world.switch().turn_on(Fault(lease_seconds=1, crash=True))

    assert world.exits == [70]


@pytest.mark.parametrize(("enabled", "paths"), [(False, ["/metrics"]), (True, ["/metrics", "/fault"])])
def test_the_switch_has_a_path_only_where_it_is_enabled(paths: list[str], *, enabled: bool) -> None:
    administration = create_administration(Metrics(), FaultSwitch(enabled=enabled))

    assert [getattr(route, "path", None) for route in administration.routes] == paths


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
