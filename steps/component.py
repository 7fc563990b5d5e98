"""Steps about programs that are killed, and started again by whoever watches over them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.chaos.injection import inject
from seatrial.chaos.targets import component
from seatrial.kube import Interrupted, Refused
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.chaos.injection import Injection
    from seatrial.chaos.processes import ProcessKill
    from seatrial.chaos.times import Timeline
    from seatrial.cluster import RunningCluster
    from seatrial.kube import Cluster, Node, Workload
    from steps.disturbance import Replica

_PROGRAMS = {"kubelet": "kubelet", "container runtime": "containerd", "API server": "kube-apiserver", "etcd": "etcd"}
_ANSWER = timedelta(seconds=2)


@given("the node that one of its replicas is on", target_fixture="node")
def node_of_a_replica(cluster: Cluster, workload: Workload) -> Node:
    return cluster.node(workload.ready_pods[0].node)


@when(parse("the {what} of that node is killed"), target_fixture="killed")
def killed_on_the_node(
    embedded: RunningCluster, node: Node, what: str, recovery: ExitStack, timeline: Timeline
) -> Injection:
    return _killed(component(embedded.node(node.name), _PROGRAMS[what]), recovery, timeline)


@when(parse("the {what} of the control plane is killed"), target_fixture="killed")
def killed_on_the_control_plane(
    embedded: RunningCluster, what: str, recovery: ExitStack, timeline: Timeline
) -> Injection:
    return _killed(component(embedded.control_plane, _PROGRAMS[what]), recovery, timeline)


@when("its program crashes", target_fixture="killed")
def program_crashes(replica: Replica, recovery: ExitStack, timeline: Timeline) -> Injection:
    return _killed(replica.local.container().crashed(), recovery, timeline)


def _killed(fault: ProcessKill, recovery: ExitStack, timeline: Timeline) -> Injection:
    done = inject(fault, timeline=timeline)
    recovery.callback(done.end)
    return done


@then(parse("it runs again within {seconds:d} seconds"))
def it_runs_again(killed: Injection, seconds: int) -> None:
    killed.patience = timedelta(seconds=seconds)
    killed.end()


@then(parse("the node is still ready after {seconds:d} seconds"))
def node_is_still_ready(node: Node, killed: Injection, seconds: int) -> None:
    clock, end = killed.timeline.clock, killed.timeline.clock() + seconds
    within = timedelta(seconds=seconds + 60)
    seen = eventually(
        lambda: (node.ready, clock() >= end), until=lambda one: one != (True, False), within=within, what="time passes"
    )
    assert seen[0]


@then(parse("the cluster answers again within {seconds:d} seconds"))
def the_cluster_answers(cluster: Cluster, seconds: int) -> None:
    def answers() -> bool:
        try:
            return cluster.api.request("GET", "/readyz", within=_ANSWER) == "ok"
        except (Refused, Interrupted):
            return False

    eventually(answers, until=bool, within=timedelta(seconds=seconds), what="the cluster answers")
