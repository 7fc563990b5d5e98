"""An account that stands on an emulator by itself: what is in it, whom it believes, and what each role may do.

Two files say so. One is written by hand and names buckets, groups of logs and roles::

    {"region": "eu-central-1",
     "buckets": {"uploads": {"Rules": [...]}},
     "log_groups": {"/shop": 7},
     "roles": {"gateway": {"trusts": "shop/gateway", "policy": {"Version": "2012-10-17", "Statement": [...]}}}}

a bucket with its lifecycle as PutBucketLifecycleConfiguration takes it, a group with the days that its entries are
kept, a role with the one service account that it trusts. The other comes from a cluster and says who issues its tokens,
and with which keys: ``{"issuer": "https://...", "keys": [...]}``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from seatrial.cloud.corrections.sts import trust_issuer
from seatrial.cloud.inspection.roles import AUDIENCE, ServiceAccount, trust_document
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PARTITION = "aws"
# Of the issuer's certificate: asked for, and not looked at where the issuer's keys are known.
_THUMBPRINT = "0" * 40


@dataclass(frozen=True)
class Issuer:
    """Who issues the tokens of a cluster, and the keys of its JWK set."""

    name: str
    keys: tuple[Mapping[str, str], ...]

    @classmethod
    def read(cls, file: Path) -> Issuer:
        """Read it from *file*; raises UsageError."""
        told = _read(file)
        try:
            issuer = cls(str(told["issuer"]), tuple(dict(each) for each in told["keys"]))
        except (KeyError, TypeError, ValueError) as wrong:
            raise UsageError(f"{file} names no issuer or no keys: it holds an object with issuer and keys.") from wrong
        if not issuer.name.startswith("https://") or not issuer.keys:
            raise UsageError(
                f"{file} names {issuer.name!r} with {len(issuer.keys)} keys: an issuer is https://, with some."
            )
        return issuer


@dataclass(frozen=True)
class GivenRole:
    """A role that trusts one service account, and the policy that says what it may do."""

    name: str
    trusts: ServiceAccount
    policy: str


@dataclass(frozen=True)
class StandingAccount:
    """What is in the account; a bucket with the rules of its lifecycle, a group of logs with its days."""

    region: str
    buckets: Mapping[str, tuple[Mapping[str, Any], ...]]
    log_groups: Mapping[str, int]
    roles: tuple[GivenRole, ...]

    @classmethod
    def read(cls, file: Path) -> StandingAccount:
        """Read it from *file*; raises UsageError."""
        told = _read(file)
        try:
            roles = (
                GivenRole(name, ServiceAccount(*each["trusts"].split("/")), json.dumps(each["policy"]))
                for name, each in told["roles"].items()
            )
            return cls(
                str(told["region"]),
                {name: tuple(each["Rules"]) for name, each in told["buckets"].items()},
                {name: int(days) for name, days in told["log_groups"].items()},
                tuple(roles),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise UsageError(
                f"{file} describes no account: {wrong!r}; it names region, buckets, log_groups and roles."
            ) from wrong

    def build(self, issuer: Issuer) -> None:
        """Put all of it into the emulator of this process, which believes tokens of *issuer* from now on."""
        trust_issuer(issuer.name, issuer.keys)
        identities = iam_backends[DEFAULT_ACCOUNT_ID][_PARTITION]
        provider = identities.create_open_id_connect_provider(issuer.name, [_THUMBPRINT], [AUDIENCE], [])
        for role in self.roles:
            trust = trust_document(provider.arn, issuer.name, role.trusts)
            identities.create_role(role.name, trust, "/", None, "", [], None)
            identities.put_role_policy(role.name, "rights", role.policy)
        store = s3_backends[DEFAULT_ACCOUNT_ID][_PARTITION]
        for bucket, rules in self.buckets.items():
            store.create_bucket(bucket, self.region)
            if rules:
                store.put_bucket_lifecycle(bucket, [dict(rule) for rule in rules])
        logs = logs_backends[DEFAULT_ACCOUNT_ID][self.region]
        for group, days in self.log_groups.items():
            logs.create_log_group(group, {})
            # A number, whatever moto's annotation says: clients that are strict about types read it.
            logs.put_retention_policy(group, days)  # type: ignore[arg-type]


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise UsageError(f"{file} cannot be read as JSON ({wrong}): name a file that holds an object.") from wrong
    if not isinstance(told, dict):
        raise UsageError(f"{file} holds no JSON object: name a file that does.")
    return told
