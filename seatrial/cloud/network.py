"""The network that exists in an account, as facts: what lies where, what routes where, which rules stand at which door.

Read by the API, never from a plan or a state file. ``seatrial.cloud.reachability`` judges by these facts alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from seatrial.cloud.account import Account, Answer, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AnyNetwork: TypeAlias = IPv4Network | IPv6Network

TIER: Final = "Tier"  # the tag by which a subnet says what it is for: public, private or database
ANY: Final = "any"  # a rule's protocol when it is for all of them

_PROTOCOLS: Final = {"-1": ANY, "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_HIGHEST = 65535


@dataclass(frozen=True, order=True)
class Ports:
    """A range of ports, both ends included."""

    first: int = 0
    last: int = _HIGHEST

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


ALL_PORTS: Final = Ports()


@dataclass(frozen=True)
class SecurityRule:
    """What one rule of a security group lets through: a protocol, ports, and addresses or members of groups."""

    protocol: str
    ports: Ports
    cidrs: tuple[AnyNetwork, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def open_to_the_world(self) -> bool:
        """Whether it names all addresses there are, of either kind."""
        return any(cidr.prefixlen == 0 for cidr in self.cidrs)

    def covers(self, protocol: str, port: int) -> bool:
        """Return whether it is about *protocol* at *port*."""
        return self.protocol == ANY or (self.protocol == protocol and port in self.ports)


@dataclass(frozen=True)
class SecurityGroup:
    """A security group: what its members may receive, and what they may send."""

    identity: str
    vpc: str
    name: str
    ingress: tuple[SecurityRule, ...] = ()
    egress: tuple[SecurityRule, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def open_ports(self) -> tuple[Ports, ...]:
        """The ports at which it lets the whole world in."""
        return tuple(rule.ports for rule in self.ingress if rule.open_to_the_world)


@dataclass(frozen=True)
class AclEntry:
    """One rule of a network access list."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    ports: Ports
    cidr: AnyNetwork

    def covers(self, protocol: str, port: int) -> bool:
        """Return whether it is about *protocol* at *port*."""
        return self.protocol == ANY or (self.protocol == protocol and port in self.ports)


@dataclass(frozen=True)
class NetworkAcl:
    """A network access list, with the subnets at whose edge it stands. The default one stands where no other does."""

    identity: str
    vpc: str
    default: bool
    entries: tuple[AclEntry, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """Where packets for *destination* go: ``local``, or the identity of a gateway. An inactive one is a black hole."""

    destination: AnyNetwork
    target: str
    active: bool = True


@dataclass(frozen=True)
class RouteTable:
    """A route table, with the subnets that name it. The main one is for those that name none."""

    identity: str
    vpc: str
    main: bool
    routes: tuple[Route, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subnet:
    """A subnet; *tier* is what its tag says, empty if it has none."""

    identity: str
    vpc: str
    zone: str
    cidr: IPv4Network
    tier: str = ""
    name: str = ""
    assigns_public_addresses: bool = False
    cidrs_v6: tuple[IPv6Network, ...] = ()


@dataclass(frozen=True)
class Vpc:
    """A virtual private cloud."""

    identity: str
    cidrs: tuple[IPv4Network, ...]
    name: str = ""
    default: bool = False


@dataclass(frozen=True)
class InternetGateway:
    """A way to the internet and from it, for the clouds it is attached to."""

    identity: str
    vpcs: tuple[str, ...]


@dataclass(frozen=True)
class NatGateway:
    """A way out, for those without a public address; *public* means that it has one, and so leads to the internet."""

    identity: str
    vpc: str
    subnet: str
    public: bool = True
    available: bool = True


@dataclass(frozen=True)
class FlowLog:
    """A record of what goes through a cloud or a subnet."""

    identity: str
    resource: str
    traffic: str
    destination: str
    active: bool


Found = TypeVar("Found", Subnet, SecurityGroup, Vpc, NatGateway, InternetGateway)


@dataclass(frozen=True)
class Network:
    """All of it. *where* says in which account it was seen."""

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    internet_gateways: tuple[InternetGateway, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    flow_logs: tuple[FlowLog, ...] = ()
    where: str = "the network"

    def vpc(self, identity: str) -> Vpc:
        """Return a cloud by its identity; raises NotFound."""
        return self._one(self.vpcs, identity, "VPC")

    def subnet(self, identity: str) -> Subnet:
        """Return a subnet by its identity; raises NotFound."""
        return self._one(self.subnets, identity, "subnet")

    def group(self, identity: str) -> SecurityGroup:
        """Return a security group by its identity; raises NotFound."""
        return self._one(self.groups, identity, "security group")

    def nat_gateway(self, identity: str) -> NatGateway:
        """Return a NAT gateway by its identity; raises NotFound."""
        return self._one(self.nat_gateways, identity, "NAT gateway")

    def group_named(self, name: str) -> SecurityGroup:
        """Return the one security group of the name, or of the tag ``Name``; raises NotFound unless there is one."""
        found = [each for each in self.groups if name in (each.name, each.tags.get("Name"))]
        if len(found) != 1:
            raise NotFound(f"one security group called {name} ({len(found)} are)", self.where)
        return found[0]

    def tier(self, name: str) -> tuple[Subnet, ...]:
        """Return the subnets of a tier, at least one; raises NotFound, naming the tiers that there are."""
        found = tuple(each for each in self.subnets if each.tier == name)
        if not found:
            tiers = sorted({each.tier for each in self.subnets if each.tier})
            raise NotFound(f"a subnet of the tier {name} (tiers: {', '.join(tiers) or 'none'})", self.where)
        return found

    def zones(self, tier: str) -> frozenset[str]:
        """Return the zones that the subnets of a tier lie in."""
        return frozenset(each.zone for each in self.tier(tier))

    def route_table_of(self, subnet: str) -> RouteTable:
        """Return the table that routes what leaves a subnet: the one it names, else the main one of its cloud."""
        vpc = self.subnet(subnet).vpc
        tables = [each for each in self.route_tables if each.vpc == vpc]
        for table in tables:
            if subnet in table.subnets:
                return table
        for table in tables:
            if table.main:
                return table
        raise NotFound(f"a route table for {subnet}", self.where)

    def acl_of(self, subnet: str) -> NetworkAcl:
        """Return the access list at a subnet's edge: the one that names it, else the default one of its cloud."""
        vpc = self.subnet(subnet).vpc
        lists = [each for each in self.acls if each.vpc == vpc]
        for each in lists:
            if subnet in each.subnets:
                return each
        for each in lists:
            if each.default:
                return each
        raise NotFound(f"a network access list for {subnet}", self.where)

    def internet_gateway_of(self, vpc: str) -> InternetGateway | None:
        """Return the internet gateway attached to a cloud, None if there is none."""
        return next((each for each in self.internet_gateways if vpc in each.vpcs), None)

    def default_targets(self, tier: str) -> Mapping[str, str]:
        """Return where the default route of each subnet of a tier leads: a gateway, or nothing, which is empty."""
        return {each.identity: self._default_target(each.identity) for each in self.tier(tier)}

    def _default_target(self, subnet: str) -> str:
        routes = self.route_table_of(subnet).routes
        return next((each.target for each in routes if each.destination.prefixlen == 0 and each.active), "")

    def _one(self, all_of_them: Iterable[Found], identity: str, kind: str) -> Found:
        for each in all_of_them:
            if each.identity == identity:
                return each
        raise NotFound(f"the {kind} {identity}", self.where)


def network(account: Account, *, vpc: str | None = None, tier_tag: str = TIER) -> Network:
    """Read the network that exists in *account*, or the part of it in one *vpc*.

    *tier_tag* is the tag by which subnets say their tier. Prefix lists that rules name are resolved to their entries.
    """
    only: dict[str, object] = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]} if vpc else {}
    prefix_lists = _PrefixLists(account)
    found = [_gateway(each) for each in account.every("ec2", "describe_internet_gateways", "InternetGateways")]
    logs = [_flow_log(each) for each in account.every("ec2", "describe_flow_logs", "FlowLogs")]
    subnets = tuple(_subnet(each, tier_tag) for each in account.every("ec2", "describe_subnets", "Subnets", **only))
    result = Network(
        vpcs=tuple(_vpc(each) for each in account.every("ec2", "describe_vpcs", "Vpcs", **only)),
        subnets=subnets,
        route_tables=tuple(
            _route_table(each, prefix_lists)
            for each in account.every("ec2", "describe_route_tables", "RouteTables", **only)
        ),
        acls=tuple(_acl(each) for each in account.every("ec2", "describe_network_acls", "NetworkAcls", **only)),
        groups=tuple(
            _group(each, prefix_lists)
            for each in account.every("ec2", "describe_security_groups", "SecurityGroups", **only)
        ),
        internet_gateways=tuple(each for each in found if vpc is None or vpc in each.vpcs),
        nat_gateways=tuple(
            _nat(each)
            for each in account.every("ec2", "describe_nat_gateways", "NatGateways", **only)
            if each.text("State") not in {"deleted", "deleting"}
        ),
        flow_logs=tuple(
            each for each in logs if vpc is None or each.resource in {vpc, *(one.identity for one in subnets)}
        ),
        where=f"{vpc} in {account}" if vpc else str(account),
    )
    if vpc is not None:
        result.vpc(vpc)
    return result


@dataclass(frozen=True)
class _PrefixLists:
    account: Account
    known: dict[str, tuple[AnyNetwork, ...]] = field(default_factory=dict)

    def entries(self, identity: str) -> tuple[AnyNetwork, ...]:
        if identity not in self.known:
            entries = self.account.every("ec2", "get_managed_prefix_list_entries", "Entries", PrefixListId=identity)
            self.known[identity] = tuple(ip_network(each.text("Cidr")) for each in entries)
        return self.known[identity]


def _vpc(answer: Answer) -> Vpc:
    blocks = answer.parts("CidrBlockAssociationSet")
    cidrs = [each.text("CidrBlock") for each in blocks if each.text("CidrBlockState.State") == "associated"]
    return Vpc(
        identity=answer.text("VpcId"),
        cidrs=tuple(IPv4Network(each) for each in cidrs or [answer.text("CidrBlock")]),
        name=answer.tags().get("Name", ""),
        default=answer.flag("IsDefault"),
    )


def _subnet(answer: Answer, tier_tag: str) -> Subnet:
    tags = answer.tags()
    blocks = answer.parts("Ipv6CidrBlockAssociationSet")
    return Subnet(
        identity=answer.text("SubnetId"),
        vpc=answer.text("VpcId"),
        zone=answer.text("AvailabilityZone"),
        cidr=IPv4Network(answer.text("CidrBlock")),
        tier=tags.get(tier_tag, ""),
        name=tags.get("Name", ""),
        assigns_public_addresses=answer.flag("MapPublicIpOnLaunch"),
        cidrs_v6=tuple(
            IPv6Network(each.text("Ipv6CidrBlock"))
            for each in blocks
            if each.text("Ipv6CidrBlockState.State") == "associated"
        ),
    )


_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "InstanceId",
)


def _route_table(answer: Answer, prefix_lists: _PrefixLists) -> RouteTable:
    associations = answer.parts("Associations")
    routes: list[Route] = []
    for each in answer.parts("Routes"):
        target = next((each.text(name) for name in _TARGETS if each.text(name)), "")
        active = each.text("State") != "blackhole"
        routes.extend(Route(cidr, target, active) for cidr in _destinations(each, prefix_lists))
    return RouteTable(
        identity=answer.text("RouteTableId"),
        vpc=answer.text("VpcId"),
        main=any(each.flag("Main") for each in associations),
        routes=tuple(routes),
        subnets=tuple(each.text("SubnetId") for each in associations if each.text("SubnetId")),
    )


def _destinations(route: Answer, prefix_lists: _PrefixLists) -> tuple[AnyNetwork, ...]:
    if route.text("DestinationPrefixListId"):
        return prefix_lists.entries(route.text("DestinationPrefixListId"))
    return (ip_network(route.text("DestinationCidrBlock") or route.text("DestinationIpv6CidrBlock")),)


def _acl(answer: Answer) -> NetworkAcl:
    return NetworkAcl(
        identity=answer.text("NetworkAclId"),
        vpc=answer.text("VpcId"),
        default=answer.flag("IsDefault"),
        entries=tuple(
            AclEntry(
                number=each.number("RuleNumber") or 0,
                egress=each.flag("Egress"),
                allow=each.text("RuleAction") == "allow",
                protocol=_protocol(each.text("Protocol")),
                ports=_ports(each.number("PortRange.From"), each.number("PortRange.To")),
                cidr=ip_network(each.text("CidrBlock") or each.text("Ipv6CidrBlock")),
            )
            for each in answer.parts("Entries")
        ),
        subnets=tuple(each.text("SubnetId") for each in answer.parts("Associations")),
    )


def _group(answer: Answer, prefix_lists: _PrefixLists) -> SecurityGroup:
    return SecurityGroup(
        identity=answer.text("GroupId"),
        vpc=answer.text("VpcId"),
        name=answer.text("GroupName"),
        ingress=tuple(_security_rule(each, prefix_lists) for each in answer.parts("IpPermissions")),
        egress=tuple(_security_rule(each, prefix_lists) for each in answer.parts("IpPermissionsEgress")),
        tags=answer.tags(),
    )


def _security_rule(answer: Answer, prefix_lists: _PrefixLists) -> SecurityRule:
    cidrs: list[AnyNetwork] = [ip_network(each.text("CidrIp")) for each in answer.parts("IpRanges")]
    cidrs += [ip_network(each.text("CidrIpv6")) for each in answer.parts("Ipv6Ranges")]
    for each in answer.parts("PrefixListIds"):
        cidrs += prefix_lists.entries(each.text("PrefixListId"))
    return SecurityRule(
        protocol=_protocol(answer.text("IpProtocol")),
        ports=_ports(answer.number("FromPort"), answer.number("ToPort")),
        cidrs=tuple(cidrs),
        groups=tuple(each.text("GroupId") for each in answer.parts("UserIdGroupPairs")),
    )


def _gateway(answer: Answer) -> InternetGateway:
    attached = [each.text("VpcId") for each in answer.parts("Attachments") if each.text("State") != "detached"]
    return InternetGateway(answer.text("InternetGatewayId"), tuple(attached))


def _nat(answer: Answer) -> NatGateway:
    addresses = answer.parts("NatGatewayAddresses")
    return NatGateway(
        identity=answer.text("NatGatewayId"),
        vpc=answer.text("VpcId"),
        subnet=answer.text("SubnetId"),
        public=answer.text("ConnectivityType") != "private" and any(each.text("PublicIp") for each in addresses),
        available=answer.text("State") == "available",
    )


def _flow_log(answer: Answer) -> FlowLog:
    return FlowLog(
        identity=answer.text("FlowLogId"),
        resource=answer.text("ResourceId"),
        traffic=answer.text("TrafficType"),
        destination=answer.text("LogDestination") or answer.text("LogGroupName"),
        active=answer.text("FlowLogStatus") == "ACTIVE" and answer.text("DeliverLogsStatus") != "FAILED",
    )


def _protocol(text: str) -> str:
    return _PROTOCOLS.get(text, text)


def _ports(first: int | None, last: int | None) -> Ports:
    """Return the range; the API leaves it out, or says -1, where a rule is for all ports."""
    return Ports(max(first or 0, 0), _HIGHEST if last is None or last < 0 else last)
