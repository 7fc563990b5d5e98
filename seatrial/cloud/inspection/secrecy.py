"""Secrets and the keys that encrypt, as Secrets Manager and KMS tell of them; never what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cloud.inspection.policies import Policy, parse

if TYPE_CHECKING:
    from seatrial.cloud.account import Account, Answer


@dataclass(frozen=True)
class Secret:
    """A secret; *rotation* is how often it is replaced, None if it is not."""

    name: str
    arn: str
    key: str
    rotation: timedelta | None
    rotated_by: str
    deleted: bool

    @property
    def rotates(self) -> bool:
        """Whether it is replaced by itself."""
        return self.rotation is not None


def secret(account: Account, name: str) -> Secret:
    """Return the secret of a name or an ARN; raises NotFound."""
    return _secret(account.find(f"the secret {name}", "secretsmanager", "describe_secret", SecretId=name))


def secrets(account: Account, prefix: str = "") -> tuple[Secret, ...]:
    """Return all secrets whose names begin with *prefix*, of which there may be none."""
    found = account.every("secretsmanager", "list_secrets", "SecretList")
    return tuple(_secret(each) for each in found if each.text("Name").startswith(prefix))


def _secret(told: Answer) -> Secret:
    days = told.number("RotationRules.AutomaticallyAfterDays")
    rotates = told.flag("RotationEnabled")
    return Secret(
        name=told.text("Name"),
        arn=told.text("ARN"),
        key=told.text("KmsKeyId"),
        rotation=timedelta(days=days or 0) if rotates else None,
        rotated_by=told.text("RotationLambdaARN"),
        deleted=told.at("DeletedDate") is not None,
    )


@dataclass(frozen=True)
class Key:
    """A key that encrypts. *customer* means that the account decides about it, not AWS."""

    arn: str
    aliases: tuple[str, ...]
    enabled: bool
    customer: bool
    rotates: bool
    policy: Policy


def key(account: Account, identity: str) -> Key:
    """Return the key of an identity, an ARN or an alias; raises NotFound."""
    found = account.find(f"the key {identity}", "kms", "describe_key", KeyId=identity)
    told = found.part("KeyMetadata")
    number = told.text("KeyId")
    customer = told.text("KeyManager") == "CUSTOMER"
    aliases = account.every("kms", "list_aliases", "Aliases")
    status = account.ask("kms", "get_key_rotation_status", KeyId=number)
    policy = account.ask("kms", "get_key_policy", KeyId=number, PolicyName="default")
    return Key(
        arn=told.text("Arn"),
        aliases=tuple(each.text("AliasName") for each in aliases if each.text("TargetKeyId") == number),
        enabled=told.text("KeyState") == "Enabled",
        customer=customer,
        rotates=status.flag("KeyRotationEnabled"),
        policy=parse(f"policy of {number}", policy.document("Policy")),
    )
