"""Steps about workloads under change: a lost replica, a rollout, a rush."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load import customers
from seatrial.scaling import following

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from seatrial.chaos.times import Timeline
    from seatrial.kube import Autoscaler, Namespace, Pod, Workload
    from seatrial.kube.autoscaler import Growth
    from seatrial.kube.capabilities import Capabilities
    from seatrial.load import Customer
    from seatrial.scaling import Following, Reaction

_SETTLES = timedelta(minutes=5)
_GROWN = timedelta(minutes=4)
_ROLLOUT = timedelta(minutes=3)


@when("one replica is killed", target_fixture="lost")
def one_replica_is_killed(workload: Workload, timeline: Timeline) -> Pod:
    return timeline.done("pod-kill", f"one replica of {workload.name}", workload.kill_one)


@then(parse("it is replaced within {seconds:d} seconds"))
def it_is_replaced(workload: Workload, lost: Pod, seconds: int) -> None:
    workload.wait_replaced(lost, within=timedelta(seconds=seconds))


@when("all replicas are rolled out anew", target_fixture="replaced")
def all_rolled_out_anew(workload: Workload) -> tuple[Pod, ...]:
    before = workload.pods
    workload.restart(within=_ROLLOUT)
    return before


@when(parse("all replicas of the {service} service are rolled out anew"))
def all_of_a_service_rolled_out(shop: Namespace, service: str) -> None:
    shop.deployment(service).restart(within=_ROLLOUT)


@then("none of the old replicas is left")
def none_of_the_old_is_left(workload: Workload, replaced: tuple[Pod, ...]) -> None:
    workload.wait_without(replaced, within=_ROLLOUT)


@given(parse("the {service} autoscaler rests at its fewest replicas"), target_fixture="autoscaler")
def autoscaler_at_floor(shop: Namespace, capabilities: Capabilities, service: str) -> Autoscaler:
    capabilities.metrics.require()
    return shop.autoscaler(service).wait_at_rest(within=_SETTLES)


@pytest.fixture
def followed(autoscaler: Autoscaler, recovery: ExitStack) -> Following:
    """The scenario's autoscaler, which is followed from when this is first asked for."""
    return recovery.enter_context(following(autoscaler))


@when(parse("a rush of {rate:d} requests per second comes and goes"), target_fixture="growth")
def a_rush(customer: Customer, autoscaler: Autoscaler, followed: Following, rate: int, tmp_path: Path) -> Growth:
    with customers(customer, rate, tmp_path / "rush.jsonl") as rush:
        growth = autoscaler.wait_grown(within=_GROWN)
        followed.loaded_by(rush.stop().sound())
    return growth


@when("the memory of its replicas fills and is given back", target_fixture="growth")
def memory_fills(autoscaler: Autoscaler, followed: Following) -> Growth:
    with followed.loading(autoscaler.memory_filled(at_most=_GROWN * 2)):
        return autoscaler.wait_grown(within=_GROWN)


@then(parse("the autoscaler says that it was for their {resource}"))
def the_reason(growth: Growth, resource: str) -> None:
    assert growth.decided_by.startswith(f"{resource} resource"), growth


@then(parse("replicas were added meanwhile, and removed again within {seconds:d} seconds"))
def added_and_removed(autoscaler: Autoscaler, growth: Growth, seconds: int) -> None:
    assert growth.replicas > autoscaler.floor
    autoscaler.wait_at_floor(within=timedelta(seconds=seconds))


@then("it is known how long each part of growing and of shrinking took", target_fixture="reactions")
def parts_are_known(followed: Following) -> tuple[Reaction, ...]:
    return followed.growing(), followed.shrinking()


@then("the parts add up to what was seen from outside")
def parts_add_up(reactions: tuple[Reaction, ...]) -> None:
    assert [contradiction for reaction in reactions for contradiction in reaction.contradictions] == []
