"""Steps about a network in the cloud: what stands where, what leads where, and who reaches whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.reachability import INTERNET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.cloud.network import Network
    from seatrial.cloud.platform import Platform
    from seatrial.cloud.reachability import End


@when("its network is looked at", target_fixture="network")
def look_at_network(platform: Platform) -> Network:
    return platform.network()


@when("an application connects from the private subnets", target_fixture="sources")
def connect_as_application(platform: Platform) -> Sequence[End]:
    return platform.nodes()


@when("a stranger connects from the internet", target_fixture="sources")
def connect_from_the_internet() -> Sequence[End]:
    return (INTERNET,)


@when("a machine without a role connects from the public subnets", target_fixture="sources")
def connect_as_stranger(platform: Platform) -> Sequence[End]:
    return platform.stranger()


@then(parse("the {tier} subnets stand in at least {count:d} zones"))
def subnets_in_zones(network: Network, tier: str, count: int) -> None:
    assert len(network.zones(tier)) >= count


@then("traffic from the public subnets reaches the internet directly")
def public_reaches_the_internet(network: Network) -> None:
    gateways = {gateway.identity for gateway in network.internet_gateways}
    assert set(network.default_targets("public").values()) <= gateways


@then("traffic from the private subnets reaches the internet through a gateway in the public ones")
def private_reaches_out(network: Network) -> None:
    public = {subnet.identity for subnet in network.tier("public")}
    targets = [network.nat_gateway(target) for target in network.default_targets("private").values()]
    assert [gateway for gateway in targets if gateway.subnet not in public or not gateway.available] == []


@then("traffic from the database subnets does not leave the network")
def database_stays_in(network: Network) -> None:
    assert set(network.default_targets("database").values()) == {""}


@then("all its traffic is recorded")
def traffic_recorded(network: Network) -> None:
    recorded = {log.resource for log in network.flow_logs if log.active and log.traffic == "ALL"}
    assert {vpc.identity for vpc in network.vpcs} == recorded


@then(parse("it reaches the {store}"))
def reaches(platform: Platform, sources: Sequence[End], store: str) -> None:
    found = platform.store(store).reached_from(sources, platform.network())
    assert found
    assert [str(reach) for reach in found if not reach.permitted] == []


@then(parse("the {store} refuses it"))
def refuses(platform: Platform, sources: Sequence[End], store: str) -> None:
    found = platform.store(store).reached_from(sources, platform.network())
    assert found
    assert [str(reach) for reach in found if not reach.refused] == []


@then("the shared files refuse it")
def files_refuse(platform: Platform, sources: Sequence[End]) -> None:
    refuses(platform, sources, "shared files")
