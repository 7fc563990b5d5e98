"""Steps about names: how services find each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube.capabilities import PORT, idle_plan, listener_plan
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from seatrial.kube import Cluster, Completed, Namespace, Pod


@pytest.fixture
def two_workers(cluster: Cluster) -> tuple[str, str]:
    """The names of two workers; inconclusive where there is only one."""
    names = [node.name for node in cluster.workers if node.ready]
    if len(names) <= 1:
        raise Inconclusive("needs two ready workers, there is one")
    return names[0], names[1]


@given(parse("a service called {name} on one worker"))
def a_service(scenario_namespace: Namespace, two_workers: tuple[str, str], toolbox: str, name: str) -> None:
    scenario_namespace.start(listener_plan(toolbox, name, {"app": name}, node=two_workers[0]))
    scenario_namespace.create_service(name, {"app": name}, PORT)


@given("a customer of it on another worker", target_fixture="caller")
def a_caller(scenario_namespace: Namespace, two_workers: tuple[str, str], toolbox: str) -> Pod:
    return scenario_namespace.start(idle_plan(toolbox, "caller", {"app": "caller"}, node=two_workers[1]))


@when(parse("the customer calls {name} by name"), target_fixture="call")
def calls_by_name(scenario_namespace: Namespace, caller: Pod, name: str) -> Completed:
    return caller.call(f"{name}.{scenario_namespace.name}.svc.cluster.local", PORT)


@then("the call is answered")
def the_call_is_answered(call: Completed) -> None:
    assert call.succeeded, call.output


@then("the name is not known")
def the_name_is_not_known(call: Completed) -> None:
    assert not call.succeeded
    assert "NXDOMAIN" in call.output or "can't find" in call.output, call.output
