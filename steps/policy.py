"""Steps about network policy and admission: who may talk to whom, and what may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube import PodPlan
from seatrial.kube.capabilities import idle_plan

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.kube import Namespace, Pod
    from seatrial.kube.capabilities import Capabilities

_DATABASE = 5432
_SERVICE = 8000


@given("network policy is enforced")
def network_policy_is_enforced(capabilities: Capabilities) -> None:
    capabilities.network_policy.require()


@given("a stranger from elsewhere", target_fixture="visitor")
def a_stranger_elsewhere(scenario_namespace: Namespace, toolbox: str) -> Pod:
    return scenario_namespace.start(idle_plan(toolbox, "stranger", {"app": "stranger"}))


@given("a stranger beside the database", target_fixture="visitor")
def a_stranger_beside(shop: Namespace, toolbox: str, recovery: ExitStack) -> Pod:
    recovery.callback(shop.remove_pod, "stranger")
    return shop.start(idle_plan(toolbox, "stranger", {"app": "stranger"}))


@given(parse("a pod of the {service} service"), target_fixture="visitor")
def a_pod_of(shop: Namespace, service: str) -> Pod:
    return shop.deployment(service).ready_pods[0]


@when("it connects to the database", target_fixture="connected")
def it_connects_to_the_database(shop: Namespace, visitor: Pod) -> bool:
    return visitor.connects(shop.stateful_set("postgresql").ready_pods[0].address, _DATABASE)


@when(parse("it connects to the {service} service"), target_fixture="connected")
def it_connects_to_a_service(shop: Namespace, visitor: Pod, service: str) -> bool:
    return visitor.connects(shop.deployment(service).ready_pods[0].address, _SERVICE)


@then("the connection is made")
def the_connection_is_made(connected: bool) -> None:  # noqa: FBT001
    assert connected


@then("no connection is made")
def no_connection_is_made(connected: bool) -> None:  # noqa: FBT001
    assert not connected


@given("the admission of pods is policed")
def admission_is_policed(capabilities: Capabilities) -> None:
    capabilities.pod_security.require()


@when("a privileged pod asks to run in the shop", target_fixture="objection")
def a_privileged_pod(shop: Namespace, toolbox: str) -> str | None:
    return shop.admits(PodPlan("privileged", toolbox, ("true",), {}, privileged=True))


@when("its restricted twin asks to run in the shop", target_fixture="objection")
def a_restricted_twin(shop: Namespace, toolbox: str) -> str | None:
    return shop.admits(PodPlan("restricted", toolbox, ("true",), {}))


@then(parse('it is refused, because of "{reason}"'))
def it_is_refused_because(objection: str | None, reason: str) -> None:
    assert objection is not None
    assert reason in objection


@then("it is admitted")
def it_is_admitted(objection: str | None) -> None:
    assert objection is None
