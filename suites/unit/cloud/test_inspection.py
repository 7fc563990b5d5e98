"""What exists is told in the field's words, and what is missing by name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from seatrial.cloud import inspection
from seatrial.cloud.account import Answer, NotFound
from seatrial.cloud.inspection import Taint
from seatrial.cloud.inspection.secrecy import _secret
from seatrial.cloud.network import network
from suites.unit.cloud.emulated import NUMBER, REGION, ROLE, cache_group, client, cluster, node_group, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.cloud.account import Account


def test_a_cluster(account: Account) -> None:
    eks = client("eks")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    where = place()
    eks.create_cluster(
        name="fleet",
        version="1.31",
        roleArn=ROLE,
        resourcesVpcConfig={
            "subnetIds": list(where.subnets),
            "securityGroupIds": [where.group],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": True,
            "publicAccessCidrs": ["203.0.113.0/24"],
        },
        logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}],
    )
    node_group(
        where,
        instanceTypes=["t3.medium"],
        labels={"tier": "system"},
        taints=[{"key": "CriticalAddonsOnly", "value": "true", "effect": "NO_SCHEDULE"}],
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2},
    )
    eks.create_addon(clusterName="fleet", addonName="coredns")
    seen = inspection.eks_cluster(account, "fleet")
    assert seen.minor == (1, 31)
    assert seen.minor >= (1, 28)
    assert (seen.vpc, seen.subnets) == (where.vpc, where.subnets)
    assert where.group in seen.security_groups
    assert len(seen.security_groups) == 2
    assert (seen.private, seen.public, seen.public_from) == (True, True, ("203.0.113.0/24",))
    assert not seen.open_to_the_world
    assert seen.log_types == {"api", "audit"}
    assert seen.secrets_encrypted
    assert seen.secrets_key == key
    assert seen.issuer.startswith(f"https://oidc.eks.{REGION}.amazonaws.com/id/")
    system = seen.node_group("system")
    assert (system.minimum, system.desired, system.maximum) == (1, 2, 3)
    assert (system.instance_types, system.labels) == (("t3.medium",), {"tier": "system"})
    assert system.taints == (Taint("CriticalAddonsOnly", "true", "NoSchedule"),)
    assert str(system.taints[0]) == "CriticalAddonsOnly=true:NoSchedule"
    assert not system.remote_access
    assert seen.add_on("coredns").active
    with pytest.raises(NotFound, match=rf"the node group other of fleet \(node groups: system\).* in {REGION} at AWS"):
        seen.node_group("other")
    with pytest.raises(NotFound, match=r"the add-on vpc-cni of fleet \(add-ons: coredns\)"):
        seen.add_on("vpc-cni")


def test_a_cluster_that_nobody_secured(account: Account) -> None:
    cluster()
    seen = inspection.eks_cluster(account, "fleet")
    assert seen.open_to_the_world
    assert not seen.secrets_encrypted
    assert seen.log_types == frozenset()
    assert (seen.node_groups, seen.add_ons) == ((), ())


def test_whose_tokens_the_account_believes(account: Account) -> None:
    issuer = f"https://oidc.eks.{REGION}.amazonaws.com/id/ABC"
    with pytest.raises(NotFound, match=f"an OpenID Connect provider for {issuer}"):
        inspection.oidc_provider(account, issuer)
    client("iam").create_open_id_connect_provider(
        Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
    )
    assert inspection.oidc_provider(account, issuer).audiences == ("sts.amazonaws.com",)


def _database(name: str, **wishes: object) -> None:
    client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="orders",
        **wishes,
    )


def test_a_database(account: Account) -> None:
    rds = client("rds")
    where = place()
    for subnet in where.subnets:
        client("ec2").create_tags(Resources=[subnet], Tags=[{"Key": "Tier", "Value": "database"}])
    rds.create_db_subnet_group(
        DBSubnetGroupName="stores", DBSubnetGroupDescription="any", SubnetIds=list(where.subnets)
    )
    rds.create_db_parameter_group(DBParameterGroupName="tls", DBParameterGroupFamily="postgres16", Description="any")
    forced = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="tls", Parameters=[forced])
    _database(
        "orders",
        MultiAZ=True,
        StorageEncrypted=True,
        BackupRetentionPeriod=7,
        PubliclyAccessible=False,
        DeletionProtection=True,
        VpcSecurityGroupIds=[where.group],
        DBSubnetGroupName="stores",
        DBParameterGroupName="tls",
        ManageMasterUserPassword=True,
        EnableCloudwatchLogsExports=["postgresql"],
        EnableIAMDatabaseAuthentication=True,
    )
    seen = inspection.database(account, "orders")
    assert seen == inspection.databases(account)[0]
    assert seen.multi_az
    assert seen.encrypted
    assert seen.backups == timedelta(days=7)
    assert not seen.public
    assert seen.deletion_protected
    assert seen.security_groups == (where.group,)
    assert seen.tiers(network(account)) == {"database"}
    assert seen.zones == {f"{REGION}a", f"{REGION}c"}
    assert seen.tls_required
    assert seen.password_managed
    assert seen.iam_login
    assert (seen.engine, seen.port, seen.logs) == ("postgres", 5432, ("postgresql",))


def test_a_database_that_nobody_secured(account: Account) -> None:
    _database("orders", PubliclyAccessible=True, MasterUserPassword="known-to-all", BackupRetentionPeriod=0)
    seen = inspection.database(account, "orders")
    assert seen.public
    kept = (seen.multi_az, seen.encrypted, seen.deletion_protected, seen.tls_required, seen.password_managed)
    assert kept == (False,) * 5
    assert seen.backups == timedelta(0)


def test_a_cache(account: Account) -> None:
    where = cache_group(
        TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        AuthToken="long-enough-for-redis",
        SnapshotRetentionLimit=3,
    )
    seen = inspection.cache(account, "redis")
    assert seen == inspection.caches(account)[0]
    assert seen.nodes == ("redis-001", "redis-002")
    assert seen.zones == {f"{REGION}a", f"{REGION}c"}
    assert (seen.automatic_failover, seen.multi_az) == (True, True)
    assert (seen.encrypted_at_rest, seen.encrypted_in_transit, seen.authenticated) == (True, True, True)
    assert (seen.engine, seen.version, seen.port, seen.snapshots) == ("redis", "7.1", 6379, timedelta(days=3))
    assert (set(seen.subnets), seen.security_groups) == (set(where.subnets), (where.group,))
    assert seen.tiers(network(account)) == {""}


def test_a_cache_that_nobody_secured(account: Account) -> None:
    cache_group()
    seen = inspection.cache(account, "redis")
    secured = (seen.encrypted_at_rest, seen.encrypted_in_transit, seen.authenticated, seen.automatic_failover)
    assert secured == (False,) * 4


def _bucket(name: str) -> None:
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def _deny_without_tls(name: str, **changes: object) -> str:
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": {**statement, **changes}})


def test_a_bucket(account: Account) -> None:
    s3 = client("s3")
    _bucket("uploads")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    by_key = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="uploads", ServerSideEncryptionConfiguration={"Rules": [by_key]})
    s3.put_bucket_policy(Bucket="uploads", Policy=_deny_without_tls("uploads"))
    rule = {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 90},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "Transitions": [{"Days": 60, "StorageClass": "STANDARD_IA"}],
    }
    s3.put_bucket_lifecycle_configuration(Bucket="uploads", LifecycleConfiguration={"Rules": [rule]})
    seen = inspection.bucket(account, "uploads")
    assert inspection.buckets(account) == ("uploads",)
    assert seen.region == REGION
    assert seen.versioned
    assert (seen.encrypted, seen.algorithm, seen.key) == (True, "aws:kms", key)
    assert seen.public_access_blocked
    assert seen.tls_only
    assert not seen.open_to_everybody
    assert seen.ownership == "BucketOwnerEnforced"
    (tidy,) = seen.lifecycle
    assert (tidy.enabled, tidy.prefix, tidy.expire) == (True, "tmp/", timedelta(days=90))
    assert (tidy.expire_old_versions, tidy.abort_uploads) == (timedelta(days=30), timedelta(days=7))
    assert tidy.move == {"STANDARD_IA": timedelta(days=60)}


def test_a_bucket_that_nobody_secured(account: Account) -> None:
    s3 = client("s3")
    _bucket("open")
    s3.delete_public_access_block(Bucket="open")
    everybody = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::open/*",
    }
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps({"Statement": [everybody]}))
    seen = inspection.bucket(account, "open")
    assert not seen.public_access_blocked
    assert seen.open_to_everybody
    assert not seen.tls_only
    assert not seen.versioned
    assert seen.lifecycle == ()


@pytest.mark.parametrize(
    "opened", ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
)
def test_three_blocks_of_four_do_not_block_public_access(account: Account, opened: str) -> None:
    _bucket("uploads")
    blocks = inspection.bucket(account, "uploads").blocks
    client("s3").put_public_access_block(Bucket="uploads", PublicAccessBlockConfiguration={**blocks, opened: False})
    seen = inspection.bucket(account, "uploads")
    assert [name for name, on in seen.blocks.items() if not on] == [opened]
    assert not seen.public_access_blocked


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": ROLE}},
        {"Action": "s3:GetObject"},
        {"NotAction": "s3:GetObject"},
        {"Resource": ["arn:aws:s3:::uploads/*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {}},
    ],
    ids=json.dumps,
)
def test_a_policy_that_leaves_something_open_is_not_tls_only(account: Account, change: dict[str, object]) -> None:
    _bucket("uploads")
    client("s3").put_bucket_policy(Bucket="uploads", Policy=_deny_without_tls("uploads", **change))
    assert not inspection.bucket(account, "uploads").tls_only


def test_a_file_system(account: Account) -> None:
    efs = client("efs")
    where = place()
    made = efs.create_file_system(
        CreationToken="any", Encrypted=True, Backup=True, Tags=[{"Key": "Name", "Value": "media"}]
    )["FileSystemId"]
    for subnet in where.subnets:
        efs.create_mount_target(FileSystemId=made, SubnetId=subnet, SecurityGroups=[where.group])
    efs.create_access_point(
        ClientToken="any",
        FileSystemId=made,
        PosixUser={"Uid": 1000, "Gid": 1001},
        RootDirectory={"Path": "/media"},
    )
    seen = inspection.file_system(account, made)
    assert seen == inspection.file_systems(account)[0]
    assert (seen.name, seen.encrypted, seen.backed_up) == ("media", True, True)
    assert seen.zones == {f"{REGION}a", f"{REGION}c"}
    assert seen.security_groups == {where.group}
    (point,) = seen.access_points
    assert (point.path, point.uid, point.gid) == ("/media", 1000, 1001)
    bare = efs.create_file_system(CreationToken="bare", Backup=False)["FileSystemId"]
    plain = inspection.file_system(account, bare)
    assert (plain.encrypted, plain.backed_up, plain.zones, plain.access_points) == (False, False, frozenset(), ())


def test_a_repository(account: Account) -> None:
    ecr = client("ecr")
    ecr.create_repository(
        repositoryName="orders", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True}
    )
    ecr.create_repository(repositoryName="loose")
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
    rules = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    ecr.put_lifecycle_policy(repositoryName="orders", lifecyclePolicyText=json.dumps(rules))
    orders, loose = inspection.repository(account, "orders"), inspection.repository(account, "loose")
    assert set(inspection.repositories(account)) == {orders, loose}
    assert (orders.immutable, orders.scan_on_push, orders.expires) == (True, True, True)
    assert (orders.expiry[0].what, orders.expiry[0].count) == ("untagged", 14)
    assert (loose.immutable, loose.scan_on_push, loose.expires) == (False, False, False)


def test_a_secret_and_its_key(account: Account) -> None:
    kms, manager = client("kms"), client("secretsmanager")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/fleet", TargetKeyId=arn)
    made = manager.create_secret(Name="fleet/orders", KmsKeyId=arn, SecretString="any")["ARN"]
    seen = inspection.secret(account, "fleet/orders")
    assert (seen.arn, seen.key, seen.rotates, seen.deleted) == (made, arn, False, False)
    assert inspection.secrets(account, "fleet/") == (seen,)
    assert inspection.secrets(account, "other/") == ()
    key = inspection.key(account, "alias/fleet")
    assert key == inspection.key(account, arn)
    assert (key.aliases, key.enabled, key.customer, key.rotates) == (("alias/fleet",), True, True, False)
    assert not any(who.everybody for each in key.policy.statements for who in each.principals)
    kms.enable_key_rotation(KeyId=arn)
    assert inspection.key(account, arn).rotates


def test_a_secret_that_is_replaced_by_itself() -> None:
    told = {"RotationEnabled": True, "RotationRules": {"AutomaticallyAfterDays": 30}, "RotationLambdaARN": "arn"}
    seen = _secret(Answer(told))
    assert (seen.rotates, seen.rotation, seen.rotated_by) == (True, timedelta(days=30), "arn")


def test_log_groups_alarms_and_who_is_told(account: Account) -> None:
    logs, watch, sns = client("logs"), client("cloudwatch"), client("sns")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    logs.create_log_group(logGroupName="/fleet", kmsKeyId=key)
    logs.put_retention_policy(logGroupName="/fleet", retentionInDays=30)
    logs.create_log_group(logGroupName="/fleet/for-ever")
    group = inspection.log_group(account, "/fleet")
    assert (group.retention, group.encrypted) == (timedelta(days=30), True)
    kept = inspection.log_group(account, "/fleet/for-ever")
    assert (kept.retention, kept.encrypted) == (None, False)
    assert inspection.log_groups(account, "/fleet") == (group, kept)
    with pytest.raises(NotFound, match="the log group /fle "):
        inspection.log_group(account, "/fle")
    arn = sns.create_topic(Name="pager", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="platform@example.org")
    topic = inspection.topic(account, arn)
    assert (topic.encrypted, topic.subscribers) == (True, ("email:platform@example.org",))
    watch.put_metric_alarm(
        AlarmName="busy",
        Namespace="AWS/RDS",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "orders"}],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=80.5,
        EvaluationPeriods=2,
        Period=300,
        Statistic="Average",
        AlarmActions=[arn],
    )
    alarm = inspection.alarm(account, "busy")
    assert inspection.alarms(account) == (alarm,)
    with pytest.raises(NotFound, match="the alarm bus "):
        inspection.alarm(account, "bus")
    assert (alarm.namespace, alarm.metric, alarm.threshold, alarm.periods) == ("AWS/RDS", "CPUUtilization", 80.5, 2)
    assert alarm.dimensions == {"DBInstanceIdentifier": "orders"}
    assert alarm.heard
    assert not replace(alarm, actions=()).heard
    watch.disable_alarm_actions(AlarmNames=["busy"])
    assert not inspection.alarm(account, "busy").heard


def test_a_budget(account: Account) -> None:
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    reader = {"SubscriptionType": "EMAIL", "Address": "platform@example.org"}
    client("budgets").create_budget(
        AccountId=NUMBER,
        Budget={
            "BudgetName": "monthly",
            "BudgetLimit": {"Amount": "99.5", "Unit": "USD"},
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        },
        NotificationsWithSubscribers=[{"Notification": notification, "Subscribers": [reader]}],
    )
    seen = inspection.budget(account, "monthly")
    assert (seen.limit, seen.currency, seen.period, seen.kind) == (Decimal("99.5"), "USD", "MONTHLY", "COST")
    (told,) = seen.notifications
    assert (told.threshold, told.absolute, told.actual) == (80.0, False, True)
    assert told.subscribers == ("platform@example.org",)
    assert seen.heard
    assert not replace(seen, notifications=(replace(told, subscribers=()),)).heard


_MISSING: list[tuple[Callable[[Account, str], object], str]] = [
    (inspection.eks_cluster, "the cluster none"),
    (inspection.database, "the database none"),
    (inspection.cache, "the cache none"),
    (inspection.bucket, "the bucket none"),
    (inspection.file_system, "the file system none"),
    (inspection.repository, "the repository none"),
    (inspection.secret, "the secret none"),
    (inspection.key, "the key none"),
    (inspection.log_group, "the log group none"),
    (inspection.alarm, "the alarm none"),
    (inspection.budget, "the budget none"),
    (inspection.role, "the role none"),
]


@pytest.mark.parametrize(("look", "what"), _MISSING, ids=lambda each: str(getattr(each, "__name__", each)))
def test_what_is_missing_is_named_with_where_it_was_looked_for(
    account: Account, look: Callable[[Account, str], object], what: str
) -> None:
    with pytest.raises(NotFound, match=f"^{what} does not exist in {REGION} at AWS$"):
        look(account, "none")
