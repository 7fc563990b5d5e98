"""Everything that exists in an account, so that what is left over after destroying can be named.

Compare two inventories: what an account has by itself (its default network) is in both. What AWS makes on the first use
of a service, and nobody can delete, does not count: default parameter and option groups, service-linked roles, keys
that AWS manages. What is on its way out counts as gone where the API says so: a key that waits for its deletion cannot
be deleted any faster (at least seven days: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html),
and a secret that waits for its own is listed by nobody who does not ask for it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from seatrial.cloud.account import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seatrial.cloud.account import Account, Answer


@dataclass(frozen=True, order=True)
class Thing:
    """One thing that exists: which service has it, what kind it is, and its identity there."""

    service: str
    kind: str
    identity: str

    def __str__(self) -> str:
        return f"{self.service} {self.kind} {self.identity}"


Inventory: TypeAlias = frozenset[Thing]


@dataclass(frozen=True)
class Difference:
    """What came and what went between two inventories, each in order."""

    added: tuple[Thing, ...]
    removed: tuple[Thing, ...]

    @property
    def empty(self) -> bool:
        """Whether all is as it was."""
        return not self.added and not self.removed

    def __str__(self) -> str:
        lines = [*(f"+ {each}" for each in self.added), *(f"- {each}" for each in self.removed)]
        return "\n".join(lines) or "no difference"


def difference(before: Iterable[Thing], after: Iterable[Thing]) -> Difference:
    """Return what *after* has and *before* has not, and the other way round."""
    then, now = frozenset(before), frozenset(after)
    return Difference(added=tuple(sorted(now - then)), removed=tuple(sorted(then - now)))


@dataclass(frozen=True)
class _Listing:
    """How things of one kind are listed: an operation, the list in its answer, and where their identity stands."""

    service: str
    kind: str
    operation: str
    items: str
    identity: str
    gone: Callable[[Answer], bool] | None = None
    inner: str = ""  # where each item of the list holds a list of the things

    def things(self, account: Account) -> Iterable[Thing]:
        for item in account.every(self.service, self.operation, self.items):
            for each in item.parts(self.inner) if self.inner else (item,):
                if self.gone is None or not self.gone(each):
                    yield Thing(self.service, self.kind, each.text(self.identity))


def _state(path: str, *words: str) -> Callable[[Answer], bool]:
    return lambda told: told.text(path).lower() in words


def _named(path: str, prefix: str) -> Callable[[Answer], bool]:
    """Return whether a thing is one of those that come with the first use of a service, and that nobody can delete."""
    return lambda told: told.text(path).startswith(prefix)


_LISTINGS: Final = (
    _Listing("ec2", "vpc", "describe_vpcs", "Vpcs", "VpcId"),
    _Listing("ec2", "subnet", "describe_subnets", "Subnets", "SubnetId"),
    _Listing("ec2", "route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Listing("ec2", "network ACL", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    _Listing("ec2", "security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    _Listing("ec2", "internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Listing(
        "ec2",
        "egress-only gateway",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    _Listing(
        "ec2",
        "NAT gateway",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        _state("State", "deleted", "deleting"),
    ),
    _Listing("ec2", "address", "describe_addresses", "Addresses", "AllocationId"),
    _Listing("ec2", "network interface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    _Listing("ec2", "flow log", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _Listing(
        "ec2", "VPC endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", _state("State", "deleted")
    ),
    _Listing("ec2", "launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    _Listing(
        "ec2",
        "instance",
        "describe_instances",
        "Reservations",
        "InstanceId",
        _state("State.Name", "terminated", "shutting-down"),
        inner="Instances",
    ),
    _Listing("ec2", "volume", "describe_volumes", "Volumes", "VolumeId"),
    _Listing("ec2", "key pair", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    _Listing(
        "ec2",
        "prefix list",
        "describe_managed_prefix_lists",
        "PrefixLists",
        "PrefixListId",
        _state("State", "delete-complete"),
    ),
    _Listing("autoscaling", "group", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    _Listing("iam", "role", "list_roles", "Roles", "RoleName", _named("Path", "/aws-service-role/")),
    _Listing("iam", "instance profile", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    _Listing("iam", "OIDC provider", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    _Listing("iam", "user", "list_users", "Users", "UserName"),
    _Listing("iam", "group", "list_groups", "Groups", "GroupName"),
    _Listing("rds", "instance", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    _Listing("rds", "cluster", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    _Listing("rds", "subnet group", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    _Listing(
        "rds",
        "parameter group",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
        _named("DBParameterGroupName", "default."),
    ),
    _Listing(
        "rds",
        "option group",
        "describe_option_groups",
        "OptionGroupsList",
        "OptionGroupName",
        _named("OptionGroupName", "default:"),
    ),
    _Listing("rds", "snapshot", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    _Listing("elasticache", "cluster", "describe_cache_clusters", "CacheClusters", "CacheClusterId"),
    _Listing(
        "elasticache", "replication group", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"
    ),
    _Listing(
        "elasticache", "subnet group", "describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"
    ),
    _Listing(
        "elasticache",
        "parameter group",
        "describe_cache_parameter_groups",
        "CacheParameterGroups",
        "CacheParameterGroupName",
        _named("CacheParameterGroupName", "default."),
    ),
    _Listing("elasticache", "snapshot", "describe_snapshots", "Snapshots", "SnapshotName"),
    _Listing("elasticache", "user", "describe_users", "Users", "UserId"),
    _Listing("s3", "bucket", "list_buckets", "Buckets", "Name"),
    _Listing("efs", "file system", "describe_file_systems", "FileSystems", "FileSystemId"),
    _Listing("efs", "access point", "describe_access_points", "AccessPoints", "AccessPointId"),
    _Listing("ecr", "repository", "describe_repositories", "repositories", "repositoryName"),
    _Listing("secretsmanager", "secret", "list_secrets", "SecretList", "ARN"),
    _Listing("logs", "log group", "describe_log_groups", "logGroups", "logGroupName"),
    _Listing("cloudwatch", "alarm", "describe_alarms", "MetricAlarms", "AlarmName"),
    _Listing("cloudwatch", "composite alarm", "describe_alarms", "CompositeAlarms", "AlarmName"),
    _Listing("cloudwatch", "dashboard", "list_dashboards", "DashboardEntries", "DashboardName"),
    _Listing("sns", "topic", "list_topics", "Topics", "TopicArn"),
    _Listing("sns", "subscription", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    _Listing("sqs", "queue", "list_queues", "QueueUrls", ""),
    _Listing("lambda", "function", "list_functions", "Functions", "FunctionName"),
    _Listing("events", "rule", "list_rules", "Rules", "Name"),
    _Listing("dynamodb", "table", "list_tables", "TableNames", ""),
)


def inventory(account: Account) -> Inventory:
    """Return everything that exists in *account* in its region, of the kinds that the modules could make.

    Asks all services at once. Raises Refused and Unreachable as the account does: a service that does not answer is
    not one that has nothing.
    """
    readers: list[Callable[[Account], Iterable[Thing]]] = [each.things for each in _LISTINGS if each.identity]
    readers += [_names, _clusters, _mount_targets, _metric_filters, _keys, _aliases, _policies, _budgets]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return frozenset(each for found in pool.map(lambda read: tuple(read(account)), readers) for each in found)


def _names(account: Account) -> Iterable[Thing]:
    """Return what is listed by names alone."""
    for each in _LISTINGS:
        if not each.identity:
            for name in account.names(each.service, each.operation, each.items):
                yield Thing(each.service, each.kind, name)


def _clusters(account: Account) -> Iterable[Thing]:
    for cluster in account.names("eks", "list_clusters", "clusters"):
        yield Thing("eks", "cluster", cluster)
        for group in account.names("eks", "list_nodegroups", "nodegroups", clusterName=cluster):
            yield Thing("eks", "node group", f"{cluster}/{group}")
        for add_on in account.names("eks", "list_addons", "addons", clusterName=cluster):
            yield Thing("eks", "add-on", f"{cluster}/{add_on}")
        for profile in account.names("eks", "list_fargate_profiles", "fargateProfileNames", clusterName=cluster):
            yield Thing("eks", "Fargate profile", f"{cluster}/{profile}")


def _mount_targets(account: Account) -> Iterable[Thing]:
    for system in account.every("efs", "describe_file_systems", "FileSystems"):
        identity = system.text("FileSystemId")
        for target in account.every("efs", "describe_mount_targets", "MountTargets", FileSystemId=identity):
            yield Thing("efs", "mount target", target.text("MountTargetId"))


def _metric_filters(account: Account) -> Iterable[Thing]:
    """Return the filters, each by its group and its name, which those of other groups may have as well."""
    for each in account.every("logs", "describe_metric_filters", "metricFilters"):
        yield Thing("logs", "metric filter", f"{each.text('logGroupName')}/{each.text('filterName')}")


def _keys(account: Account) -> Iterable[Thing]:
    for each in account.every("kms", "list_keys", "Keys"):
        found = account.look("kms", "describe_key", KeyId=each.text("KeyId"))
        told = found.part("KeyMetadata") if found else None
        # The keys that AWS manages come with their services, and nobody can delete them.
        if told and told.text("KeyManager") == "CUSTOMER" and told.text("KeyState") != "PendingDeletion":
            yield Thing("kms", "key", each.text("KeyId"))


def _aliases(account: Account) -> Iterable[Thing]:
    for each in account.every("kms", "list_aliases", "Aliases"):
        if not each.text("AliasName").startswith("alias/aws/"):
            yield Thing("kms", "alias", each.text("AliasName"))


def _policies(account: Account) -> Iterable[Thing]:
    for each in account.every("iam", "list_policies", "Policies", Scope="Local"):
        yield Thing("iam", "policy", each.text("Arn"))


def _budgets(account: Account) -> Iterable[Thing]:
    try:
        found = account.every("budgets", "describe_budgets", "Budgets", AccountId=account.number)
    except NotFound:  # what AWS says of an account that never had one
        return
    for each in found:
        yield Thing("budgets", "budget", each.text("BudgetName"))
