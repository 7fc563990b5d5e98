"""Each correction has a proof that holds with it and does not hold without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import flask
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from seatrial.cloud.corrections import applied, corrections
from seatrial.cloud.corrections.authorisation import enforce
from seatrial.cloud.corrections.s3 import TLS_OFFERED, came_by_tls
from seatrial.cloud.corrections.sessions import NotASession, resume
from suites.unit.cloud.emulated import (
    NUMBER,
    REGION,
    ROLE,
    cache_group,
    client,
    cluster,
    emulated,
    node_group,
    place,
    trust,
)
from suites.unit.cloud.signer import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

_PROOFS: dict[str, Callable[[], None]] = {}
_MISSED = (pytest.fail.Exception, AssertionError, ClientError, KeyError, NotImplementedError, AttributeError, TypeError)


def _proves(*names: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def note(proof: Callable[[], None]) -> Callable[[], None]:
        for name in names:
            assert name not in _PROOFS
            _PROOFS[name] = proof
        return proof

    return note


def _code(error: pytest.ExceptionInfo[ClientError]) -> object:
    return error.value.response["Error"]["Code"]


# --- ElastiCache


@_proves("moto.elasticache.models.ReplicationGroup")
def _group_has_its_clusters_and_a_reader_endpoint() -> None:
    cache_group()
    group = client("elasticache").describe_replication_groups(ReplicationGroupId="redis")["ReplicationGroups"][0]
    assert group["MemberClusters"] == ["redis-001", "redis-002"]
    nodes = group["NodeGroups"][0]
    assert nodes["ReaderEndpoint"]["Port"] == nodes["PrimaryEndpoint"]["Port"] == 6379
    assert nodes["ReaderEndpoint"]["Address"] != nodes["PrimaryEndpoint"]["Address"]
    assert [each["PreferredAvailabilityZone"] for each in nodes["NodeGroupMembers"]] == [f"{REGION}a", f"{REGION}c"]


@_proves("ElastiCacheBackend.create_replication_group")
def _members_are_cache_clusters() -> None:
    cache_group(TransitEncryptionEnabled=True, AtRestEncryptionEnabled=True)
    clusters = client("elasticache").describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    assert [each["CacheClusterId"] for each in clusters] == ["redis-001", "redis-002"]
    for each in clusters:
        assert each["ReplicationGroupId"] == "redis"
        assert (each["EngineVersion"], each["CacheSubnetGroupName"]) == ("7.1", "caches")
        assert each["TransitEncryptionEnabled"] is each["AtRestEncryptionEnabled"] is True


@_proves("moto.elasticache.models.CacheCluster")
def _cluster_says_its_groups_and_nodes() -> None:
    where = place()
    client("elasticache").create_cache_cluster(
        CacheClusterId="solo",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheNodes=1,
        SecurityGroupIds=[where.group],
    )
    solo = client("elasticache").describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"][0]
    assert solo["SecurityGroups"] == [{"SecurityGroupId": where.group, "Status": "active"}]
    assert solo["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7"
    assert [node["Endpoint"]["Port"] for node in solo["CacheNodes"]] == [6379]
    assert solo["EngineVersion"] == "7.1.0"
    assert solo["PreferredMaintenanceWindow"]


@_proves("moto.elasticache.models.CacheSubnetGroup")
def _subnet_group_says_its_zones() -> None:
    cache_group()
    group = client("elasticache").describe_cache_subnet_groups()["CacheSubnetGroups"][0]
    zones = [each["SubnetAvailabilityZone"]["Name"] for each in group["Subnets"]]
    assert zones == [f"{REGION}a", f"{REGION}c"]


@_proves("ElastiCacheBackend.delete_replication_group", "ElastiCacheResponse.delete_cache_subnet_group")
def _deleted_group_is_gone_with_its_clusters_and_lets_the_subnets_go() -> None:
    caches = client("elasticache")
    cache_group()
    with pytest.raises(ClientError) as used:
        caches.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    assert _code(used) == "CacheSubnetGroupInUse"
    assert caches.delete_replication_group(ReplicationGroupId="redis")["ReplicationGroup"]["Status"] == "deleting"
    with pytest.raises(ClientError) as gone:
        caches.describe_replication_groups(ReplicationGroupId="redis")
    assert _code(gone) == "ReplicationGroupNotFoundFault"
    assert caches.describe_cache_clusters()["CacheClusters"] == []
    caches.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    with pytest.raises(ClientError) as gone:
        caches.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    assert _code(gone) == "CacheSubnetGroupNotFoundFault"


@_proves("ElastiCacheBackend.delete_cache_cluster")
def _deleted_cluster_is_gone() -> None:
    caches = client("elasticache")
    caches.create_cache_cluster(CacheClusterId="solo", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1)
    assert caches.delete_cache_cluster(CacheClusterId="solo")["CacheCluster"]["CacheClusterStatus"] == "deleting"
    with pytest.raises(ClientError) as gone:
        caches.describe_cache_clusters(CacheClusterId="solo")
    assert _code(gone) == "CacheClusterNotFound"


@_proves("ElastiCacheBackend.delete_user")
def _deleted_user_is_gone() -> None:
    caches = client("elasticache")
    reader = {"UserId": "reader", "UserName": "reader", "Engine": "redis", "AccessString": "on"}
    caches.create_user(**reader, NoPasswordRequired=True)
    caches.delete_user(UserId="reader")
    assert [each["UserId"] for each in caches.describe_users()["Users"]] == ["default"]


@_proves("ElastiCacheResponse.modify_cache_subnet_group")
def _subnet_group_can_be_changed() -> None:
    where = cache_group()
    caches = client("elasticache")
    caches.modify_cache_subnet_group(CacheSubnetGroupName="caches", SubnetIds=[where.subnets[0]])
    group = caches.describe_cache_subnet_groups(CacheSubnetGroupName="caches")["CacheSubnetGroups"][0]
    assert [each["SubnetIdentifier"] for each in group["Subnets"]] == [where.subnets[0]]
    assert group["CacheSubnetGroupDescription"] == "any"


@_proves(
    "ElastiCacheResponse.create_cache_parameter_group",
    "ElastiCacheResponse.describe_cache_parameter_groups",
    "ElastiCacheResponse.modify_cache_parameter_group",
    "ElastiCacheResponse.reset_cache_parameter_group",
    "ElastiCacheResponse.describe_cache_parameters",
    "ElastiCacheResponse.delete_cache_parameter_group",
)
def _parameter_group_lives() -> None:
    caches = client("elasticache")
    name = {"CacheParameterGroupName": "tuned"}
    made = {**name, "CacheParameterGroupFamily": "redis7", "Description": "any"}
    caches.create_cache_parameter_group(**made)
    with pytest.raises(ClientError) as twice:
        caches.create_cache_parameter_group(**made)
    assert _code(twice) == "CacheParameterGroupAlreadyExists"
    (group,) = caches.describe_cache_parameter_groups(**name)["CacheParameterGroups"]
    assert {key: group[key] for key in made} == made
    value = {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}
    caches.modify_cache_parameter_group(**name, ParameterNameValues=[value])
    (told,) = caches.describe_cache_parameters(**name, Source="user")["Parameters"]
    assert {key: told[key] for key in value} == value
    assert caches.describe_cache_parameters(**name, Source="system")["Parameters"] == []
    caches.reset_cache_parameter_group(**name, ParameterNameValues=[{"ParameterName": "maxmemory-policy"}])
    assert caches.describe_cache_parameters(**name)["Parameters"] == []
    caches.delete_cache_parameter_group(**name)
    with pytest.raises(ClientError) as gone:
        caches.describe_cache_parameter_groups(**name)
    assert _code(gone) == "CacheParameterGroupNotFound"


# --- EKS


@_proves("moto.eks.models.Cluster")
def _cluster_names_its_network_and_all_logs() -> None:
    where = cluster()
    told = client("eks").describe_cluster(name="fleet")["cluster"]
    network = told["resourcesVpcConfig"]
    assert network["vpcId"] == where.vpc
    assert (network["endpointPublicAccess"], network["endpointPrivateAccess"]) == (True, False)
    assert network["publicAccessCidrs"] == ["0.0.0.0/0"]
    (own,) = client("ec2").describe_security_groups(GroupIds=[network["clusterSecurityGroupId"]])["SecurityGroups"]
    assert own["VpcId"] == where.vpc
    (setup,) = told["logging"]["clusterLogging"]
    assert setup["enabled"] is False
    assert set(setup["types"]) == {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    client("eks").create_cluster(name="other", roleArn=ROLE, resourcesVpcConfig={"subnetIds": list(where.subnets)})
    other = client("eks").describe_cluster(name="other")["cluster"]
    assert other["identity"]["oidc"]["issuer"] != told["identity"]["oidc"]["issuer"]


def test_a_cluster_lies_in_one_network_that_exists() -> None:
    with emulated():
        first, second = place(), place()
        for subnets in (["subnet-0123456789abcdef0"], [first.subnets[0], second.subnets[1]]):
            with pytest.raises(ClientError) as refused:
                client("eks").create_cluster(name="fleet", roleArn=ROLE, resourcesVpcConfig={"subnetIds": subnets})
            assert _code(refused) == "InvalidParameterException"
        assert client("eks").list_clusters()["clusters"] == []


@_proves("EKSBackend.delete_cluster")
def _deleted_cluster_takes_its_security_group_along() -> None:
    where = cluster()
    client("eks").delete_cluster(name="fleet")
    found = client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [where.vpc]}])
    assert {each["GroupName"] for each in found["SecurityGroups"]} == {"default", "any"}


@_proves("moto.eks.models.Nodegroup")
def _node_group_has_no_remote_access_nobody_asked_for() -> None:
    where = cluster()
    group = node_group(where)
    assert "remoteAccess" not in group
    assert "remoteAccessSecurityGroup" not in group["resources"]
    asked = {"ec2SshKey": "mine"}
    assert group["diskSize"] == 20
    template = client("ec2").create_launch_template(
        LaunchTemplateName="nodes", LaunchTemplateData={"EbsOptimized": True}
    )["LaunchTemplate"]["LaunchTemplateId"]
    by_template = client("eks").create_nodegroup(
        clusterName="fleet",
        nodegroupName="by-template",
        subnets=list(where.subnets),
        nodeRole=ROLE,
        launchTemplate={"id": template, "version": "1"},
    )["nodegroup"]
    assert "diskSize" not in by_template
    assert by_template["launchTemplate"] == {"id": template, "name": "nodes", "version": "1"}
    made = client("eks").create_nodegroup(
        clusterName="fleet", nodegroupName="open", subnets=list(where.subnets), nodeRole=ROLE, remoteAccess=asked
    )
    assert made["nodegroup"]["remoteAccess"] == asked


@_proves("EKSBackend.create_nodegroup")
def _nodes_have_the_version_of_their_cluster() -> None:
    assert node_group(cluster())["version"] == "1.31"


@_proves("EKSBackend.tag_resource", "EKSBackend.untag_resource", "EKSBackend.list_tags_for_resource")
def _node_groups_and_add_ons_are_tagged() -> None:
    eks = client("eks")
    where = cluster()
    add_on = eks.create_addon(clusterName="fleet", addonName="coredns")["addon"]
    for arn in (node_group(where)["nodegroupArn"], add_on["addonArn"]):
        eks.tag_resource(resourceArn=arn, tags={"owner": "platform", "other": "any"})
        eks.untag_resource(resourceArn=arn, tagKeys=["other"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "platform"}
    arn = eks.describe_cluster(name="fleet")["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"owner": "platform"})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "platform"}


@_proves(
    "EKSResponse.update_cluster_config",
    "EKSResponse.describe_update",
    "EKSResponse.list_updates",
    "moto.eks.urls.url_paths",
)
def _changes_are_updates_that_can_be_asked_after() -> None:
    eks = client("eks")
    where = cluster()
    before = eks.describe_cluster(name="fleet")["cluster"]["resourcesVpcConfig"]
    wish = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    update = eks.update_cluster_config(name="fleet", resourcesVpcConfig=wish)["update"]
    assert eks.describe_update(name="fleet", updateId=update["id"])["update"]["status"] == "Successful"
    assert eks.list_updates(name="fleet")["updateIds"] == [update["id"]]
    after = eks.describe_cluster(name="fleet")["cluster"]["resourcesVpcConfig"]
    assert after == {**before, **wish, "publicAccessCidrs": []}
    assert after["subnetIds"] == list(where.subnets)
    for types in (["api"], ["audit"]):
        eks.update_cluster_config(name="fleet", logging={"clusterLogging": [{"types": types, "enabled": True}]})
    setups = eks.describe_cluster(name="fleet")["cluster"]["logging"]["clusterLogging"]
    assert [sorted(each["types"]) for each in setups if each["enabled"]] == [["api", "audit"]]
    with pytest.raises(ClientError) as unknown:
        eks.describe_update(name="fleet", updateId="unknown")
    assert _code(unknown) == "ResourceNotFoundException"


@_proves("EKSResponse.update_cluster_version", "EKSResponse.update_nodegroup_version")
def _versions_go_up_one_by_one() -> None:
    eks = client("eks")
    node_group(cluster())
    with pytest.raises(ClientError) as leap:
        eks.update_cluster_version(name="fleet", version="1.33")
    assert _code(leap) == "InvalidParameterException"
    eks.update_cluster_version(name="fleet", version="1.32")
    assert eks.describe_cluster(name="fleet")["cluster"]["version"] == "1.32"
    update = eks.update_nodegroup_version(clusterName="fleet", nodegroupName="system")["update"]
    assert eks.describe_update(name="fleet", updateId=update["id"])["update"]["type"] == "VersionUpdate"
    nodes = eks.describe_nodegroup(clusterName="fleet", nodegroupName="system")["nodegroup"]
    assert nodes["version"] == "1.32"


@_proves("EKSResponse.update_nodegroup_config")
def _changed_node_group_gives_an_update() -> None:
    eks = client("eks")
    node_group(cluster(), scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2})
    update = eks.update_nodegroup_config(
        clusterName="fleet", nodegroupName="system", scalingConfig={"minSize": 1, "maxSize": 5, "desiredSize": 2}
    )["update"]
    assert eks.describe_update(name="fleet", updateId=update["id"])["update"]["status"] == "Successful"
    nodes = eks.describe_nodegroup(clusterName="fleet", nodegroupName="system")["nodegroup"]
    assert nodes["scalingConfig"]["maxSize"] == 5


@_proves(
    "EKSResponse.create_addon",
    "EKSResponse.describe_addon",
    "EKSResponse.update_addon",
    "EKSResponse.delete_addon",
    "EKSResponse.list_addons",
    "EKSResponse.describe_addon_versions",
)
def _add_on_lives() -> None:
    eks = client("eks")
    cluster()
    of = {"clusterName": "fleet", "addonName": "vpc-cni"}
    (known,) = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion="1.31")["addons"]
    version = known["addonVersions"][0]["addonVersion"]
    made = eks.create_addon(**of, serviceAccountRoleArn=ROLE, tags={"owner": "platform"})["addon"]
    assert (made["status"], made["addonVersion"]) == ("ACTIVE", version)
    with pytest.raises(ClientError) as twice:
        eks.create_addon(**of)
    assert _code(twice) == "ResourceInUseException"
    eks.update_addon(**of, configurationValues="{}")
    told = eks.describe_addon(**of)["addon"]
    assert (told["serviceAccountRoleArn"], told["configurationValues"]) == (ROLE, "{}")
    assert eks.list_addons(clusterName="fleet")["addons"] == ["vpc-cni"]
    eks.delete_addon(**of)
    with pytest.raises(ClientError) as gone:
        eks.describe_addon(**of)
    assert _code(gone) == "ResourceNotFoundException"


# --- EC2


@_proves("EC2Backend.create_nat_gateway")
def _gateway_says_how_it_connects() -> None:
    ec2 = client("ec2")
    where = place()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=where.subnets[0], AllocationId=address)
    ec2.create_nat_gateway(SubnetId=where.subnets[1], ConnectivityType="private")
    kinds = [each["ConnectivityType"] for each in ec2.describe_nat_gateways()["NatGateways"]]
    assert kinds == ["public", "private"]


@_proves("EC2Backend.delete_nat_gateway")
def _gateway_leaves_nothing_but_a_free_address() -> None:
    ec2 = client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=place().subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=made)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    (free,) = ec2.describe_addresses()["Addresses"]
    assert (free["AllocationId"], free.get("AssociationId")) == (address, None)


@_proves("EC2Backend.create_vpc_endpoint")
def _endpoint_is_a_gateway_and_can_be_deleted() -> None:
    ec2 = client("ec2")
    wish = {"VpcId": place().vpc, "ServiceName": f"com.amazonaws.{REGION}.s3"}
    made = ec2.create_vpc_endpoint(**wish)["VpcEndpoint"]
    assert made["VpcEndpointType"] == "Gateway"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert [each["State"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]] == ["deleted"]


@_proves("EC2Backend.delete_vpc")
def _network_takes_its_default_access_list_along() -> None:
    ec2 = client("ec2")
    before = ec2.describe_network_acls()["NetworkAcls"]
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert len(ec2.describe_network_acls()["NetworkAcls"]) == len(before) + 1
    ec2.delete_vpc(VpcId=made)
    assert ec2.describe_network_acls()["NetworkAcls"] == before


@_proves("AccountAttributes.describe_account_attributes")
def _region_supports_vpc_alone() -> None:
    (told,) = [
        each["AttributeValues"]
        for each in client("ec2").describe_account_attributes()["AccountAttributes"]
        if each["AttributeName"] == "supported-platforms"
    ]
    assert told == [{"AttributeValue": "VPC"}]


@_proves("EC2Backend.create_launch_template")
def _template_keeps_its_own_tags_to_itself() -> None:
    ec2 = client("ec2")
    own = {"ResourceType": "launch-template", "Tags": [{"Key": "owner", "Value": "platform"}]}
    nodes = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "node"}]}
    for name, data in (("plain", {}), ("tagged", {"TagSpecifications": [nodes]})):
        made = ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"EbsOptimized": True, **data}, TagSpecifications=[own]
        )["LaunchTemplate"]
        assert made["Tags"] == own["Tags"]
        (version,) = ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]
        assert version["LaunchTemplateData"].get("TagSpecifications", []) == data.get("TagSpecifications", [])


@_proves("EC2Backend.describe_network_acls", "EC2Backend.describe_launch_templates")
def _what_is_missing_is_named_as_what_it_is() -> None:
    ec2 = client("ec2")
    with pytest.raises(ClientError) as missing:
        ec2.describe_network_acls(NetworkAclIds=["acl-0123456789abcdef0"])
    assert _code(missing) == "InvalidNetworkAclID.NotFound"
    with pytest.raises(ClientError) as missing:
        ec2.describe_launch_templates(LaunchTemplateIds=["lt-0123456789abcdef0"])
    assert _code(missing) == "InvalidLaunchTemplateId.NotFound"


@_proves("EC2Backend.create_network_acl")
def _access_list_denies_in_the_end() -> None:
    made = client("ec2").create_network_acl(VpcId=place().vpc)["NetworkAcl"]
    told = [(each["Egress"], each["RuleNumber"], each["RuleAction"]) for each in made["Entries"]]
    assert sorted(told) == [(False, 32767, "deny"), (True, 32767, "deny")]


@_proves("EC2Backend.create_flow_logs")
def _flow_log_reaches_the_group_it_names() -> None:
    client("logs").create_log_group(logGroupName="/flows")
    ec2 = client("ec2")
    ec2.create_flow_logs(
        ResourceIds=[place().vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogDestination=f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/flows:*",
        DeliverLogsPermissionArn=ROLE,
    )
    (told,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (told["DeliverLogsStatus"], told["LogGroupName"]) == ("SUCCESS", "/flows")


# --- KMS


@_proves(
    "KmsBackend.schedule_key_deletion",
    "KmsBackend.cancel_key_deletion",
    "KmsBackend.disable_key",
    "KmsBackend.enable_key",
)
def _key_is_known_by_its_arn() -> None:
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=arn)
    kms.enable_key(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"


@_proves("KmsBackend._generate_default_keys")
def _key_that_comes_with_a_service_is_managed_by_aws() -> None:
    kms = client("kms")
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyManager"] == "AWS"
    own = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.describe_key(KeyId=own)["KeyMetadata"]["KeyManager"] == "CUSTOMER"


# --- CloudWatch Logs


@_proves("LogsBackend.delete_log_group", "MetricFilters.add_filter")
def _filter_belongs_to_its_group_and_is_one_of_its_name() -> None:
    logs = client("logs")
    metric = {"metricName": "errors", "metricNamespace": "fleet", "metricValue": "1"}
    for group in ("/one", "/other"):
        logs.create_log_group(logGroupName=group)
        for pattern in ("ERROR", "FATAL"):
            logs.put_metric_filter(
                logGroupName=group, filterName="errors", filterPattern=pattern, metricTransformations=[metric]
            )
    told = logs.describe_metric_filters()["metricFilters"]
    assert [(each["logGroupName"], each["filterPattern"]) for each in told] == [("/one", "FATAL"), ("/other", "FATAL")]
    logs.delete_log_group(logGroupName="/one")
    left = logs.describe_metric_filters()["metricFilters"]
    assert [each["logGroupName"] for each in left] == ["/other"]


# --- EFS


@_proves("EFSResponse.put_backup_policy", "EFSBackend.describe_backup_policy")
def _backups_can_be_turned_on_and_off() -> None:
    efs = client("efs")
    identity = efs.create_file_system(CreationToken="any", Backup=False)["FileSystemId"]
    told = efs.put_backup_policy(FileSystemId=identity, BackupPolicy={"Status": "ENABLED"})
    assert told["BackupPolicy"] == efs.describe_backup_policy(FileSystemId=identity)["BackupPolicy"]
    assert told["BackupPolicy"] == {"Status": "ENABLED"}
    off = {"Status": "DISABLED"}
    assert efs.put_backup_policy(FileSystemId=identity, BackupPolicy=off)["BackupPolicy"] == off
    assert efs.describe_backup_policy(FileSystemId=identity)["BackupPolicy"] == off
    silent = efs.create_file_system(CreationToken="other", Backup=False)["FileSystemId"]
    for nobody, code in ((silent, "PolicyNotFound"), ("fs-00000000", "FileSystemNotFound")):
        with pytest.raises(ClientError) as unknown:
            efs.describe_backup_policy(FileSystemId=nobody)
        assert _code(unknown) == code


# --- Budgets


@_proves(
    "BudgetsResponse.describe_subscribers_for_notification",
    "BudgetsResponse.update_budget",
    "BudgetsResponse.list_tags_for_resource",
)
def _budget_says_whom_it_notifies_and_can_change() -> None:
    budgets = client("budgets")
    of = {"AccountId": NUMBER, "BudgetName": "monthly"}
    limit = {"Amount": "100", "Unit": "USD"}
    budget = {"BudgetName": "monthly", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    reader = {"SubscriptionType": "EMAIL", "Address": "platform@example.org"}
    budgets.create_budget(
        AccountId=NUMBER,
        Budget=budget,
        NotificationsWithSubscribers=[{"Notification": notification, "Subscribers": [reader]}],
    )
    told = budgets.describe_subscribers_for_notification(**of, Notification=notification)
    assert told["Subscribers"] == [reader]
    budgets.update_budget(AccountId=NUMBER, NewBudget={**budget, "BudgetLimit": {"Amount": "200", "Unit": "USD"}})
    assert budgets.describe_budget(**of)["Budget"]["BudgetLimit"]["Amount"] == "200"
    arn = f"arn:aws:budgets::{NUMBER}:budget/monthly"
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == []


@_proves("BudgetsResponse.describe_notifications_for_budget")
def _budget_that_is_missing_has_no_notifications() -> None:
    with pytest.raises(ClientError) as missing:
        client("budgets").describe_notifications_for_budget(AccountId=NUMBER, BudgetName="none")
    assert _code(missing) == "NotFoundException"


# --- S3


@_proves("S3Backend.create_bucket", "S3Backend.delete_bucket_encryption")
def _bucket_is_encrypted_and_private_from_the_start() -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
    blocked = s3.get_public_access_block(Bucket="uploads")["PublicAccessBlockConfiguration"]
    assert list(blocked.values()) == [True] * 4
    owner = s3.get_bucket_ownership_controls(Bucket="uploads")["OwnershipControls"]["Rules"]
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert _algorithm("uploads") == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket="uploads", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert _algorithm("uploads") == "aws:kms"
    s3.delete_bucket_encryption(Bucket="uploads")
    assert _algorithm("uploads") == "AES256"


@_proves("S3Backend.put_bucket_policy", "S3Backend.put_bucket_acl")
def _public_access_is_refused_where_it_is_blocked() -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION}, ACL="private")
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::uploads/*"}
    policy = {"Bucket": "uploads", "Policy": json.dumps({"Statement": [everybody]})}
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(**policy)
    assert _code(refused) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_acl(Bucket="uploads", ACL="public-read")
    assert _code(refused) == "AccessControlListNotSupported"
    s3.put_bucket_acl(Bucket="uploads", ACL="private")
    s3.put_bucket_ownership_controls(
        Bucket="uploads", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_acl(Bucket="uploads", ACL="public-read")
    assert _code(refused) == "AccessDenied"
    s3.delete_public_access_block(Bucket="uploads")
    s3.put_bucket_acl(Bucket="uploads", ACL="public-read")
    s3.put_bucket_policy(**policy)


def _algorithm(bucket: str) -> object:
    told = client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    return told["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


@_proves("FakeBucket.get_permission")
def _statement_about_tls_holds_for_what_does_not_come_by_tls() -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
    both = ["arn:aws:s3:::uploads", "arn:aws:s3:::uploads/*"]
    refusal = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": both}
    tls = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="uploads", Policy=json.dumps({"Statement": [{**refusal, **tls}]}))
    s3.put_object(Bucket="uploads", Key="any", Body=b"any")
    s3.put_bucket_policy(Bucket="uploads", Policy=json.dumps({"Statement": [refusal]}))
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket="uploads", Key="any")
    assert _code(refused) in {"403", "AccessDenied"}
    s3.put_bucket_policy(Bucket="uploads", Policy=json.dumps({"Statement": {**refusal, **tls}}))
    s3.delete_object(Bucket="uploads", Key="any")


# --- RDS


@_proves("RDSBackend.create_db_instance", "RDSBackend.modify_db_instance")
def _database_says_whether_it_is_watched() -> None:
    rds = client("rds")
    kinds = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20}
    for name, wanted in (("watched", True), ("dark", False)):
        rds.create_db_instance(DBInstanceIdentifier=name, EnablePerformanceInsights=wanted, **kinds)
        assert _watched(name) is wanted
    rds.modify_db_instance(DBInstanceIdentifier="dark", EnablePerformanceInsights=True)
    assert _watched("dark") is True


@_proves(
    "DBParameterGroup.update_parameters",
    "RDSResponse.describe_db_parameters",
    "RDSResponse.reset_db_parameter_group",
    "RDSResponse.describe_db_parameter_groups",
)
def _parameters_say_who_has_set_them_and_can_be_reset() -> None:
    rds = client("rds")
    name = {"DBParameterGroupName": "tls"}
    rds.create_db_parameter_group(**name, DBParameterGroupFamily="postgres16", Description="any")
    values = {"rds.force_ssl": "1", "log_statement": "ddl", "log_min_duration_statement": "1000"}
    wished = [
        {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "immediate"} for key, value in values.items()
    ]
    rds.modify_db_parameter_group(**name, Parameters=wished)
    told = rds.describe_db_parameters(**name)["Parameters"]
    assert {each["ParameterName"]: (each["ParameterValue"], each["Source"]) for each in told} == {
        key: (value, "user") for key, value in values.items()
    }
    assert rds.describe_db_parameters(**name, Source="user")["Parameters"] == told
    assert rds.describe_db_parameters(**name, Source="system")["Parameters"] == []
    rds.reset_db_parameter_group(**name, Parameters=wished[1:2])
    left = [each["ParameterName"] for each in rds.describe_db_parameters(**name)["Parameters"]]
    assert sorted(left) == ["log_min_duration_statement", "rds.force_ssl"]
    rds.reset_db_parameter_group(**name, ResetAllParameters=True)
    assert rds.describe_db_parameters(**name)["Parameters"] == []
    for ask in (rds.describe_db_parameter_groups, rds.reset_db_parameter_group):
        with pytest.raises(ClientError) as unknown:
            ask(DBParameterGroupName="none")
        assert _code(unknown) == "DBParameterGroupNotFound"


@_proves("RDSBackend.describe_option_groups")
def _option_groups_are_listed_without_a_name() -> None:
    rds = client("rds")
    assert rds.describe_option_groups()["OptionGroupsList"] == []
    for name, engine in (("one", "mysql"), ("other", "sqlserver-se")):
        version = {"mysql": "5.6", "sqlserver-se": "11.00"}[engine]
        rds.create_option_group(
            OptionGroupName=name, EngineName=engine, MajorEngineVersion=version, OptionGroupDescription="any"
        )
    told = rds.describe_option_groups()["OptionGroupsList"]
    assert {each["OptionGroupName"] for each in told} == {"one", "other"}
    told = rds.describe_option_groups(EngineName="mysql")["OptionGroupsList"]
    assert [each["OptionGroupName"] for each in told] == ["one"]
    with pytest.raises(ClientError) as unknown:
        rds.describe_option_groups(OptionGroupName="none")
    assert _code(unknown) == "OptionGroupNotFoundFault"


def _watched(name: str) -> object:
    (told,) = client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return told["PerformanceInsightsEnabled"]


# --- STS: what else there is to it stands in test_sts.py


@_proves("TokenResponse.assume_role_with_web_identity")
def _role_is_refused_to_whom_nobody_vouches_for() -> None:
    role = f"arn:aws:iam::{NUMBER}:role/orders"
    client("iam").create_role(RoleName="orders", AssumeRolePolicyDocument=trust())
    with pytest.raises(ClientError) as refused:
        client("sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="any", WebIdentityToken=Signer().token("anybody")
        )
    assert _code(refused) == "InvalidIdentityToken"


# --- Sessions and rights: what else there is to them stands in test_standing.py


@_proves("STSBackend.assume_role")
def _session_is_known_by_its_token_alone() -> None:
    told = client("sts").assume_role(RoleArn=f"arn:aws:iam::{NUMBER}:role/any", RoleSessionName="mine")
    try:
        session = resume(told["Credentials"]["SessionToken"])
    except NotASession as unknown:
        raise AssertionError from unknown
    assert (session.name, session.access_key) == ("mine", told["Credentials"]["AccessKeyId"])


@_proves("ActionAuthenticatorMixin._authenticate_and_authorize_action")
def _stranger_has_no_rights() -> None:
    enforce(yes=True)
    try:
        with pytest.raises(ClientError) as refused:
            client("s3").list_buckets()
        assert _code(refused) == "InvalidAccessKeyId"
    finally:
        enforce(yes=False)


@pytest.mark.parametrize(
    ("scheme", "offered", "secure"), [("http", True, False), ("https", True, True), ("http", False, True)]
)
def test_a_request_without_tls_is_one_where_tls_is_offered(*, scheme: str, offered: bool, secure: bool) -> None:
    asked = flask.Flask("any").test_request_context(
        "/", base_url=f"{scheme}://127.0.0.1", environ_overrides={TLS_OFFERED: offered}
    )
    with asked:
        assert came_by_tls() is secure
    assert came_by_tls()


@pytest.mark.parametrize("name", [str(each) for each in corrections()])
def test_a_correction_makes_the_difference(name: str) -> None:
    assert name in _PROOFS, f"{name} has no proof"
    with emulated(without=name), pytest.raises(_MISSED):
        _PROOFS[name]()


@pytest.mark.parametrize("proof", dict.fromkeys(_PROOFS.values()), ids=lambda proof: proof.__name__.strip("_"))
def test_the_corrected_emulator_answers_as_the_reference_says(proof: Callable[[], None]) -> None:
    with emulated():
        proof()


def test_each_correction_names_the_page_that_it_restores() -> None:
    assert all(each.reference.startswith("https://docs.aws.amazon.com/") for each in corrections())
    assert set(_PROOFS) == {str(each) for each in corrections()}


def test_what_was_corrected_for_a_while_is_as_before_afterwards() -> None:
    before = [vars(each.owner).get(each.name) for each in corrections()]
    with applied():
        assert [vars(each.owner).get(each.name) for each in corrections()] != before
    assert [vars(each.owner).get(each.name) for each in corrections()] == before


def test_a_correction_that_does_not_exist_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"no correction 'EKSBackend\.fly'"), applied(without="EKSBackend.fly"):
        pass
