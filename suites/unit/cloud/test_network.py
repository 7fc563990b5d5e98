"""The network is read as it exists."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.cloud.account import Answer, NotFound
from seatrial.cloud.network import (
    ANY,
    FlowLog,
    Ports,
    Route,
    SecurityRule,
    _PrefixLists,
    _route_table,
    network,
)
from seatrial.cloud.reachability import INTERNET, Member, reachable
from suites.unit.cloud.emulated import NUMBER, REGION, ROLE, client

if TYPE_CHECKING:
    from seatrial.cloud.account import Account


def _tags(kind: str, **tags: str) -> Any:  # noqa: ANN401 - in the form that boto3 takes
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


@pytest.fixture
def vpc(account: Account) -> str:
    del account
    made = client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("vpc", Name="fleet"))
    return str(made["Vpc"]["VpcId"])


def _subnet(vpc: str, cidr: str, tier: str) -> str:
    made = client("ec2").create_subnet(
        VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}a", TagSpecifications=_tags("subnet", Tier=tier)
    )
    return str(made["Subnet"]["SubnetId"])


def _group(vpc: str, name: str, *permissions: Any) -> str:  # noqa: ANN401
    made = client("ec2").create_security_group(GroupName=name, Description="any", VpcId=vpc)["GroupId"]
    if permissions:
        client("ec2").authorize_security_group_ingress(GroupId=made, IpPermissions=list(permissions))
    return str(made)


def test_subnets_say_their_tier_and_where_they_route(account: Account, vpc: str) -> None:
    ec2 = client("ec2")
    public, private = _subnet(vpc, "10.0.0.0/24", "public"), _subnet(vpc, "10.0.1.0/24", "private")
    database = _subnet(vpc, "10.0.2.0/24", "database")
    ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    for subnet, target in ((public, {"GatewayId": gateway}), (private, {"NatGatewayId": nat})):
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    seen = network(account, vpc=vpc)
    assert seen.vpc(vpc).name == "fleet"
    assert seen.default_targets("public") == {public: gateway}
    assert seen.default_targets("private") == {private: nat}
    assert seen.default_targets("database") == {database: ""}
    assert seen.zones("public") == {f"{REGION}a"}
    assert [each.assigns_public_addresses for each in (*seen.tier("public"), *seen.tier("private"))] == [True, False]
    assert seen.route_table_of(database).main
    assert seen.nat_gateway(nat).public
    group = _group(
        vpc, "web", {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    )
    seen = network(account, vpc=vpc)
    assert seen.group(group).open_ports == (Ports(443, 443),)
    assert reachable(seen, INTERNET, Member(public, (group,)), 443).permitted
    assert reachable(seen, INTERNET, Member(private, (group,)), 443).refused
    assert reachable(seen, Member(private, (group,)), INTERNET, 443).permitted
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert network(account, vpc=vpc).nat_gateways == ()


def test_rules_of_a_group_name_addresses_groups_and_prefix_lists(account: Account, vpc: str) -> None:
    ec2 = client("ec2")
    offered = ["198.51.100.0/24", "203.0.113.0/24"]
    entries = [{"Cidr": each} for each in offered]
    offices = ec2.create_managed_prefix_list(
        PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=entries
    )["PrefixList"]["PrefixListId"]
    own = _group(vpc, "own")
    other = _group(vpc, "other")
    home = {"IpRanges": [{"CidrIp": "192.0.2.7/32"}]}
    ec2.authorize_security_group_ingress(
        GroupId=own,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 90, "UserIdGroupPairs": [{"GroupId": other}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": own}]},
            {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": offices}], **home},
        ],
    )
    group = network(account).group_named("own")
    assert set(group.ingress) == {
        SecurityRule("tcp", Ports(80, 90), groups=(other,)),
        SecurityRule(ANY, Ports(0, 65535), groups=(own,)),
        SecurityRule("udp", Ports(53, 53), cidrs=(ip_network("::/0"),)),
        SecurityRule("tcp", Ports(22, 22), cidrs=(ip_network("192.0.2.7/32"), *map(ip_network, offered))),
    }
    assert group.open_ports == (Ports(53, 53),)
    assert [rule.open_to_the_world for rule in group.egress] == [True]


def test_access_lists_are_read_with_their_rules_and_subnets(account: Account, vpc: str) -> None:
    ec2 = client("ec2")
    subnet, bare = _subnet(vpc, "10.0.0.0/24", "database"), _subnet(vpc, "10.0.1.0/24", "private")
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=made,
        RuleNumber=100,
        Protocol="6",
        RuleAction="allow",
        Egress=False,
        CidrBlock="10.0.1.0/24",
        PortRange={"From": 5432, "To": 5432},
    )
    standing = network(account, vpc=vpc).acl_of(subnet)
    (association,) = (
        each["NetworkAclAssociationId"]
        for acl in ec2.describe_network_acls(NetworkAclIds=[standing.identity])["NetworkAcls"]
        for each in acl["Associations"]
        if each["SubnetId"] == subnet
    )
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=made)
    seen = network(account, vpc=vpc)
    assert seen.acl_of(bare).default
    acl = seen.acl_of(subnet)
    assert (acl.identity, acl.default, acl.subnets) == (made, False, (subnet,))
    (rule,) = (each for each in acl.entries if each.allow)
    assert (rule.number, rule.egress, rule.protocol, rule.ports) == (100, False, "tcp", Ports(5432, 5432))
    assert [each.number for each in acl.entries if not each.allow] == [32767, 32767]


def test_a_route_to_what_is_gone_is_inactive(account: Account) -> None:
    told = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"}
    table = _route_table(Answer({"RouteTableId": "rtb-1", "Routes": [told]}), _PrefixLists(account))
    assert table.routes == (Route(IPv4Network("0.0.0.0/0"), "nat-1", active=False),)


def test_flow_logs_are_read(account: Account, vpc: str) -> None:
    client("logs").create_log_group(logGroupName="/flows")
    destination = f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/flows"
    client("ec2").create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogDestination=destination,
        DeliverLogsPermissionArn=ROLE,
    )
    (log,) = network(account, vpc=vpc).flow_logs
    assert log == FlowLog(log.identity, vpc, "REJECT", destination, active=True)


def test_what_is_missing_is_named_with_where_it_was_looked_for(account: Account, vpc: str) -> None:
    _subnet(vpc, "10.0.0.0/24", "private")
    seen = network(account, vpc=vpc)
    with pytest.raises(NotFound, match=rf"a subnet of the tier database \(tiers: private\) does not exist in {vpc}"):
        seen.tier("database")
    with pytest.raises(NotFound, match=r"one security group called web \(0 are\)"):
        seen.group_named("web")
    with pytest.raises(NotFound, match="the NAT gateway nat-1"):
        seen.nat_gateway("nat-1")
    with pytest.raises(NotFound, match="vpc-none"):
        network(account, vpc="vpc-none")
