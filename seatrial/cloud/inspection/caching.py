"""A cache, as ElastiCache tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cloud.account import Account, Answer, NotFound

if TYPE_CHECKING:
    from seatrial.cloud.network import Network


@dataclass(frozen=True)
class Cache:
    """A replication group: one primary node and its replicas."""

    name: str
    status: str
    nodes: tuple[str, ...]
    zones: frozenset[str]
    node_type: str
    engine: str
    version: str
    automatic_failover: bool
    multi_az: bool
    encrypted_at_rest: bool
    encrypted_in_transit: bool
    authenticated: bool
    key: str
    port: int
    snapshots: timedelta
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def tiers(self, network: Network) -> frozenset[str]:
        """Return the tiers of the subnets that it may lie in; raises NotFound for one that is not in *network*."""
        return frozenset(network.subnet(each).tier for each in self.subnets)


def cache(account: Account, name: str) -> Cache:
    """Return the cache of a name; raises NotFound."""
    told = account.find(f"the cache {name}", "elasticache", "describe_replication_groups", ReplicationGroupId=name)
    found = told.parts("ReplicationGroups")
    if not found:
        raise NotFound(f"the cache {name}", str(account))
    return _cache(account, found[0])


def caches(account: Account) -> tuple[Cache, ...]:
    """Return all caches, of which there may be none."""
    groups = account.every("elasticache", "describe_replication_groups", "ReplicationGroups")
    return tuple(_cache(account, each) for each in groups)


def _cache(account: Account, told: Answer) -> Cache:
    members = [part for group in told.parts("NodeGroups") for part in group.parts("NodeGroupMembers")]
    clusters = [
        part
        for name in told.texts("MemberClusters")
        for part in account.every("elasticache", "describe_cache_clusters", "CacheClusters", CacheClusterId=name)
    ]
    subnet_groups = sorted(
        {each.text("CacheSubnetGroupName") for each in clusters if each.text("CacheSubnetGroupName")}
    )
    subnets = [
        part.text("SubnetIdentifier")
        for name in subnet_groups
        for group in account.every(
            "elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", CacheSubnetGroupName=name
        )
        for part in group.parts("Subnets")
    ]
    security_groups = [part.text("SecurityGroupId") for each in clusters for part in each.parts("SecurityGroups")]
    first = clusters[0] if clusters else Answer({})
    ports = [group.number("PrimaryEndpoint.Port") for group in told.parts("NodeGroups")]
    return Cache(
        name=told.text("ReplicationGroupId"),
        status=told.text("Status"),
        nodes=told.texts("MemberClusters"),
        zones=frozenset(each.text("PreferredAvailabilityZone") for each in members),
        node_type=told.text("CacheNodeType"),
        engine=first.text("Engine"),
        version=first.text("EngineVersion"),
        automatic_failover=told.text("AutomaticFailover") == "enabled",
        multi_az=told.text("MultiAZ") == "enabled",
        encrypted_at_rest=told.flag("AtRestEncryptionEnabled"),
        encrypted_in_transit=told.flag("TransitEncryptionEnabled"),
        authenticated=told.flag("AuthTokenEnabled") or bool(told.texts("UserGroupIds")),
        key=told.text("KmsKeyId"),
        port=next((each for each in (told.number("ConfigurationEndpoint.Port"), *ports) if each), 0),
        snapshots=timedelta(days=told.number("SnapshotRetentionLimit") or 0),
        subnets=tuple(dict.fromkeys(subnets)),
        security_groups=tuple(dict.fromkeys(security_groups)),
    )
