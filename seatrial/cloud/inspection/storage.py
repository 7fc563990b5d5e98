"""Buckets and file systems, as S3 and EFS tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cloud.account import Account, Answer, NotFound
from seatrial.cloud.inspection.policies import Policy, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True)
class LifecycleRule:
    """What becomes of objects after a while; None for what the rule says nothing of."""

    name: str
    enabled: bool
    prefix: str
    expire: timedelta | None
    expire_old_versions: timedelta | None
    abort_uploads: timedelta | None
    move: Mapping[str, timedelta]


@dataclass(frozen=True)
class Bucket:
    """A bucket. *blocks* says of each of the four blocks of public access whether it is on."""

    name: str
    region: str
    versioned: bool
    algorithm: str
    key: str
    blocks: Mapping[str, bool]
    policy: Policy
    lifecycle: tuple[LifecycleRule, ...]
    ownership: str

    @property
    def encrypted(self) -> bool:
        """Whether objects are encrypted unless somebody asks for something else."""
        return bool(self.algorithm)

    @property
    def public_access_blocked(self) -> bool:
        """Whether all four blocks are on."""
        return all(self.blocks.get(each, False) for each in _BLOCKS)

    @property
    def tls_only(self) -> bool:
        """Whether its policy denies everybody everything that does not come by TLS.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html (HTTP or HTTPS)
        """
        both = {f"arn:aws:s3:::{self.name}", f"arn:aws:s3:::{self.name}/*"}
        return any(
            not each.allows
            and any(who.everybody for who in each.principals)
            and bool({"*", "s3:*"} & set(each.actions))
            and both <= set(each.resources)
            and not each.all_but
            and [(test.operator.lower(), test.key.lower(), test.values) for test in each.conditions]
            == [("bool", "aws:securetransport", ("false",))]
            for each in self.policy.statements
        )

    @property
    def open_to_everybody(self) -> bool:
        """Whether its policy allows everybody something unconditionally, which counts once it is not blocked."""
        return any(
            each.allows and any(who.everybody for who in each.principals) and not each.conditions
            for each in self.policy.statements
        )


def bucket(account: Account, name: str) -> Bucket:
    """Return the bucket of a name; raises NotFound."""
    account.find(f"the bucket {name}", "s3", "head_bucket", Bucket=name)
    empty = Answer({})
    encryption = account.look("s3", "get_bucket_encryption", Bucket=name) or empty
    rules = encryption.parts("ServerSideEncryptionConfiguration.Rules")
    default = rules[0].part("ApplyServerSideEncryptionByDefault") if rules else empty
    blocks = account.look("s3", "get_public_access_block", Bucket=name) or empty
    policy = account.look("s3", "get_bucket_policy", Bucket=name) or empty
    lifecycle = account.look("s3", "get_bucket_lifecycle_configuration", Bucket=name) or empty
    owner = (account.look("s3", "get_bucket_ownership_controls", Bucket=name) or empty).parts("OwnershipControls.Rules")
    return Bucket(
        name=name,
        # The first region of all has no name here.
        region=account.ask("s3", "get_bucket_location", Bucket=name).text("LocationConstraint") or "us-east-1",
        versioned=account.ask("s3", "get_bucket_versioning", Bucket=name).text("Status") == "Enabled",
        algorithm=default.text("SSEAlgorithm"),
        key=default.text("KMSMasterKeyID"),
        blocks={each: blocks.flag(f"PublicAccessBlockConfiguration.{each}") for each in _BLOCKS},
        policy=parse(f"policy of {name}", policy.document("Policy")),
        lifecycle=tuple(_lifecycle_rule(each) for each in lifecycle.parts("Rules")),
        ownership=owner[0].text("ObjectOwnership") if owner else "",
    )


def buckets(account: Account) -> tuple[str, ...]:
    """Return the names of all buckets, of which there may be none."""
    return tuple(each.text("Name") for each in account.every("s3", "list_buckets", "Buckets"))


def _lifecycle_rule(told: Answer) -> LifecycleRule:
    return LifecycleRule(
        name=told.text("ID"),
        enabled=told.text("Status") == "Enabled",
        prefix=told.text("Filter.Prefix") or told.text("Filter.And.Prefix") or told.text("Prefix"),
        expire=_days(told, "Expiration.Days"),
        expire_old_versions=_days(told, "NoncurrentVersionExpiration.NoncurrentDays"),
        abort_uploads=_days(told, "AbortIncompleteMultipartUpload.DaysAfterInitiation"),
        move={
            each.text("StorageClass"): timedelta(days=each.number("Days") or 0) for each in told.parts("Transitions")
        },
    )


def _days(told: Answer, path: str) -> timedelta | None:
    number = told.number(path)
    return None if number is None else timedelta(days=number)


@dataclass(frozen=True)
class MountTarget:
    """Where a file system can be mounted from: one network interface in one zone."""

    zone: str
    subnet: str
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class AccessPoint:
    """A way into a file system that starts at *path* and makes everybody the user *uid* and the group *gid*."""

    identity: str
    path: str
    uid: int | None
    gid: int | None


@dataclass(frozen=True)
class FileSystem:
    """A file system."""

    identity: str
    name: str
    encrypted: bool
    key: str
    mount_targets: tuple[MountTarget, ...]
    access_points: tuple[AccessPoint, ...]
    backed_up: bool
    policy: Policy

    @property
    def zones(self) -> frozenset[str]:
        """The zones that it can be mounted from."""
        return frozenset(each.zone for each in self.mount_targets)

    @property
    def security_groups(self) -> frozenset[str]:
        """The security groups that its mount targets are in."""
        return frozenset(group for each in self.mount_targets for group in each.security_groups)


def file_system(account: Account, identity: str) -> FileSystem:
    """Return the file system of an identity; raises NotFound."""
    told = account.find(f"the file system {identity}", "efs", "describe_file_systems", FileSystemId=identity)
    found = told.parts("FileSystems")
    if not found:
        raise NotFound(f"the file system {identity}", str(account))
    return _file_system(account, found[0])


def file_systems(account: Account) -> tuple[FileSystem, ...]:
    """Return all file systems, of which there may be none."""
    return tuple(_file_system(account, each) for each in account.every("efs", "describe_file_systems", "FileSystems"))


def _file_system(account: Account, told: Answer) -> FileSystem:
    identity = told.text("FileSystemId")
    targets = account.every("efs", "describe_mount_targets", "MountTargets", FileSystemId=identity)
    points = account.every("efs", "describe_access_points", "AccessPoints", FileSystemId=identity)
    backups = account.look("efs", "describe_backup_policy", FileSystemId=identity) or Answer({})
    policy = account.look("efs", "describe_file_system_policy", FileSystemId=identity) or Answer({})
    return FileSystem(
        identity=identity,
        name=told.text("Name") or told.tags().get("Name", ""),
        encrypted=told.flag("Encrypted"),
        key=told.text("KmsKeyId"),
        mount_targets=tuple(
            MountTarget(
                zone=each.text("AvailabilityZoneName"),
                subnet=each.text("SubnetId"),
                security_groups=account.names(
                    "efs",
                    "describe_mount_target_security_groups",
                    "SecurityGroups",
                    MountTargetId=each.text("MountTargetId"),
                ),
            )
            for each in targets
        ),
        access_points=tuple(
            AccessPoint(
                identity=each.text("AccessPointId"),
                path=each.text("RootDirectory.Path"),
                uid=each.number("PosixUser.Uid"),
                gid=each.number("PosixUser.Gid"),
            )
            for each in points
        ),
        backed_up=backups.text("BackupPolicy.Status") == "ENABLED",
        policy=parse(f"policy of {identity}", policy.document("Policy")),
    )
