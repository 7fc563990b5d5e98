"""Changes by hand, behind the code's back, and how they are taken back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from seatrial.cloud.platform import Platform


@contextmanager
def _internet_let_in(platform: Platform) -> Iterator[None]:
    rule = {
        "GroupId": platform.outputs["security_group_ids"]["database"],
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ],
    }
    platform.account.ask("ec2", "authorize_security_group_ingress", **rule)
    try:
        yield
    finally:
        platform.account.ask("ec2", "revoke_security_group_ingress", **rule)


@contextmanager
def _versions_stopped(platform: Platform) -> Iterator[None]:
    bucket = platform.outputs["bucket_names"]["uploads"]

    def keep(status: str) -> None:
        platform.account.ask("s3", "put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": status})

    keep("Suspended")
    try:
        yield
    finally:
        keep("Enabled")


@dataclass(frozen=True)
class Meddling:
    """One change by hand: how it is *done* and undone, and the address of the resource that it changes.

    *beside* are the addresses of others that show the same change.
    """

    done: Callable[[Platform], AbstractContextManager[None]]
    address: str
    beside: tuple[str, ...] = ()


MEDDLINGS: Mapping[str, Meddling] = {
    "let the whole internet in to the database": Meddling(
        _internet_let_in, "module.platform.module.database.aws_security_group.this"
    ),
    "stopped the uploads from keeping versions": Meddling(
        _versions_stopped,
        'module.platform.module.storage.aws_s3_bucket_versioning.this["uploads"]',
        beside=('module.platform.module.storage.aws_s3_bucket.this["uploads"]',),
    ),
}
