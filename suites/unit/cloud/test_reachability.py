"""Who reaches whom: a table of pairs, and what holds in any network."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.cloud.account import NotFound
from seatrial.cloud.network import (
    ALL_PORTS,
    ANY,
    AclEntry,
    InternetGateway,
    NatGateway,
    Network,
    NetworkAcl,
    Ports,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityRule,
    Subnet,
    Vpc,
)
from seatrial.cloud.reachability import (
    EPHEMERAL,
    INTERNET,
    End,
    Flow,
    Member,
    NotJudged,
    Reach,
    Reachability,
    reachable,
    refusals_of,
)

if TYPE_CHECKING:
    from random import Random

EVERYWHERE = IPv4Network("0.0.0.0/0")
VPC = IPv4Network("10.0.0.0/16")
PUBLIC = IPv4Network("10.0.0.0/24")
PRIVATE = IPv4Network("10.0.1.0/24")
DATABASE = IPv4Network("10.0.2.0/24")

LOCAL = Route(VPC, "local")
OPEN_OUT = SecurityRule(ANY, ALL_PORTS, cidrs=(EVERYWHERE,))


def entry(number: int, cidr: IPv4Network, ports: Ports = ALL_PORTS, *, egress: bool, allow: bool = True) -> AclEntry:
    protocol = ANY if ports == ALL_PORTS else "tcp"
    return AclEntry(number=number, egress=egress, allow=allow, protocol=protocol, ports=ports, cidr=cidr)


def open_list(identity: str, *subnets: str, default: bool = False) -> NetworkAcl:
    entries = (entry(100, EVERYWHERE, egress=False), entry(100, EVERYWHERE, egress=True))
    return NetworkAcl(identity, "vpc", default, entries, subnets)


def tcp(port: int, *groups: str, cidr: IPv4Network | None = None) -> SecurityRule:
    return SecurityRule("tcp", Ports(port, port), cidrs=(cidr,) if cidr else (), groups=groups)


# Three tiers, as a careful team builds them: only balancers are public, only the application reaches the database.
TIERS = Network(
    vpcs=(Vpc("vpc", (VPC,)), Vpc("vpc-other", (IPv4Network("10.1.0.0/16"),))),
    subnets=(
        Subnet("public", "vpc", "a", PUBLIC, "public", assigns_public_addresses=True),
        Subnet("private", "vpc", "a", PRIVATE, "private"),
        Subnet("database", "vpc", "a", DATABASE, "database"),
        Subnet("other", "vpc-other", "a", IPv4Network("10.1.0.0/24")),
    ),
    route_tables=(
        RouteTable("rtb-public", "vpc", main=False, routes=(LOCAL, Route(EVERYWHERE, "igw-1")), subnets=("public",)),
        RouteTable("rtb-private", "vpc", main=False, routes=(LOCAL, Route(EVERYWHERE, "nat-1")), subnets=("private",)),
        RouteTable("rtb-main", "vpc", main=True, routes=(LOCAL,)),
        RouteTable("rtb-other", "vpc-other", main=True, routes=(Route(IPv4Network("10.1.0.0/16"), "local"),)),
    ),
    acls=(
        open_list("acl-default", "public", "private", default=True),
        NetworkAcl(
            "acl-database",
            "vpc",
            default=False,
            entries=(
                entry(100, PRIVATE, Ports(5432, 5432), egress=False),
                entry(100, PRIVATE, EPHEMERAL, egress=True),
                entry(32767, EVERYWHERE, egress=False, allow=False),
                entry(32767, EVERYWHERE, egress=True, allow=False),
            ),
            subnets=("database",),
        ),
        NetworkAcl("acl-other", "vpc-other", default=True, entries=open_list("any").entries),
    ),
    groups=(
        SecurityGroup("sg-balancer", "vpc", "balancer", (tcp(443, cidr=EVERYWHERE),), (OPEN_OUT,)),
        SecurityGroup("sg-app", "vpc", "app", (tcp(8080, "sg-balancer"), tcp(7946, "sg-app")), (OPEN_OUT,)),
        SecurityGroup("sg-database", "vpc", "database", (tcp(5432, "sg-app"),), ()),
        SecurityGroup("sg-mute", "vpc", "mute", (tcp(22, cidr=IPv4Network("10.0.0.0/25")),), ()),
        SecurityGroup("sg-other", "vpc-other", "other", (), (OPEN_OUT,)),
    ),
    internet_gateways=(InternetGateway("igw-1", ("vpc",)),),
    nat_gateways=(NatGateway("nat-1", "vpc", "public"),),
)

BALANCER = Member("public", ("sg-balancer",))
APP = Member("private", ("sg-app",))
STORE = Member("database", ("sg-database",))
MUTE = Member("private", ("sg-mute",))
OTHER = Member("other", ("sg-other",))


@pytest.mark.parametrize(
    ("source", "destination", "port"),
    [
        (INTERNET, BALANCER, 443),
        (BALANCER, APP, 8080),
        (APP, STORE, 5432),
        (APP, APP, 7946),
        (APP, INTERNET, 443),
        (BALANCER, INTERNET, 443),
        (Member("private", ("sg-mute", "sg-app")), STORE, 5432),
    ],
    ids=str,
)
def test_permitted_pairs(source: End, destination: End, port: int) -> None:
    reach = reachable(TIERS, source, destination, port)
    assert reach.verdict is Reachability.PERMITTED, reach
    assert reach.refusals == ()


@pytest.mark.parametrize(
    ("source", "destination", "port", "hops"),
    [
        (INTERNET, BALANCER, 80, ("sg-balancer",)),
        (INTERNET, APP, 8080, ("private", "rtb-private", "sg-app")),
        (INTERNET, replace(APP, public_address=True), 8080, ("rtb-private", "sg-app")),
        (INTERNET, replace(BALANCER, public_address=False), 443, ("public",)),
        (INTERNET, STORE, 5432, ("acl-database", "database", "rtb-main", "sg-database")),
        (BALANCER, STORE, 5432, ("acl-database", "sg-database")),
        (APP, STORE, 22, ("acl-database", "sg-database")),
        (Member("public", ("sg-app",)), STORE, 5432, ("acl-database",)),
        (STORE, APP, 8080, ("acl-database", "sg-app", "sg-database")),
        (STORE, INTERNET, 443, ("acl-database", "database", "rtb-main", "sg-database")),
        (MUTE, INTERNET, 443, ("sg-mute",)),
        (MUTE, BALANCER, 443, ("sg-mute",)),
        (APP, OTHER, 443, ("vpc",)),
    ],
    ids=str,
)
def test_refused_pairs(source: End, destination: End, port: int, hops: tuple[str, ...]) -> None:
    reach = reachable(TIERS, source, destination, port)
    assert reach.verdict is Reachability.REFUSED, reach
    assert reach.hops == set(hops)
    assert str(reach.refusals[0]) == reach.reason


def test_what_only_some_addresses_may_is_partly_permitted() -> None:
    reach = reachable(TIERS, BALANCER, MUTE, 22)
    assert reach.verdict is Reachability.PARTLY
    assert not reach.permitted
    assert not reach.refused
    assert reach.reason.startswith("10.0.0.4:1024 to 10.0.1.4:22 gets through, but for 10.0.0.128:1024 to 10.0.1.4:22")


def test_a_group_open_to_one_office_is_partly_open_to_the_internet() -> None:
    office = tcp(443, cidr=IPv4Network("203.0.113.0/24"))
    network = with_group(TIERS, replace(TIERS.group("sg-balancer"), ingress=(office,)))
    assert reachable(network, INTERNET, BALANCER, 443).verdict is Reachability.PARTLY


def test_a_private_range_is_not_the_internet() -> None:
    inside = tcp(443, cidr=IPv4Network("10.0.0.0/8"))
    network = with_group(TIERS, replace(TIERS.group("sg-balancer"), ingress=(inside,)))
    reach = reachable(network, INTERNET, BALANCER, 443)
    assert (reach.verdict, set(reach.hops)) == (Reachability.REFUSED, {"sg-balancer"})


def test_an_answer_needs_a_rule_in_an_access_list_and_none_in_a_security_group() -> None:
    assert TIERS.group("sg-database").egress == ()
    deaf = without_entries(TIERS, "acl-database", egress=True)
    reach = reachable(deaf, APP, STORE, 5432)
    assert reach.verdict is Reachability.REFUSED
    assert reach.reason == "acl-database has no rule that lets answers at tcp 1024 out to 10.0.1.4"


def test_an_access_list_that_knows_the_ports_of_one_system_serves_that_system() -> None:
    linux = Ports(32768, 60999)
    entries = tuple(
        replace(each, ports=linux) if each.egress and each.allow else each for each in TIERS.acl_of("database").entries
    )
    network = with_acl(TIERS, replace(TIERS.acl_of("database"), entries=entries))
    assert reachable(network, APP, STORE, 5432).verdict is Reachability.PARTLY
    assert reachable(network, APP, STORE, 5432, ephemeral=linux).verdict is Reachability.PERMITTED


def test_ports_at_both_ends_of_a_range_count() -> None:
    def verdict(answered: Ports) -> Reachability:
        entries = tuple(
            replace(each, ports=answered) if each.egress and each.allow else each
            for each in TIERS.acl_of("database").entries
        )
        network = with_acl(TIERS, replace(TIERS.acl_of("database"), entries=entries))
        return reachable(network, APP, STORE, 5432, ephemeral=Ports(2000, 2009)).verdict

    assert verdict(Ports(2000, 2009)) is Reachability.PERMITTED
    for some in (Ports(2000, 2008), Ports(2001, 2009), Ports(2000, 2000), Ports(2009, 2009), Ports(2004, 2004)):
        assert verdict(some) is Reachability.PARTLY
    for none in (Ports(1024, 1999), Ports(2010, 2010)):
        assert verdict(none) is Reachability.REFUSED


def test_an_answer_that_is_routed_elsewhere_does_not_arrive() -> None:
    detour = replace(TIERS.route_table_of("database"), routes=(LOCAL, Route(PRIVATE, "nat-1")))
    reach = reachable(with_table(TIERS, detour), APP, STORE, 5432)
    assert (reach.verdict, set(reach.hops)) == (Reachability.REFUSED, {"rtb-main"})


@pytest.mark.parametrize(("first", "verdict"), [(False, Reachability.REFUSED), (True, Reachability.PERMITTED)])
def test_the_rule_of_the_lowest_number_decides(first: bool, verdict: Reachability) -> None:  # noqa: FBT001 - a case
    entries = (
        *(each for each in TIERS.acl_of("database").entries),
        entry(90, PRIVATE, Ports(5432, 5432), egress=False, allow=first),
    )
    network = with_acl(TIERS, replace(TIERS.acl_of("database"), entries=entries))
    assert reachable(network, APP, STORE, 5432).verdict is verdict


def test_an_access_list_does_not_see_what_stays_in_its_subnet() -> None:
    closed = with_acl(TIERS, replace(TIERS.acl_of("private"), entries=()))
    assert reachable(closed, APP, APP, 7946).verdict is Reachability.PERMITTED
    assert reachable(closed, BALANCER, APP, 8080).verdict is Reachability.REFUSED


def test_a_subnet_that_names_no_table_and_no_list_has_those_of_its_cloud() -> None:
    assert TIERS.route_table_of("database").identity == "rtb-main"
    bare = with_acl(TIERS, replace(TIERS.acl_of("database"), subnets=()))
    for listed in (bare, replace(bare, acls=bare.acls[::-1], route_tables=bare.route_tables[::-1])):
        assert listed.acl_of("database").identity == "acl-default"
        assert listed.route_table_of("database").identity == "rtb-main"


def test_udp_is_not_tcp() -> None:
    assert reachable(TIERS, INTERNET, BALANCER, 443, "udp").verdict is Reachability.REFUSED


def test_the_most_specific_route_wins_even_over_the_local_one() -> None:
    detour = Route(DATABASE, "nat-1")
    network = with_table(TIERS, replace(TIERS.route_table_of("private"), routes=(LOCAL, detour)))
    assert reachable(network, APP, STORE, 5432).hops == {"rtb-private"}


def test_a_black_hole_leads_nowhere() -> None:
    gone = Route(EVERYWHERE, "igw-1", active=False)
    network = with_table(TIERS, replace(TIERS.route_table_of("public"), routes=(LOCAL, gone)))
    assert reachable(network, INTERNET, BALANCER, 443).hops == {"rtb-public"}


def test_a_gateway_of_another_cloud_does_not_help() -> None:
    network = replace(TIERS, internet_gateways=(InternetGateway("igw-1", ("vpc-other",)),))
    assert reachable(network, INTERNET, BALANCER, 443).hops == {"rtb-public"}


@pytest.mark.parametrize(
    ("gateway", "why"),
    [
        (NatGateway("nat-1", "vpc", "public", available=False), "nat-1 is not available"),
        (NatGateway("nat-1", "vpc", "public", public=False), "nat-1 has no public address"),
        (NatGateway("nat-1", "vpc", "database"), "rtb-main has no route from database to an internet gateway"),
    ],
)
def test_a_nat_gateway_needs_to_work_to_be_public_and_to_have_a_way_itself(gateway: NatGateway, why: str) -> None:
    reach = reachable(replace(TIERS, nat_gateways=(gateway,)), APP, INTERNET, 443)
    assert why in map(str, reach.refusals)
    assert reach.verdict is Reachability.REFUSED


def test_the_access_list_of_a_nat_gateways_subnet_counts() -> None:
    edge = NetworkAcl("acl-edge", "vpc", default=False, entries=open_list("any").entries, subnets=("public",))
    own = replace(TIERS.acl_of("private"), subnets=("private",))
    network = replace(TIERS, acls=(edge, own, *TIERS.acls[1:]))
    assert reachable(network, APP, INTERNET, 443).verdict is Reachability.PERMITTED
    # A gateway speaks from any of its ports, whichever the one behind it speaks from.
    linux = tuple(replace(each, protocol="tcp", ports=Ports(32768, 60999)) for each in edge.entries if not each.egress)
    inside = AclEntry(90, egress=False, allow=True, protocol=ANY, ports=ALL_PORTS, cidr=VPC)
    outwards = tuple(each for each in edge.entries if each.egress)
    half_deaf = with_acl(network, replace(edge, entries=(*linux, *outwards, inside)))
    reach = reachable(half_deaf, APP, INTERNET, 443, ephemeral=Ports(40000, 40000))
    assert (reach.verdict, set(reach.hops)) == (Reachability.PARTLY, {"acl-edge"})
    deaf = without_entries(network, "acl-edge", egress=False)
    assert reachable(deaf, APP, INTERNET, 443).hops == {"acl-edge"}


def test_what_is_not_judged_is_said() -> None:
    peered = with_table(TIERS, replace(TIERS.route_table_of("private"), routes=(Route(VPC, "pcx-1"),)))
    with pytest.raises(NotJudged, match=r"rtb-private sends packets for 10\.0\.2\.4 over pcx-1"):
        reachable(peered, APP, STORE, 5432)
    assert reachable(peered, MUTE, STORE, 5432).hops >= {"sg-mute"}
    subnets = tuple(replace(each, cidrs_v6=(IPv6Network("2001:db8::/64"),)) for each in TIERS.subnets)
    with pytest.raises(NotJudged, match="private has IPv6 addresses"):
        reachable(replace(TIERS, subnets=subnets), APP, STORE, 5432)


def test_ends_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="one end at least is in the network"):
        reachable(TIERS, INTERNET, INTERNET, 443)
    with pytest.raises(ValueError, match="at least one security group"):
        Member("private", ())
    with pytest.raises(NotFound, match="the subnet nowhere does not exist in the network"):
        reachable(TIERS, Member("nowhere", ("sg-app",)), STORE, 5432)
    with pytest.raises(NotFound, match="the security group sg-none does not exist"):
        reachable(TIERS, Member("private", ("sg-none",)), STORE, 5432)


# --- What holds in any network


def with_group(network: Network, group: SecurityGroup) -> Network:
    return replace(network, groups=tuple(group if each.identity == group.identity else each for each in network.groups))


def with_acl(network: Network, acl: NetworkAcl) -> Network:
    return replace(network, acls=tuple(acl if each.identity == acl.identity else each for each in network.acls))


def with_table(network: Network, table: RouteTable) -> Network:
    tables = tuple(table if each.identity == table.identity else each for each in network.route_tables)
    return replace(network, route_tables=tables)


def without_entries(network: Network, acl: str, *, egress: bool) -> Network:
    (found,) = (each for each in network.acls if each.identity == acl)
    return with_acl(network, replace(found, entries=tuple(each for each in found.entries if each.egress != egress)))


SMALL = IPv4Network("10.0.0.0/24")
LEFT, RIGHT = IPv4Network("10.0.0.0/28"), IPv4Network("10.0.0.16/28")
FEW = Ports(1024, 1029)
SERVICE = 80

cidrs = st.sampled_from(
    [
        EVERYWHERE,
        SMALL,
        LEFT,
        RIGHT,
        *LEFT.subnets(new_prefix=30),
        *RIGHT.subnets(new_prefix=29),
        IPv4Network("10.0.0.6/32"),
        IPv4Network("192.0.2.0/24"),
    ]
)
ports = st.sampled_from([ALL_PORTS, Ports(80, 80), FEW, Ports(1024, 1026), Ports(1028, 1028), Ports(0, 1025)])
entries = st.lists(
    st.builds(
        AclEntry,
        number=st.integers(1, 9),
        egress=st.booleans(),
        allow=st.sampled_from([True, True, True, False]),
        protocol=st.sampled_from([ANY, "tcp", "tcp", "udp"]),
        ports=ports,
        cidr=cidrs,
    ),
    max_size=6,
    unique_by=lambda each: (each.number, each.egress),
).map(tuple)
rules = st.lists(
    st.builds(
        SecurityRule,
        protocol=st.sampled_from([ANY, "tcp", "udp"]),
        ports=st.sampled_from([ALL_PORTS, Ports(80, 80), Ports(81, 90)]),
        cidrs=st.lists(cidrs, max_size=2).map(tuple),
        groups=st.lists(st.sampled_from(["sg-left", "sg-right"]), max_size=1).map(tuple),
    ),
    max_size=3,
).map(tuple)
targets = st.sampled_from(["local", "igw-1", "nat-1"])
routes = st.lists(st.builds(Route, cidrs, targets, st.sampled_from([True, True, False])), max_size=2).map(tuple)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    local = Route(SMALL, "local")
    open_entries = open_list("any").entries
    often_open = st.one_of(st.just(open_entries), entries)
    often_open_rules = st.one_of(st.just((OPEN_OUT,)), rules)
    return Network(
        vpcs=(Vpc("vpc", (SMALL,)),),
        subnets=(
            Subnet("left", "vpc", "a", LEFT, assigns_public_addresses=draw(st.booleans())),
            Subnet("right", "vpc", "b", RIGHT, assigns_public_addresses=draw(st.booleans())),
        ),
        route_tables=(
            RouteTable("rtb-left", "vpc", main=False, routes=(local, *draw(routes)), subnets=("left",)),
            RouteTable("rtb-main", "vpc", main=True, routes=(local, *draw(routes))),
        ),
        acls=(
            NetworkAcl("acl-left", "vpc", default=False, entries=draw(often_open), subnets=("left",)),
            NetworkAcl("acl-main", "vpc", default=True, entries=draw(often_open)),
        ),
        groups=(
            SecurityGroup("sg-left", "vpc", "left", draw(often_open_rules), draw(often_open_rules)),
            SecurityGroup("sg-right", "vpc", "right", draw(often_open_rules), draw(often_open_rules)),
        ),
        internet_gateways=(InternetGateway("igw-1", ("vpc",)),),
        nat_gateways=(NatGateway("nat-1", "vpc", draw(st.sampled_from(["left", "right"]))),),
    )


ENDS = {"left": Member("left", ("sg-left",)), "right": Member("right", ("sg-right",))}
pairs = st.sampled_from(
    [
        (ENDS["left"], ENDS["right"]),
        (ENDS["left"], ENDS["left"]),
        (INTERNET, ENDS["right"]),
        (INTERNET, ENDS["left"]),
        (ENDS["left"], INTERNET),
    ]
)

few_examples = settings(max_examples=120, deadline=None)


def judged(network: Network, source: End, destination: End) -> Reach:
    return reachable(network, source, destination, SERVICE, ephemeral=FEW)


def hosts(end: End) -> list[IPv4Address]:
    if isinstance(end, Member):
        return list({"left": LEFT, "right": RIGHT}[end.subnet])[4:-1]
    return [IPv4Address(each) for each in ("8.8.8.8", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0")]


@few_examples
@given(networks(), pairs)
def test_the_pieces_say_what_each_single_connection_would(network: Network, pair: tuple[End, End]) -> None:
    source, destination = pair
    nat_ports = [1024, 1025, 1026, 1027, 1028, 1029, 1030, 65535] if destination is INTERNET else [1024]
    through = {
        not refusals_of(network, source, destination, Flow(client, server, "tcp", SERVICE, port, nat_port))
        for client, server, port, nat_port in product(
            hosts(source), hosts(destination), range(FEW.first, FEW.last + 1), nat_ports
        )
    }
    expected = {frozenset({True}): Reachability.PERMITTED, frozenset({False}): Reachability.REFUSED}
    assert judged(network, source, destination).verdict is expected.get(frozenset(through), Reachability.PARTLY)


def openness(reach: Reach) -> int:
    return [Reachability.REFUSED, Reachability.PARTLY, Reachability.PERMITTED].index(reach.verdict)


@few_examples
@given(networks(), pairs, rules)
def test_another_rule_of_a_security_group_never_closes_anything(
    network: Network, pair: tuple[End, End], more: tuple[SecurityRule, ...]
) -> None:
    opened = network
    for each in network.groups:
        opened = with_group(opened, replace(each, ingress=(*each.ingress, *more), egress=(*each.egress, *more)))
    assert openness(judged(opened, *pair)) >= openness(judged(network, *pair))


@few_examples
@given(networks(), pairs, cidrs, ports)
def test_a_denial_before_all_others_never_opens_anything(
    network: Network, pair: tuple[End, End], cidr: IPv4Network, some: Ports
) -> None:
    closed = network
    for each in network.acls:
        denials = [AclEntry(0, egress, allow=False, protocol=ANY, ports=some, cidr=cidr) for egress in (True, False)]
        closed = with_acl(closed, replace(each, entries=(*each.entries, *denials)))
    assert openness(judged(closed, *pair)) <= openness(judged(network, *pair))


@few_examples
@given(networks(), pairs, st.randoms(use_true_random=False))
def test_the_order_in_which_the_api_lists_things_does_not_matter(
    network: Network, pair: tuple[End, End], random: Random
) -> None:
    mixed = network
    for acl in network.acls:
        mixed = with_acl(mixed, replace(acl, entries=tuple(random.sample(acl.entries, len(acl.entries)))))
    for group in network.groups:
        mixed = with_group(mixed, replace(group, ingress=tuple(random.sample(group.ingress, len(group.ingress)))))
    assert judged(mixed, *pair).verdict is judged(network, *pair).verdict


@few_examples
@given(networks())
def test_nobody_comes_in_through_a_nat_gateway_or_without_a_public_address(network: Network) -> None:
    only_nat = with_table(network, replace(network.route_tables[1], routes=(Route(EVERYWHERE, "nat-1"),)))
    assert judged(only_nat, INTERNET, replace(ENDS["right"], public_address=True)).refused
    assert judged(network, INTERNET, replace(ENDS["right"], public_address=False)).refused


@few_examples
@given(networks(), pairs)
def test_who_is_refused_is_told_by_whom(network: Network, pair: tuple[End, End]) -> None:
    reach = judged(network, *pair)
    known = {"left", "right", "rtb-left", "rtb-main", "acl-left", "acl-main", "sg-left", "sg-right", "nat-1"}
    assert reach.permitted == (not reach.refusals)
    assert reach.hops <= known
