"""A database, as RDS tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cloud.account import Account, Answer, NotFound

if TYPE_CHECKING:
    from seatrial.cloud.network import Network


@dataclass(frozen=True)
class Database:
    """A database instance. *backups* is how long they are kept, no time at all if none are made."""

    name: str
    engine: str
    version: str
    instance_class: str
    status: str
    multi_az: bool
    encrypted: bool
    key: str
    backups: timedelta
    public: bool
    deletion_protected: bool
    security_groups: tuple[str, ...]
    subnets: tuple[str, ...]
    zones: frozenset[str]
    port: int
    logs: tuple[str, ...]
    iam_login: bool
    password_managed: bool
    tls_required: bool

    def tiers(self, network: Network) -> frozenset[str]:
        """Return the tiers of the subnets that it may lie in; raises NotFound for one that is not in *network*."""
        return frozenset(network.subnet(each).tier for each in self.subnets)


def database(account: Account, name: str) -> Database:
    """Return the database of a name; raises NotFound."""
    told = account.find(f"the database {name}", "rds", "describe_db_instances", DBInstanceIdentifier=name)
    found = told.parts("DBInstances")
    if not found:
        raise NotFound(f"the database {name}", str(account))
    return _database(account, found[0])


def databases(account: Account) -> tuple[Database, ...]:
    """Return all databases, of which there may be none."""
    return tuple(_database(account, each) for each in account.every("rds", "describe_db_instances", "DBInstances"))


def _database(account: Account, told: Answer) -> Database:
    subnets = told.parts("DBSubnetGroup.Subnets")
    groups = [each.text("DBParameterGroupName") for each in told.parts("DBParameterGroups")]
    return Database(
        name=told.text("DBInstanceIdentifier"),
        engine=told.text("Engine"),
        version=told.text("EngineVersion"),
        instance_class=told.text("DBInstanceClass"),
        status=told.text("DBInstanceStatus"),
        multi_az=told.flag("MultiAZ"),
        encrypted=told.flag("StorageEncrypted"),
        key=told.text("KmsKeyId"),
        backups=timedelta(days=told.number("BackupRetentionPeriod") or 0),
        public=told.flag("PubliclyAccessible"),
        deletion_protected=told.flag("DeletionProtection"),
        security_groups=tuple(each.text("VpcSecurityGroupId") for each in told.parts("VpcSecurityGroups")),
        subnets=tuple(each.text("SubnetIdentifier") for each in subnets),
        zones=frozenset(each.text("SubnetAvailabilityZone.Name") for each in subnets),
        port=told.number("Endpoint.Port") or 0,
        logs=told.texts("EnabledCloudwatchLogsExports"),
        iam_login=told.flag("IAMDatabaseAuthenticationEnabled"),
        password_managed=bool(told.text("MasterUserSecret.SecretArn")),
        tls_required=any(_requires_tls(account, each) for each in groups),
    )


def _requires_tls(account: Account, group: str) -> bool:
    """Return whether a parameter group turns ``rds.force_ssl`` on.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    try:
        parameters = account.every("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=group)
    except NotFound:  # the emulator does not know the parameter groups that engines come with
        return False
    return any(
        each.text("ParameterName") == "rds.force_ssl" and each.text("ParameterValue") == "1" for each in parameters
    )
