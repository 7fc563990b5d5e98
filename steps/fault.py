"""Steps about faults of nodes. Each fault is undone when its scenario ends, and the node is seen ready again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube import PodPlan, kinds
from seatrial.kube.capabilities import API_NAME

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.chaos.times import Timeline
    from seatrial.cluster import RunningCluster
    from seatrial.kube import Availability, Cluster, Namespace, Node, Workload

_NOTICED = timedelta(seconds=90)
_BACK = timedelta(minutes=3)


@given("one of them holds none of the shop's data", target_fixture="node")
def a_node_without_data(cluster: Cluster, shop: Namespace, workload: Workload) -> Node:
    return cluster.spare_worker(shop, workload)


@given("it was powered off and the cluster has noticed")
@when("that node is powered off")
def powered_off(embedded: RunningCluster, node: Node, recovery: ExitStack, timeline: Timeline) -> None:
    recovery.callback(node.wait_ready, within=_BACK)
    recovery.callback(embedded.node(node.name).power_on)
    timeline.done("node-power-off", node.name, embedded.node(node.name).power_off, at_once=True)
    node.wait_not_ready(within=_NOTICED)


@given("it was cut off from the network and the cluster has noticed")
@when("that node is cut off from the network")
def cut_off(embedded: RunningCluster, node: Node, recovery: ExitStack, timeline: Timeline) -> None:
    recovery.callback(node.wait_ready, within=_BACK)
    recovery.callback(embedded.node(node.name).reconnect)
    timeline.done("node-cut-off", node.name, embedded.node(node.name).cut_off, at_once=True)
    node.wait_not_ready(within=_NOTICED)


@when("its power comes back")
def power_comes_back(embedded: RunningCluster, node: Node) -> None:
    embedded.node(node.name).power_on()


@when("its network comes back")
def network_comes_back(embedded: RunningCluster, node: Node) -> None:
    embedded.node(node.name).reconnect()


@then(parse("the node is ready within {seconds:d} seconds"))
def the_node_is_ready(node: Node, seconds: int) -> None:
    node.wait_ready(within=timedelta(seconds=seconds))


@then("a pod on it finds a service by its name")
def a_pod_finds_a_service(scenario_namespace: Namespace, node: Node, toolbox: str) -> None:
    guest = PodPlan("guest", toolbox, ("nslookup", "-type=a", API_NAME), {}, node=node.name)
    found = scenario_namespace.run(guest)
    assert found.succeeded, found.output


@then(parse("all replicas are ready on other nodes within {seconds:d} seconds"))
def ready_on_other_nodes(workload: Workload, node: Node, seconds: int) -> None:
    workload.wait_away_from(node.name, within=timedelta(seconds=seconds))


@when("that node is drained", target_fixture="availability")
def that_node_is_drained(workload: Workload, node: Node, recovery: ExitStack) -> Availability:
    recovery.callback(node.uncordon)
    with workload.observed() as availability:
        node.drain(within=_BACK)
    return availability


@then(parse("at least {replicas:d} replica was ready at all times"))
def ready_at_all_times(availability: Availability, replicas: int) -> None:
    assert availability.lost is None
    assert availability.lowest >= replicas


@when("one replica is asked to leave", target_fixture="allowed")
def one_is_asked_to_leave(workload: Workload, recovery: ExitStack) -> int:
    recovery.callback(workload.wait_complete, within=_BACK)
    return workload.evict(1)


@when("all replicas are asked to leave at once", target_fixture="allowed")
def all_are_asked_to_leave(workload: Workload, recovery: ExitStack) -> int:
    recovery.callback(workload.wait_complete, within=_BACK)
    return workload.evict(len(workload.ready_pods))


@then("it may leave")
def it_may_leave(allowed: int) -> None:
    assert allowed == 1


@then("not all may leave")
def not_all_may_leave(workload: Workload, shop: Namespace, allowed: int) -> None:
    assert allowed < workload.replicas
    assert shop.objects(kinds.DISRUPTION_BUDGET)
