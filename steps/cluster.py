"""Steps about the cluster as a whole: its nodes, zones and pools, and what its metrics API tells."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

if TYPE_CHECKING:
    from seatrial.kube import Cluster, Node
    from seatrial.kube.capabilities import Capabilities


@when("the cluster is asked for its nodes", target_fixture="nodes")
def nodes(cluster: Cluster) -> tuple[Node, ...]:
    return cluster.nodes


@then("every node is ready")
def every_node_is_ready(nodes: tuple[Node, ...]) -> None:
    assert nodes
    assert [node.name for node in nodes if not node.ready] == []


@then(parse("the workers stand in at least {count:d} zones"))
def workers_stand_in_zones(nodes: tuple[Node, ...], count: int) -> None:
    assert len({node.zone for node in nodes if node.worker} - {""}) >= count


@then(parse("there are workers for the {pool} pool"))
def there_are_workers_for(nodes: tuple[Node, ...], pool: str) -> None:
    assert [node.name for node in nodes if node.worker and node.pool == pool]


@given("the cluster has a metrics API")
def the_cluster_has_a_metrics_api(capabilities: Capabilities) -> None:
    capabilities.metrics.require()


@when("the metrics API is asked about the nodes", target_fixture="measured")
def measured_nodes(cluster: Cluster) -> tuple[str, ...]:
    return cluster.wait_measured(within=timedelta(seconds=60))


@then("it reports the use of every node")
def use_of_every_node(cluster: Cluster, measured: tuple[str, ...]) -> None:
    assert set(measured) == {node.name for node in cluster.nodes}
