"""Who reaches whom in a network: pure functions over the facts that ``seatrial.cloud.network`` reads.

A connection is judged hop by hop, there and back, as the documentation of Amazon VPC describes it:

* Security groups are stateful: what was let out or in may answer. Their rules only allow, and count all together; a
  rule may name addresses, or a group whose members are meant, by their private addresses.
  https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
* Network access lists are stateless: answers, which go to the ephemeral port that the client had chosen, need a rule
  too. The rule of the lowest number that matches decides. They stand at the edge of a subnet, so that they do not see
  what stays within it. https://docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html
* The most specific route wins; within a cloud that is the local one, unless a more specific one was made.
  https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
* An internet gateway carries only what has a public address, and only by a route to it; a NAT gateway carries
  connections out, never in. https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
  https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html

Rules and routes may treat parts of a subnet, of the internet, or of the ephemeral ports differently, so all of them
are looked at: addresses and ports are cut where any rule or route begins or ends, and one of each piece stands for all
of its piece. What is permitted for some and refused for others is *partly* permitted, which is neither.

Not judged, but refused to be judged (``NotJudged``): IPv6, and routes over peerings, transit gateways and appliances.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

from seatrial.cloud.network import AnyNetwork, Ports
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seatrial.cloud.network import AclEntry, NatGateway, Network, NetworkAcl, SecurityRule, Subnet

# From which ports a client may speak. Load balancers and NAT gateways use all of these, and most systems a part.
# https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html
EPHEMERAL: Final = Ports(1024, 65535)

# Addresses that nobody on the internet has: RFC 6890, but for those of documentation, which count as the internet's.
_NOT_THE_INTERNET: Final = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)

# The first four addresses of a subnet, and the last, belong to the network itself.
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
_RESERVED_FIRST = 4
_RESERVED_LAST = 1

_LOCAL = "local"


class NotJudged(Inconclusive):
    """The network has something in the way that is not judged here; *reason* says what."""


class Reachability(StrEnum):
    """Whether a connection can be made."""

    PERMITTED = "permitted"
    PARTLY = "partly permitted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Internet:
    """Everybody who is not in the network."""

    def __str__(self) -> str:
        return "the internet"


INTERNET: Final = Internet()


@dataclass(frozen=True)
class Member:
    """Something with a network interface in a *subnet*, in security *groups* (at least one, as each interface has).

    *public_address* None means that it has one if its subnet gives one to what starts there.
    """

    subnet: str
    groups: tuple[str, ...]
    public_address: bool | None = None

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError(f"a member of {self.subnet} is in at least one security group")

    def __str__(self) -> str:
        return f"{'+'.join(self.groups)} in {self.subnet}"


End: TypeAlias = Internet | Member


@dataclass(frozen=True, order=True)
class Refusal:
    """Which *hop* refuses, by its identity, and why."""

    hop: str
    why: str

    def __str__(self) -> str:
        return f"{self.hop} {self.why}"


@dataclass(frozen=True)
class Reach:
    """Whether *source* reaches *destination*; *refusals* are all that stand in the way, in the order of the path."""

    source: End
    destination: End
    service: str
    verdict: Reachability
    refusals: tuple[Refusal, ...]
    reason: str

    @property
    def permitted(self) -> bool:
        """Whether each connection can be made."""
        return self.verdict is Reachability.PERMITTED

    @property
    def refused(self) -> bool:
        """Whether no connection can be made."""
        return self.verdict is Reachability.REFUSED

    @property
    def hops(self) -> frozenset[str]:
        """The identities of all that refuse."""
        return frozenset(each.hop for each in self.refusals)

    def __str__(self) -> str:
        return f"{self.source} to {self.destination} at {self.service}: {self.verdict}: {self.reason}"


@dataclass(frozen=True)
class Flow:
    """One connection: whose address speaks to whose, at which port, from which; and which port NAT would choose."""

    client: IPv4Address
    server: IPv4Address
    protocol: str
    port: int
    client_port: int
    nat_port: int

    def __str__(self) -> str:
        return f"{self.client}:{self.client_port} to {self.server}:{self.port}"


def reachable(
    network: Network, source: End, destination: End, port: int, protocol: str = "tcp", *, ephemeral: Ports = EPHEMERAL
) -> Reach:
    """Judge whether *source* can connect to *port* of *destination* and gets its answers, and say who refuses.

    *protocol* is ``tcp`` or ``udp`` (for which an answer is expected as well). *ephemeral* are the ports from which the
    source speaks.

    Raises NotFound for subnets and groups that do not exist, NotJudged for what this cannot judge, and ValueError for
    two ends on the internet.
    """
    refusals: dict[Refusal, None] = {}
    through: Flow | None = None
    stopped: tuple[Flow, Refusal] | None = None
    for flow in _flows(network, source, destination, port, protocol, ephemeral):
        found = refusals_of(network, source, destination, flow)
        if found:
            stopped = stopped or (flow, found[0])
            refusals |= dict.fromkeys(found)
        else:
            through = through or flow
    service = f"{protocol} {port}"
    if stopped is None:
        return Reach(
            source, destination, service, Reachability.PERMITTED, (), "each hop lets it through, there and back"
        )
    flow, first = stopped
    if through is None:
        return Reach(source, destination, service, Reachability.REFUSED, tuple(refusals), str(first))
    reason = f"{through} gets through, but for {flow} {first}"
    return Reach(source, destination, service, Reachability.PARTLY, tuple(refusals), reason)


def refusals_of(network: Network, source: End, destination: End, flow: Flow) -> tuple[Refusal, ...]:
    """Return all who refuse one connection, in the order of the path; raises NotJudged unless one surely does."""
    found: list[Refusal] = []
    try:
        for each in _path(network, source, destination, flow):
            found.append(each)  # noqa: PERF402 - what came before NotJudged is kept
    except NotJudged:
        if not found:
            raise
    return tuple(found)


def _path(network: Network, source: End, destination: End, flow: Flow) -> Iterator[Refusal]:
    if isinstance(source, Member):
        if isinstance(destination, Member):
            return _within(network, source, destination, flow)
        return _outwards(network, source, flow)
    if isinstance(destination, Member):
        return _inwards(network, destination, flow)
    raise ValueError("one end at least is in the network")


def _within(network: Network, source: Member, destination: Member, flow: Flow) -> Iterator[Refusal]:
    """Yield who refuses a connection between two members, in the order of the path."""
    here, there = network.subnet(source.subnet), network.subnet(destination.subnet)
    sent = _lets_out(network, source, flow, destination.groups)
    if sent is not None:
        yield sent
    if here.vpc != there.vpc:
        yield Refusal(here.vpc, f"has no way to {there.vpc}")
        return
    yield from _local(network, here, flow.server)
    if here.identity != there.identity:
        yield from _passes(network.acl_of(here.identity), flow.protocol, flow.port, flow.server, egress=True)
        yield from _passes(network.acl_of(there.identity), flow.protocol, flow.port, flow.client, egress=False)
    received = _lets_in(network, destination, flow, source.groups)
    if received is not None:
        yield received
    yield from _local(network, there, flow.client)
    if here.identity != there.identity:
        yield from _passes(
            network.acl_of(there.identity), flow.protocol, flow.client_port, flow.client, egress=True, answer=True
        )
        yield from _passes(
            network.acl_of(here.identity), flow.protocol, flow.client_port, flow.server, egress=False, answer=True
        )


def _inwards(network: Network, destination: Member, flow: Flow) -> Iterator[Refusal]:
    """Yield who refuses a connection from the internet, in the order of the path."""
    there = network.subnet(destination.subnet)
    yield from _public_address(there, destination)
    yield from _by_internet_gateway(network, there, flow.client)
    acl = network.acl_of(there.identity)
    yield from _passes(acl, flow.protocol, flow.port, flow.client, egress=False)
    received = _lets_in(network, destination, flow, ())
    if received is not None:
        yield received
    yield from _passes(acl, flow.protocol, flow.client_port, flow.client, egress=True, answer=True)


def _outwards(network: Network, source: Member, flow: Flow) -> Iterator[Refusal]:
    """Yield who refuses a connection to the internet, in the order of the path."""
    here = network.subnet(source.subnet)
    sent = _lets_out(network, source, flow, ())
    if sent is not None:
        yield sent
    nat = _nat_on_the_way(network, here, flow.server)
    if nat is None:
        yield from _by_internet_gateway(network, here, flow.server)
        yield from _public_address(here, source)
        acl = network.acl_of(here.identity)
        yield from _passes(acl, flow.protocol, flow.port, flow.server, egress=True)
        yield from _passes(acl, flow.protocol, flow.client_port, flow.server, egress=False, answer=True)
        return
    if not nat.available:
        yield Refusal(nat.identity, "is not available")
    if not nat.public:
        yield Refusal(nat.identity, "has no public address")
    edge = network.subnet(nat.subnet)
    own, other = network.acl_of(here.identity), network.acl_of(edge.identity)
    crosses = here.identity != edge.identity
    if crosses:
        yield from _passes(own, flow.protocol, flow.port, flow.server, egress=True)
        # The packet comes in for the address it is meant for, from the address of the member.
        yield from _passes(other, flow.protocol, flow.port, flow.client, egress=False)
    yield from _by_internet_gateway(network, edge, flow.server)
    yield from _passes(other, flow.protocol, flow.port, flow.server, egress=True)
    yield from _passes(other, flow.protocol, flow.nat_port, flow.server, egress=False, answer=True)
    if crosses:
        yield from _passes(other, flow.protocol, flow.client_port, flow.client, egress=True, answer=True)
        yield from _passes(own, flow.protocol, flow.client_port, flow.server, egress=False, answer=True)


def _lets_out(network: Network, member: Member, flow: Flow, receivers: tuple[str, ...]) -> Refusal | None:
    rules = [rule for each in member.groups for rule in network.group(each).egress]
    if _allowed(rules, flow, flow.server, receivers):
        return None
    return Refusal("+".join(member.groups), f"lets no {flow.protocol} {flow.port} out to {_whom(receivers)}")


def _lets_in(network: Network, member: Member, flow: Flow, senders: tuple[str, ...]) -> Refusal | None:
    rules = [rule for each in member.groups for rule in network.group(each).ingress]
    if _allowed(rules, flow, flow.client, senders):
        return None
    return Refusal("+".join(member.groups), f"lets no {flow.protocol} {flow.port} in from {_whom(senders)}")


def _whom(groups: tuple[str, ...]) -> str:
    return "+".join(groups) or "the internet"


def _allowed(rules: Iterable[SecurityRule], flow: Flow, other: IPv4Address, groups: tuple[str, ...]) -> bool:
    return any(
        any(other in cidr for cidr in rule.cidrs) or any(group in rule.groups for group in groups)
        for rule in rules
        if rule.covers(flow.protocol, flow.port)
    )


def _passes(
    acl: NetworkAcl, protocol: str, port: int, other: IPv4Address, *, egress: bool, answer: bool = False
) -> Iterator[Refusal]:
    """Yield a refusal unless the first rule that matches allows; without one, nothing passes."""
    what = f"{'answers at ' if answer else ''}{protocol} {port} {'out to' if egress else 'in from'} {other}"
    matching = (
        each
        for each in sorted(acl.entries, key=_by_number)
        if each.egress == egress and each.covers(protocol, port) and other in each.cidr
    )
    first = next(matching, None)
    if first is None:
        yield Refusal(acl.identity, f"has no rule that lets {what}")
    elif not first.allow:
        yield Refusal(acl.identity, f"lets no {what} by its rule {first.number}")


def _by_number(entry: AclEntry) -> int:
    return entry.number


def _target(network: Network, subnet: Subnet, address: IPv4Address) -> tuple[str, str]:
    """Return the identity of a subnet's route table, and where it sends packets for *address*; empty is nowhere."""
    table = network.route_table_of(subnet.identity)
    matching = [each for each in table.routes if address in each.destination]
    if not matching:
        return table.identity, ""
    best = max(matching, key=lambda each: each.destination.prefixlen)
    return table.identity, best.target if best.active else ""


def _local(network: Network, subnet: Subnet, address: IPv4Address) -> Iterator[Refusal]:
    table, target = _target(network, subnet, address)
    if target == _LOCAL:
        return
    if target.startswith(("igw-", "nat-")) or not target:
        yield Refusal(table, f"sends packets for {address} to {target or 'nowhere'}, not within the network")
        return
    raise NotJudged(f"{table} sends packets for {address} over {target}")


def _by_internet_gateway(network: Network, subnet: Subnet, address: IPv4Address) -> Iterator[Refusal]:
    table, target = _target(network, subnet, address)
    gateway = network.internet_gateway_of(subnet.vpc)
    if gateway is not None and target == gateway.identity:
        return
    if not target or target == _LOCAL or target.startswith(("igw-", "nat-")):
        yield Refusal(table, f"has no route from {subnet.identity} to an internet gateway")
        return
    raise NotJudged(f"{table} sends packets for {address} over {target}")


def _nat_on_the_way(network: Network, subnet: Subnet, address: IPv4Address) -> NatGateway | None:
    _, target = _target(network, subnet, address)
    return network.nat_gateway(target) if target.startswith("nat-") else None


def _public_address(subnet: Subnet, member: Member) -> Iterator[Refusal]:
    has_one = subnet.assigns_public_addresses if member.public_address is None else member.public_address
    if not has_one:
        yield Refusal(subnet.identity, "gives it no public address")


def _flows(
    network: Network, source: End, destination: End, port: int, protocol: str, ephemeral: Ports
) -> Iterator[Flow]:
    """Yield one connection of each kind that any rule or route could tell from others."""
    subnets = [network.subnet(each.subnet) for each in (source, destination) if isinstance(each, Member)]
    for each in subnets:
        if each.cidrs_v6:
            raise NotJudged(f"{each.identity} has IPv6 addresses")
    groups = {name for each in (source, destination) if isinstance(each, Member) for name in each.groups}
    edges = [*subnets, *(network.subnet(each.subnet) for each in _gateways_out_of(network, subnets))]
    acls = [network.acl_of(each.identity) for each in edges]
    tables = [network.route_table_of(each.identity) for each in edges]
    cuts = _cuts(
        [
            *(entry.cidr for acl in acls for entry in acl.entries),
            *(route.destination for table in tables for route in table.routes),
            *(
                cidr
                for name in sorted(groups)
                for rule in (*network.group(name).ingress, *network.group(name).egress)
                for cidr in rule.cidrs
            ),
        ]
    )
    own = [cidr for each in subnets for cidr in network.vpc(each.vpc).cidrs]
    ports = [entry.ports for acl in acls for entry in acl.entries]
    ephemerals = _pieces([(ephemeral.first, ephemeral.last)], {bound for each in ports for bound in _bounds(each)})
    # Only behind a NAT gateway does the port matter that the gateway chooses.
    behind_nat = isinstance(destination, Internet) and len(edges) > len(subnets)
    nat_ports = (
        _pieces([(EPHEMERAL.first, EPHEMERAL.last)], {bound for each in ports for bound in _bounds(each)})
        if behind_nat
        else [EPHEMERAL.first]
    )
    clients = _addresses(network, source, own, cuts)
    servers = _addresses(network, destination, own, cuts)
    for client, server, client_port, nat_port in product(clients, servers, ephemerals, nat_ports):
        yield Flow(client, server, protocol, port, client_port, nat_port)


def _gateways_out_of(network: Network, subnets: Iterable[Subnet]) -> Sequence[NatGateway]:
    targets = {route.target for each in subnets for route in network.route_table_of(each.identity).routes}
    return [network.nat_gateway(each) for each in sorted(targets) if each.startswith("nat-")]


def _addresses(network: Network, end: End, own: Iterable[IPv4Network], cuts: frozenset[int]) -> list[IPv4Address]:
    if isinstance(end, Member):
        cidr = network.subnet(end.subnet).cidr
        first, last = int(cidr.network_address) + _RESERVED_FIRST, int(cidr.broadcast_address) - _RESERVED_LAST
        return [IPv4Address(each) for each in _pieces([(first, last)], cuts)]
    outside = [*_NOT_THE_INTERNET, *own]
    spans = _without([(0, 2**32 - 1)], [(int(each.network_address), int(each.broadcast_address)) for each in outside])
    return [IPv4Address(each) for each in _pieces(spans, cuts)]


def _cuts(networks: Iterable[AnyNetwork]) -> frozenset[int]:
    """Return where pieces begin: at the first address of each network, and behind its last."""
    return frozenset(
        bound
        for each in networks
        if isinstance(each, IPv4Network)
        for bound in (int(each.network_address), int(each.broadcast_address) + 1)
    )


def _bounds(ports: Ports) -> tuple[int, int]:
    return ports.first, ports.last + 1


def _pieces(spans: Iterable[tuple[int, int]], cuts: Iterable[int]) -> list[int]:
    """Return the first number of each piece that *cuts* make of *spans* (both ends included)."""
    bounds = sorted(cuts)
    return [start for first, last in spans for start in (first, *(each for each in bounds if first < each <= last))]


def _without(spans: list[tuple[int, int]], holes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of *spans* when *holes* are taken out."""
    for low, high in holes:
        left: list[tuple[int, int]] = []
        for first, last in spans:
            if high < first or last < low:
                left.append((first, last))
                continue
            if first < low:
                left.append((first, low - 1))
            if high < last:
                left.append((high + 1, last))
        spans = left
    return spans
