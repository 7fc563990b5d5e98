"""An emulated account in this process, and what tests put into it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from seatrial.cloud import corrections
from seatrial.cloud.account import Account, Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-central-1"
NUMBER = "123456789012"
ROLE = f"arn:aws:iam::{NUMBER}:role/any"


ACCOUNT = Account(REGION, credentials=Credentials("any", "any"))


def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return the account's client of *service*; moto meets its requests as long as an account is emulated."""
    return ACCOUNT._client(service)


@contextmanager
def emulated(*, without: str | None = None) -> Iterator[None]:
    """Emulate an account that holds nothing but what each holds, with all corrections but *without*."""
    with pytest.MonkeyPatch.context() as patch, corrections.applied(without=without):
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # more than a thousand images that no test looks at
        with mock_aws():
            yield


@dataclass(frozen=True)
class Place:
    """A network with two subnets in two zones, and a security group in it."""

    vpc: str
    subnets: tuple[str, str]
    group: str


def place() -> Place:
    """Make a network."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    first, second = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ac")
    )
    group = ec2.create_security_group(GroupName="any", Description="any", VpcId=vpc)["GroupId"]
    return Place(vpc, (first, second), group)


def cluster(**wishes: object) -> Place:
    """Make a cluster called ``fleet`` in a network of its own."""
    where = place()
    network = {"subnetIds": list(where.subnets), **wishes}
    client("eks").create_cluster(name="fleet", version="1.31", roleArn=ROLE, resourcesVpcConfig=network)
    return where


def node_group(where: Place, **wishes: object) -> Any:  # noqa: ANN401
    """Make a node group called ``system`` in the cluster, and return what the API says of it."""
    made = client("eks").create_nodegroup(
        clusterName="fleet", nodegroupName="system", subnets=list(where.subnets), nodeRole=ROLE, **wishes
    )
    return made["nodegroup"]


def cache_group(**wishes: object) -> Place:
    """Make a cache called ``redis`` of two clusters in a subnet group called ``caches``."""
    where = place()
    caches = client("elasticache")
    caches.create_cache_subnet_group(
        CacheSubnetGroupName="caches", CacheSubnetGroupDescription="any", SubnetIds=list(where.subnets)
    )
    caches.create_replication_group(
        ReplicationGroupId="redis",
        ReplicationGroupDescription="any",
        NumCacheClusters=2,
        CacheNodeType="cache.t3.micro",
        Engine="redis",
        EngineVersion="7.1",
        CacheSubnetGroupName="caches",
        SecurityGroupIds=[where.group],
        **wishes,
    )
    return where


def trust(**statement: object) -> str:
    """Return a trust policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement] if statement else []})
