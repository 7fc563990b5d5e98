"""What a killed run made and could not write down: it exists, was not there before, and is not in the state.

OpenTofu writes a resource into its state once the provider has told that it is made. What was being made when either
was killed exists and is in no state: it stands in the way of the next run, and nobody would ever take it down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seatrial.cloud.account import NotFound, Refused
from seatrial.cloud.inventory import inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from seatrial.cloud.account import Account, Answer
    from seatrial.cloud.inventory import Inventory, Thing

# These come and go with what they belong to.
_PARTS: Final = frozenset(
    {
        ("autoscaling", "group"),
        ("ec2", "instance"),
        ("ec2", "network interface"),
        ("ec2", "volume"),
        ("elasticache", "cluster"),
    }
)
_ROUNDS: Final = 8


def orphans(account: Account, before: Inventory, known: Collection[str]) -> tuple[Thing, ...]:
    """Return what exists now, did not *before*, and is called by none of the words *known* to the state."""
    words = frozenset(known)
    found = sorted(inventory(account) - before)
    return tuple(
        thing
        for thing in found
        if (thing.service, thing.kind) not in _PARTS
        and thing.identity not in words
        and thing.identity.replace("/", ":", 1) not in words  # how the provider writes a part of an EKS cluster
        and not _comes_with_a_network(account, thing)
    )


def remove(account: Account, things: Collection[Thing]) -> None:
    """Delete *things*, those that others depend on last.

    Raises Refused for the first one that cannot be deleted, LookupError for a kind that nothing here deletes.
    """
    order = list(_REMOVALS)
    for thing in things:
        if (thing.service, thing.kind) not in _REMOVALS:
            raise LookupError(f"{thing} was left by a run that was killed: remove it, nothing here knows how to")
    left = sorted(things, key=lambda thing: order.index((thing.service, thing.kind)))
    refusal: Refused | None = None
    for _ in range(_ROUNDS):
        held, refusal = [], None
        for thing in left:
            try:
                _REMOVALS[thing.service, thing.kind](account, thing.identity)
            except NotFound:
                continue
            except Refused as error:
                # Another one may depend on it; it has its turn in the next round.
                held.append(thing)
                refusal = refusal or error
        if not held:
            return
        left = held
    if refusal is not None:
        raise refusal


def _comes_with_a_network(account: Account, thing: Thing) -> bool:
    """Whether *thing* is one of those that AWS makes together with a VPC, and deletes with it."""
    asked = {
        "route table": ("describe_route_tables", "RouteTables", "RouteTableIds"),
        "network ACL": ("describe_network_acls", "NetworkAcls", "NetworkAclIds"),
        "security group": ("describe_security_groups", "SecurityGroups", "GroupIds"),
    }
    if thing.service != "ec2" or thing.kind not in asked:
        return False
    operation, items, parameter = asked[thing.kind]
    found = account.every("ec2", operation, items, **{parameter: [thing.identity]})
    return any(_is_default(one) for one in found)


def _is_default(found: Answer) -> bool:
    main = any(association.flag("Main") for association in found.parts("Associations"))
    return main or found.flag("IsDefault") or found.text("GroupName") == "default"


def _call(service: str, operation: str, parameter: str, **more: object) -> Callable[[Account, str], None]:
    def removal(account: Account, identity: str) -> None:
        account.ask(service, operation, **{parameter: identity}, **more)

    return removal


def _of_cluster(operation: str, parameter: str) -> Callable[[Account, str], None]:
    def removal(account: Account, identity: str) -> None:
        cluster, _, name = identity.partition("/")
        account.ask("eks", operation, clusterName=cluster, **{parameter: name})

    return removal


def _role(account: Account, name: str) -> None:
    for policy in account.every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        account.ask("iam", "detach_role_policy", RoleName=name, PolicyArn=policy.text("PolicyArn"))
    for policy_name in account.names("iam", "list_role_policies", "PolicyNames", RoleName=name):
        account.ask("iam", "delete_role_policy", RoleName=name, PolicyName=policy_name)
    account.ask("iam", "delete_role", RoleName=name)


def _internet_gateway(account: Account, identity: str) -> None:
    for found in account.every("ec2", "describe_internet_gateways", "InternetGateways", InternetGatewayIds=[identity]):
        for attached in found.parts("Attachments"):
            account.ask("ec2", "detach_internet_gateway", InternetGatewayId=identity, VpcId=attached.text("VpcId"))
    account.ask("ec2", "delete_internet_gateway", InternetGatewayId=identity)


def _route_table(account: Account, identity: str) -> None:
    for table in account.every("ec2", "describe_route_tables", "RouteTables", RouteTableIds=[identity]):
        for association in table.parts("Associations"):
            account.ask("ec2", "disassociate_route_table", AssociationId=association.text("RouteTableAssociationId"))
    account.ask("ec2", "delete_route_table", RouteTableId=identity)


def _flow_log(account: Account, identity: str) -> None:
    account.ask("ec2", "delete_flow_logs", FlowLogIds=[identity])


def _alarm(account: Account, name: str) -> None:
    account.ask("cloudwatch", "delete_alarms", AlarmNames=[name])


def _budget(account: Account, name: str) -> None:
    account.ask("budgets", "delete_budget", AccountId=account.number, BudgetName=name)


# In the order in which things can be deleted: first what depends on others.
_REMOVALS: Final[Mapping[tuple[str, str], Callable[[Account, str], None]]] = {
    ("eks", "add-on"): _of_cluster("delete_addon", "addonName"),
    ("eks", "node group"): _of_cluster("delete_nodegroup", "nodegroupName"),
    ("eks", "cluster"): _call("eks", "delete_cluster", "name"),
    ("iam", "OIDC provider"): _call("iam", "delete_open_id_connect_provider", "OpenIDConnectProviderArn"),
    ("rds", "instance"): _call(
        "rds", "delete_db_instance", "DBInstanceIdentifier", SkipFinalSnapshot=True, DeleteAutomatedBackups=True
    ),
    ("rds", "parameter group"): _call("rds", "delete_db_parameter_group", "DBParameterGroupName"),
    ("rds", "subnet group"): _call("rds", "delete_db_subnet_group", "DBSubnetGroupName"),
    ("elasticache", "replication group"): _call("elasticache", "delete_replication_group", "ReplicationGroupId"),
    ("elasticache", "subnet group"): _call("elasticache", "delete_cache_subnet_group", "CacheSubnetGroupName"),
    ("efs", "access point"): _call("efs", "delete_access_point", "AccessPointId"),
    ("efs", "mount target"): _call("efs", "delete_mount_target", "MountTargetId"),
    ("efs", "file system"): _call("efs", "delete_file_system", "FileSystemId"),
    # Only an empty one can be deleted: what somebody has put in since stays, and is told of.
    ("s3", "bucket"): _call("s3", "delete_bucket", "Bucket"),
    ("ecr", "repository"): _call("ecr", "delete_repository", "repositoryName"),
    ("secretsmanager", "secret"): _call("secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True),
    ("ec2", "flow log"): _flow_log,
    ("logs", "log group"): _call("logs", "delete_log_group", "logGroupName"),
    ("cloudwatch", "alarm"): _alarm,
    ("sns", "subscription"): _call("sns", "unsubscribe", "SubscriptionArn"),
    ("sns", "topic"): _call("sns", "delete_topic", "TopicArn"),
    ("budgets", "budget"): _budget,
    ("iam", "role"): _role,
    ("iam", "policy"): _call("iam", "delete_policy", "PolicyArn"),
    ("kms", "alias"): _call("kms", "delete_alias", "AliasName"),
    ("kms", "key"): _call("kms", "schedule_key_deletion", "KeyId", PendingWindowInDays=7),
    ("ec2", "launch template"): _call("ec2", "delete_launch_template", "LaunchTemplateId"),
    ("ec2", "NAT gateway"): _call("ec2", "delete_nat_gateway", "NatGatewayId"),
    ("ec2", "address"): _call("ec2", "release_address", "AllocationId"),
    ("ec2", "security group"): _call("ec2", "delete_security_group", "GroupId"),
    ("ec2", "network ACL"): _call("ec2", "delete_network_acl", "NetworkAclId"),
    ("ec2", "route table"): _route_table,
    ("ec2", "subnet"): _call("ec2", "delete_subnet", "SubnetId"),
    ("ec2", "internet gateway"): _internet_gateway,
    ("ec2", "vpc"): _call("ec2", "delete_vpc", "VpcId"),
}


def words(value: object) -> Iterator[str]:
    """Give each string in *value*, all that JSON can hold."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
