"""ElastiCache as its API reference has it: replication groups with members, subnet and parameter groups that go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.ec2.models import ec2_backends
from moto.elasticache import models
from moto.elasticache.exceptions import CacheSubnetGroupNotFound, ReplicationGroupNotFound
from moto.elasticache.responses import ElastiCacheResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ELASTICACHE: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/"
_ENGINE_VERSION = "7.1.0"  # what a group gets that asks for none
_MAINTENANCE = "sun:05:00-sun:06:00"


class CacheSubnetGroupInUse(ServiceException):
    """A subnet group that a cluster is in cannot be deleted."""

    code = "CacheSubnetGroupInUse"


class CacheParameterGroupNotFound(ServiceException):
    """No parameter group has the name."""

    code = "CacheParameterGroupNotFound"


class CacheParameterGroupAlreadyExists(ServiceException):
    """Another parameter group has the name."""

    code = "CacheParameterGroupAlreadyExists"


@ELASTICACHE.instead(models, "CacheCluster", reference=_REFERENCE + "API_CacheCluster.html")
class CacheCluster(models.CacheCluster):
    """A cluster says which security groups and parameters it has, and which nodes it is made of."""

    def __init__(self, **wishes: object) -> None:
        wishes["engine"] = wishes.get("engine") or "redis"
        super().__init__(**wishes)  # type: ignore[arg-type]
        self.engine_version = self.engine_version or _ENGINE_VERSION
        self.preferred_maintenance_window = self.preferred_maintenance_window or _MAINTENANCE
        if self.auto_minor_version_upgrade is None:
            self.auto_minor_version_upgrade = True
        self.at_rest_encryption_enabled = False
        self.transit_encryption_enabled = bool(self.transit_encryption_enabled)
        self.security_groups = [{"security_group_id": each, "status": "active"} for each in self.security_group_ids]
        name = self.cache_parameter_group_name or _default_parameters(self.engine_version)
        self.cache_parameter_group = {
            "cache_parameter_group_name": name,
            "parameter_apply_status": "in-sync",
            "cache_node_ids_to_reboot": [],
        }
        domain = f"{self.cache_cluster_id}.{str(wishes['region_name']).replace('-', '')}.cache.amazonaws.com"
        self.cache_nodes = [
            {
                "cache_node_id": f"{number:04}",
                "cache_node_status": "available",
                "endpoint": {"address": domain, "port": self.port},
                "parameter_group_status": "in-sync",
                "customer_availability_zone": self.preferred_availability_zone,
            }
            for number in range(1, self.num_cache_nodes + 1)
        ]


@ELASTICACHE.instead(models, "CacheSubnetGroup", reference=_REFERENCE + "API_Subnet.html")
class CacheSubnetGroup(models.CacheSubnetGroup):
    """A subnet group names the zone of each of its subnets (SubnetAvailabilityZone)."""

    def __init__(self, **wishes: object) -> None:
        super().__init__(**wishes)  # type: ignore[arg-type]
        for subnet in self.subnets:
            zone = subnet.get("subnet_availability_zone")
            if isinstance(zone, str):
                subnet["subnet_availability_zone"] = {"name": zone}


@ELASTICACHE.instead(models, "ReplicationGroup", reference=_REFERENCE + "API_CreateReplicationGroup.html")
class ReplicationGroup(models.ReplicationGroup):
    """A group has as many clusters as asked for (NumCacheClusters), and a reader endpoint where cluster mode is off.

    NodeGroup: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_NodeGroup.html
    """

    def __init__(self, **wishes: object) -> None:
        clusters = wishes.get("num_cache_clusters")
        if isinstance(clusters, int) and wishes.get("cluster_mode") != "enabled":
            wishes["replicas_per_node_group"] = wishes.get("replicas_per_node_group") or clusters - 1
        wishes["preferred_cache_cluster_azs"] = wishes.get("preferred_cache_cluster_azs") or _zones(
            str(wishes["account_id"]), str(wishes["region_name"]), str(wishes.get("cache_subnet_group_name"))
        )
        super().__init__(**wishes)  # type: ignore[arg-type]
        for group in self.node_groups:
            if "reader_endpoint_address" in group:
                group["reader_endpoint"] = {"address": group["reader_endpoint_address"], "port": self.port}

    @property
    def zones(self) -> Mapping[str, str]:
        """Each member cluster's zone."""
        return {
            str(member["cache_cluster_id"]): str(member["preferred_availability_zone"])
            for group in self.node_groups
            for member in group["node_group_members"]
        }


def _zones(account: str, region: str, subnet_group: str) -> list[str]:
    """Return the zones of a subnet group, which its clusters are spread over; the region's first two without one."""
    group = models.elasticache_backends[account][region].cache_subnet_groups.get(subnet_group)
    if group is None:
        return [zone.name for zone in ec2_backends[account][region].describe_availability_zones()[:2]]
    subnets = ec2_backends[account][region].describe_subnets(subnet_ids=group.subnet_ids)
    return sorted({str(each.availability_zone) for each in subnets})


@ELASTICACHE.around(
    models.ElastiCacheBackend,
    "create_replication_group",
    reference=_REFERENCE + "API_ReplicationGroup.html",
)
def create_with_members(
    original: Callable[..., ReplicationGroup], backend: models.ElastiCacheBackend, **wishes: object
) -> ReplicationGroup:
    """Make the member clusters (MemberClusters) with their group: they are cache clusters like any other."""
    group = original(backend, **wishes)
    for identity, zone in group.zones.items():
        cluster = CacheCluster(
            account_id=backend.account_id,
            region_name=backend.region_name,
            cache_cluster_id=identity,
            cache_node_type=group.cache_node_type,
            replication_group_id=group.replication_group_id,
            az_mode=None,
            preferred_availability_zone=zone,
            num_cache_nodes=1,
            engine=group.engine,
            engine_version=group.engine_version,
            cache_parameter_group_name=group.cache_parameter_group_name,
            cache_subnet_group_name=group.cache_subnet_group_name,
            transit_encryption_enabled=group.transit_encryption_enabled,
            network_type=group.network_type,
            ip_discovery=group.ip_discovery,
            snapshot_name=None,
            preferred_maintenance_window=group.preferred_maintenance_window,
            port=group.port,
            notification_topic_arn=group.notification_topic_arn,
            auto_minor_version_upgrade=group.auto_minor_version_upgrade,
            snapshot_retention_limit=group.snapshot_retention_limit,
            snapshot_window=group.snapshot_window,
            auth_token=None,
            outpost_mode=None,
            preferred_outpost_arn=None,
            preferred_availability_zones=None,
            cache_security_group_names=group.cache_security_group_names,
            security_group_ids=group.security_group_ids,
            tags=group.tags,
            snapshot_arns=None,
            preferred_outpost_arns=None,
            log_delivery_configurations=[],
            cache_node_ids_to_remove=None,
            cache_node_ids_to_reboot=None,
        )
        cluster.at_rest_encryption_enabled = group.at_rest_encryption_enabled
        cluster.auth_token_enabled = group.auth_token_enabled
        backend.cache_clusters[identity] = cluster
    return group


@ELASTICACHE.around(
    models.ElastiCacheBackend,
    "delete_replication_group",
    reference=_REFERENCE + "API_DeleteReplicationGroup.html",
)
def delete_with_members(
    original: Callable[..., ReplicationGroup],
    backend: models.ElastiCacheBackend,
    replication_group_id: str,
    retain_primary_cluster: bool | None,  # noqa: FBT001 - moto's signature
) -> ReplicationGroup:
    """Delete the group and its clusters (all but the primary one if that is retained), so that it is not found then."""
    found = backend.replication_groups.get(replication_group_id)
    if found is None:
        raise ReplicationGroupNotFound(replication_group_id)
    members = tuple(found.member_clusters)
    group = original(backend, replication_group_id, retain_primary_cluster)
    for identity in members[1:] if retain_primary_cluster else members:
        backend.cache_clusters.pop(identity, None)
    del backend.replication_groups[replication_group_id]
    return group


@ELASTICACHE.around(
    models.ElastiCacheBackend,
    "delete_cache_cluster",
    reference=_REFERENCE + "API_DeleteCacheCluster.html",
)
def delete_cluster(
    original: Callable[..., CacheCluster], backend: models.ElastiCacheBackend, cache_cluster_id: str
) -> CacheCluster:
    """Delete the cluster for good: CacheClusterNotFound afterwards, where moto leaves it "deleting" forever."""
    cluster = original(backend, cache_cluster_id)
    backend.cache_clusters.pop(cache_cluster_id, None)
    return cluster


@ELASTICACHE.around(models.ElastiCacheBackend, "delete_user", reference=_REFERENCE + "API_DeleteUser.html")
def delete_user(original: Callable[..., models.User], backend: models.ElastiCacheBackend, user_id: str) -> models.User:
    """Delete the user for good, where moto waits until it is asked after by its name."""
    user = original(backend, user_id)
    backend.users.pop(user_id, None)
    return user


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "delete_cache_subnet_group",
    reference=_REFERENCE + "API_DeleteCacheSubnetGroup.html",
)
def delete_subnet_group(response: ElastiCacheResponse) -> ActionResult:
    """Delete a subnet group; CacheSubnetGroupInUse while a cluster is in it, CacheSubnetGroupNotFoundFault if none."""
    backend = response.elasticache_backend
    name = str(asked(response, "CacheSubnetGroupName"))
    if name not in backend.cache_subnet_groups:
        raise CacheSubnetGroupNotFound(name)
    users = [each.cache_cluster_id for each in backend.cache_clusters.values() if each.cache_subnet_group_name == name]
    if users:
        raise CacheSubnetGroupInUse(f"Cache subnet group {name} is currently in use by {', '.join(users)}.")
    del backend.cache_subnet_groups[name]
    return EmptyResult()


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "modify_cache_subnet_group",
    reference=_REFERENCE + "API_ModifyCacheSubnetGroup.html",
)
def modify_subnet_group(response: ElastiCacheResponse) -> ActionResult:
    """Give a subnet group another description or other subnets."""
    backend = response.elasticache_backend
    name = str(asked(response, "CacheSubnetGroupName"))
    before = backend.cache_subnet_groups.get(name)
    if before is None:
        raise CacheSubnetGroupNotFound(name)
    group = models.CacheSubnetGroup(
        account_id=backend.account_id,
        region_name=backend.region_name,
        cache_subnet_group_name=name,
        cache_subnet_group_description=asked(response, "CacheSubnetGroupDescription")
        or before.cache_subnet_group_description,
        subnet_ids=asked(response, "SubnetIds") or before.subnet_ids,
        tags=before.tags,
    )
    backend.cache_subnet_groups[name] = group
    return ActionResult({"CacheSubnetGroup": group})


@dataclass
class ParameterGroup:
    """A parameter group, with the parameters that differ from its family's."""

    cache_parameter_group_name: str
    cache_parameter_group_family: str
    description: str
    arn: str
    is_global: bool = False
    parameters: dict[str, str] = field(default_factory=dict)


_KEPT_AS = "corrected_parameter_groups"  # on moto's backend, so that they go when the backend is reset


def _parameter_groups(response: ElastiCacheResponse) -> dict[str, ParameterGroup]:
    kept: dict[str, ParameterGroup] = vars(response.elasticache_backend).setdefault(_KEPT_AS, {})
    return kept


def _parameter_group(response: ElastiCacheResponse) -> ParameterGroup:
    name = str(asked(response, "CacheParameterGroupName"))
    group = _parameter_groups(response).get(name)
    if group is None:
        raise CacheParameterGroupNotFound(f"CacheParameterGroup {name} not found.")
    return group


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "create_cache_parameter_group",
    reference=_REFERENCE + "API_CreateCacheParameterGroup.html",
)
def create_parameter_group(response: ElastiCacheResponse) -> ActionResult:
    """Make a parameter group; CacheParameterGroupAlreadyExists if there is one of the name."""
    backend = response.elasticache_backend
    name = str(asked(response, "CacheParameterGroupName"))
    groups = _parameter_groups(response)
    if name in groups:
        raise CacheParameterGroupAlreadyExists(f"Cache parameter group {name} already exists.")
    arn = f"arn:aws:elasticache:{backend.region_name}:{backend.account_id}:parametergroup:{name}"
    family = str(asked(response, "CacheParameterGroupFamily"))
    groups[name] = ParameterGroup(name, family, str(asked(response, "Description")), arn)
    tags = asked(response, "Tags", [])
    if tags:
        backend.tagging_service.tag_resource(arn, tags)
    return ActionResult({"CacheParameterGroup": groups[name]})


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "describe_cache_parameter_groups",
    reference=_REFERENCE + "API_DescribeCacheParameterGroups.html",
)
def describe_parameter_groups(response: ElastiCacheResponse) -> ActionResult:
    """Tell of one parameter group, or of all; CacheParameterGroupNotFound if the one is absent."""
    if asked(response, "CacheParameterGroupName"):
        return PaginatedResult({"CacheParameterGroups": [_parameter_group(response)]})
    return PaginatedResult({"CacheParameterGroups": list(_parameter_groups(response).values())})


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "modify_cache_parameter_group",
    reference=_REFERENCE + "API_ModifyCacheParameterGroup.html",
)
def modify_parameter_group(response: ElastiCacheResponse) -> ActionResult:
    """Set parameters of a group."""
    group = _parameter_group(response)
    for each in _wished_parameters(response):
        group.parameters[str(each.get("ParameterName"))] = str(each.get("ParameterValue"))
    return ActionResult({"CacheParameterGroupName": group.cache_parameter_group_name})


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "reset_cache_parameter_group",
    reference=_REFERENCE + "API_ResetCacheParameterGroup.html",
)
def reset_parameter_group(response: ElastiCacheResponse) -> ActionResult:
    """Give some parameters of a group, or all, their family's values back."""
    group = _parameter_group(response)
    everything = asked(response, "ResetAllParameters") in (True, "true")
    named = [str(each.get("ParameterName")) for each in _wished_parameters(response)]
    for name in list(group.parameters) if everything else named:
        group.parameters.pop(name, None)
    return ActionResult({"CacheParameterGroupName": group.cache_parameter_group_name})


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "describe_cache_parameters",
    reference=_REFERENCE + "API_DescribeCacheParameters.html",
)
def describe_parameters(response: ElastiCacheResponse) -> ActionResult:
    """Tell which parameters of a group were set by its user; the family's own are not known here."""
    group = _parameter_group(response)
    parameters = [
        {"parameter_name": name, "parameter_value": value, "source": "user", "is_modifiable": True}
        for name, value in group.parameters.items()
    ]
    wanted = asked(response, "Source")
    return PaginatedResult({"Parameters": parameters if wanted in (None, "user") else []})


@ELASTICACHE.adding(
    ElastiCacheResponse,
    "delete_cache_parameter_group",
    reference=_REFERENCE + "API_DeleteCacheParameterGroup.html",
)
def delete_parameter_group(response: ElastiCacheResponse) -> ActionResult:
    """Delete a parameter group; CacheParameterGroupNotFound if absent."""
    group = _parameter_group(response)
    del _parameter_groups(response)[group.cache_parameter_group_name]
    return EmptyResult()


def _wished_parameters(response: ElastiCacheResponse) -> Iterable[Mapping[str, object]]:
    wished: Iterable[Mapping[str, object]] = asked(response, "ParameterNameValues", [])
    return wished


def _default_parameters(version: str) -> str:
    """Return the name of the parameter group that a version of Redis comes with."""
    major = version.split(".", maxsplit=1)[0]
    return f"default.redis{major}"
