"""What was made is in the inventory, and what was deleted is not."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.cloud.account import Account, Unreachable
from seatrial.cloud.inventory import _LISTINGS, Difference, Thing, difference, inventory
from suites.unit.cloud.emulated import NUMBER, REGION, ROLE, cache_group, client, cluster, node_group, place, trust

if TYPE_CHECKING:
    from collections.abc import Callable

Undo = "Callable[[], object]"


def _added(account: Account, make: Callable[[], Callable[[], object]]) -> set[tuple[str, str]]:
    """Return the kinds that *make* adds, once it was seen that undoing it removes all of them."""
    before = inventory(account)
    undo = make()
    made = difference(before, inventory(account))
    assert made.removed == ()
    undo()
    left = difference(before, inventory(account))
    assert left.empty, str(left)
    return {(each.service, each.kind) for each in made.added}


def _vpc() -> Callable[[], object]:
    ec2 = client("ec2")
    where = place()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=where.vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=where.subnets[0], AllocationId=address)["NatGateway"]
    table = ec2.create_route_table(VpcId=where.vpc)["RouteTable"]["RouteTableId"]
    acl = ec2.create_network_acl(VpcId=where.vpc)["NetworkAcl"]["NetworkAclId"]
    client("logs").create_log_group(logGroupName="/flows")
    flow = ec2.create_flow_logs(
        ResourceIds=[where.vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/flows",
        DeliverLogsPermissionArn=ROLE,
    )["FlowLogIds"][0]
    endpoint = ec2.create_vpc_endpoint(VpcId=where.vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    offices = ec2.create_managed_prefix_list(PrefixListName="offices", MaxEntries=1, AddressFamily="IPv4")
    egress = ec2.create_egress_only_internet_gateway(VpcId=where.vpc)["EgressOnlyInternetGateway"]

    def undo() -> None:
        ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=egress["EgressOnlyInternetGatewayId"])
        ec2.delete_managed_prefix_list(PrefixListId=offices["PrefixList"]["PrefixListId"])
        ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
        ec2.delete_flow_logs(FlowLogIds=[flow])
        client("logs").delete_log_group(logGroupName="/flows")
        ec2.delete_network_acl(NetworkAclId=acl)
        ec2.delete_route_table(RouteTableId=table)
        ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
        ec2.release_address(AllocationId=address)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=where.vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        _leave(where.vpc)

    return undo


def _leave(vpc: str) -> None:
    """Delete a network with its subnets and groups."""
    ec2 = client("ec2")
    only = [{"Name": "vpc-id", "Values": [vpc]}]
    for each in ec2.describe_security_groups(Filters=only)["SecurityGroups"]:
        if each["GroupName"] != "default":
            ec2.delete_security_group(GroupId=each["GroupId"])
    for each in ec2.describe_subnets(Filters=only)["Subnets"]:
        ec2.delete_subnet(SubnetId=each["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)


def _cluster() -> Callable[[], object]:
    eks = client("eks")
    where = cluster()
    node_group(where)
    eks.create_addon(clusterName="fleet", addonName="coredns")

    def undo() -> None:
        eks.delete_addon(clusterName="fleet", addonName="coredns")
        eks.delete_nodegroup(clusterName="fleet", nodegroupName="system")
        eks.delete_cluster(name="fleet")
        _leave(where.vpc)

    return undo


def _roles() -> Callable[[], object]:
    iam = client("iam")
    iam.create_role(RoleName="orders", AssumeRolePolicyDocument=trust())
    policy = iam.create_policy(PolicyName="queues", PolicyDocument=trust(Effect="Allow", Action="sqs:*", Resource="*"))[
        "Policy"
    ]["Arn"]
    iam.create_instance_profile(InstanceProfileName="nodes")
    iam.create_user(UserName="somebody")
    iam.create_group(GroupName="some")
    provider = iam.create_open_id_connect_provider(
        Url="https://oidc.example.org", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["9e" * 20]
    )["OpenIDConnectProviderArn"]

    def undo() -> None:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
        iam.delete_group(GroupName="some")
        iam.delete_user(UserName="somebody")
        iam.delete_instance_profile(InstanceProfileName="nodes")
        iam.delete_policy(PolicyArn=policy)
        iam.delete_role(RoleName="orders")

    return undo


def _databases() -> Callable[[], object]:
    rds = client("rds")
    where = place()
    rds.create_db_subnet_group(DBSubnetGroupName="s", DBSubnetGroupDescription="any", SubnetIds=list(where.subnets))
    rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="any")
    rds.create_option_group(
        OptionGroupName="o", EngineName="mysql", MajorEngineVersion="5.6", OptionGroupDescription="any"
    )
    kind = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20}
    rds.create_db_instance(DBInstanceIdentifier="orders", DBSubnetGroupName="s", **kind)
    rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="kept")
    rds.create_db_cluster(
        DBClusterIdentifier="many", Engine="aurora-postgresql", MasterUsername="any", MasterUserPassword="any-password"
    )

    def undo() -> None:
        rds.delete_db_cluster(DBClusterIdentifier="many", SkipFinalSnapshot=True)
        rds.delete_db_snapshot(DBSnapshotIdentifier="kept")
        rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
        rds.delete_option_group(OptionGroupName="o")
        rds.delete_db_parameter_group(DBParameterGroupName="p")
        rds.delete_db_subnet_group(DBSubnetGroupName="s")
        _leave(where.vpc)

    return undo


def _caches() -> Callable[[], object]:
    caches = client("elasticache")
    where = cache_group()
    caches.create_cache_parameter_group(
        CacheParameterGroupName="tuned", CacheParameterGroupFamily="redis7", Description="any"
    )
    caches.create_snapshot(SnapshotName="kept", CacheClusterId="redis-001")
    caches.create_user(UserId="reader", UserName="reader", Engine="redis", AccessString="on", NoPasswordRequired=True)

    def undo() -> None:
        caches.delete_user(UserId="reader")
        caches.delete_snapshot(SnapshotName="kept")
        caches.delete_cache_parameter_group(CacheParameterGroupName="tuned")
        caches.delete_replication_group(ReplicationGroupId="redis")
        caches.delete_cache_subnet_group(CacheSubnetGroupName="caches")
        _leave(where.vpc)

    return undo


def _storage() -> Callable[[], object]:
    s3, efs, ecr = client("s3"), client("efs"), client("ecr")
    where = place()
    s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
    system = efs.create_file_system(CreationToken="any")["FileSystemId"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=where.subnets[0])["MountTargetId"]
    point = efs.create_access_point(ClientToken="any", FileSystemId=system)["AccessPointId"]
    ecr.create_repository(repositoryName="orders")

    def undo() -> None:
        ecr.delete_repository(repositoryName="orders")
        efs.delete_access_point(AccessPointId=point)
        efs.delete_mount_target(MountTargetId=target)
        efs.delete_file_system(FileSystemId=system)
        s3.delete_bucket(Bucket="uploads")
        _leave(where.vpc)

    return undo


def _secrets() -> Callable[[], object]:
    kms, manager = client("kms"), client("secretsmanager")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/fleet", TargetKeyId=key)
    manager.create_secret(Name="orders", SecretString="any")

    def undo() -> None:
        manager.delete_secret(SecretId="orders")  # it waits for its deletion then, as the key does
        kms.delete_alias(AliasName="alias/fleet")
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    return undo


def _watching() -> Callable[[], object]:
    logs, watch, sns = client("logs"), client("cloudwatch"), client("sns")
    logs.create_log_group(logGroupName="/fleet")
    metric = {"metricName": "errors", "metricNamespace": "fleet", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName="/fleet", filterName="errors", filterPattern="ERROR", metricTransformations=[metric]
    )
    watch.put_metric_alarm(
        AlarmName="busy",
        Namespace="fleet",
        MetricName="errors",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
    )
    watch.put_dashboard(DashboardName="fleet", DashboardBody='{"widgets": []}')
    topic = sns.create_topic(Name="pager")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="platform@example.org")["SubscriptionArn"]
    limit = {"Amount": "100", "Unit": "USD"}
    client("budgets").create_budget(
        AccountId=NUMBER,
        Budget={"BudgetName": "monthly", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"},
    )
    client("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")

    def undo() -> None:
        client("events").delete_rule(Name="nightly")
        client("budgets").delete_budget(AccountId=NUMBER, BudgetName="monthly")
        sns.unsubscribe(SubscriptionArn=subscription)
        sns.delete_topic(TopicArn=topic)
        watch.delete_dashboards(DashboardNames=["fleet"])
        watch.delete_alarms(AlarmNames=["busy"])
        logs.delete_metric_filter(logGroupName="/fleet", filterName="errors")
        logs.delete_log_group(logGroupName="/fleet")

    return undo


def _machines() -> Callable[[], object]:
    ec2 = client("ec2")
    where = place()
    image = ec2.register_image(Name="any")["ImageId"]
    started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=where.subnets[0])["Instances"][0]
    pair = ec2.create_key_pair(KeyName="mine")["KeyName"]
    template = ec2.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData={"ImageId": image})
    of = template["LaunchTemplate"]["LaunchTemplateId"]
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="nodes",
        MinSize=0,
        MaxSize=0,
        LaunchTemplate={"LaunchTemplateId": of},
        VPCZoneIdentifier=where.subnets[0],
    )

    def undo() -> None:
        client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="nodes")
        ec2.delete_launch_template(LaunchTemplateId=of)
        ec2.delete_key_pair(KeyName=pair)
        ec2.terminate_instances(InstanceIds=[started["InstanceId"]])
        for each in started["NetworkInterfaces"]:  # which moto leaves behind
            ec2.delete_network_interface(NetworkInterfaceId=each["NetworkInterfaceId"])
        ec2.deregister_image(ImageId=image)
        _leave(where.vpc)

    return undo


def _functions() -> Callable[[], object]:
    iam, functions, tables, queues = client("iam"), client("lambda"), client("dynamodb"), client("sqs")
    role = iam.create_role(RoleName="rotates", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "")
    functions.create_function(
        FunctionName="rotate", Runtime="python3.12", Role=role, Handler="main.handle", Code={"ZipFile": code.getvalue()}
    )
    attribute: Any = {"AttributeName": "LockID"}
    tables.create_table(
        TableName="locks",
        KeySchema=[{**attribute, "KeyType": "HASH"}],
        AttributeDefinitions=[{**attribute, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue = queues.create_queue(QueueName="orders")["QueueUrl"]

    def undo() -> None:
        queues.delete_queue(QueueUrl=queue)
        tables.delete_table(TableName="locks")
        functions.delete_function(FunctionName="rotate")
        iam.delete_role(RoleName="rotates")

    return undo


_NETWORK = {("ec2", kind) for kind in ("vpc", "subnet", "route table", "network ACL", "security group")}
_WATCHED = {("logs", "log group"), ("logs", "metric filter"), ("cloudwatch", "alarm"), ("cloudwatch", "dashboard")}
_KINDS: list[tuple[Callable[[], Callable[[], object]], set[tuple[str, str]]]] = [
    (
        _vpc,
        {("logs", "log group")}
        | _NETWORK
        | {
            ("ec2", kind)
            for kind in (
                "internet gateway",
                "NAT gateway",
                "address",
                "network interface",
                "flow log",
                "VPC endpoint",
                "prefix list",
                "egress-only gateway",
            )
        },
    ),
    (_cluster, _NETWORK | {("eks", kind) for kind in ("cluster", "node group", "add-on")}),
    (_roles, {("iam", kind) for kind in ("role", "policy", "instance profile", "user", "group", "OIDC provider")}),
    (
        _databases,
        _NETWORK
        | {
            ("rds", kind)
            for kind in ("instance", "cluster", "subnet group", "parameter group", "option group", "snapshot")
        },
    ),
    (
        _caches,
        _NETWORK
        | {
            ("elasticache", kind)
            for kind in ("cluster", "replication group", "subnet group", "parameter group", "snapshot", "user")
        },
    ),
    (
        _storage,
        _NETWORK
        | {("ec2", "network interface"), ("s3", "bucket"), ("ecr", "repository")}
        | {("efs", kind) for kind in ("file system", "mount target", "access point")},
    ),
    (_secrets, {("kms", "key"), ("kms", "alias"), ("secretsmanager", "secret")}),
    (
        _watching,
        _WATCHED | {("sns", "topic"), ("sns", "subscription")} | {("budgets", "budget"), ("events", "rule")},
    ),
    (
        _machines,
        _NETWORK
        | {("ec2", kind) for kind in ("instance", "volume", "network interface", "key pair", "launch template")}
        | {("autoscaling", "group")},
    ),
    (_functions, {("iam", "role"), ("lambda", "function"), ("dynamodb", "table"), ("sqs", "queue")}),
]


@pytest.mark.parametrize(("make", "kinds"), _KINDS, ids=lambda each: str(getattr(each, "__name__", "")).strip("_"))
def test_what_was_made_is_seen_and_what_was_deleted_is_not(
    account: Account, make: Callable[[], Callable[[], object]], kinds: set[tuple[str, str]]
) -> None:
    assert _added(account, make) == kinds


def test_each_kind_was_seen_to_come_and_go() -> None:
    seen = set().union(*(kinds for _, kinds in _KINDS))
    unmade = {("cloudwatch", "composite alarm")}  # the emulator cannot make one
    assert {(each.service, each.kind) for each in _LISTINGS} - seen == unmade


def test_what_aws_makes_and_nobody_can_delete_does_not_count(account: Account) -> None:
    before = inventory(account)
    client("iam").create_service_linked_role(AWSServiceName="eks.amazonaws.com")
    client("rds").create_db_instance(
        DBInstanceIdentifier="orders", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20
    )
    client("kms").describe_key(KeyId="alias/aws/s3")
    made = difference(before, inventory(account)).added
    # The snapshot is the instance's own, and goes with it.
    assert [(each.service, each.kind) for each in made] == [("rds", "instance"), ("rds", "snapshot")]
    assert not any("alias/aws/" in each.identity for each in before)


def test_filters_of_the_same_name_are_told_apart(account: Account) -> None:
    logs = client("logs")
    metric = {"metricName": "errors", "metricNamespace": "fleet", "metricValue": "1"}
    for group in ("/one", "/other"):
        logs.create_log_group(logGroupName=group)
        logs.put_metric_filter(
            logGroupName=group, filterName="errors", filterPattern="ERROR", metricTransformations=[metric]
        )
    seen = {each.identity for each in inventory(account) if each.kind == "metric filter"}
    assert seen == {"/one/errors", "/other/errors"}


def test_a_service_that_does_not_answer_is_not_one_that_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # between attempts
    nobody = Account(REGION, endpoint="http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"got no answer from eu-central-1 at http://127\.0\.0\.1:9"):
        inventory(nobody)


def test_a_difference_is_told_line_by_line() -> None:
    kept, came, went = (Thing("s3", "bucket", name) for name in ("kept", "came", "went"))
    told = difference([kept, went], [kept, came])
    assert told == Difference((came,), (went,))
    assert str(told) == "+ s3 bucket came\n- s3 bucket went"
    assert not told.empty
    assert str(difference([kept], [kept])) == "no difference"
    assert json.dumps([str(kept)]) == '["s3 bucket kept"]'
