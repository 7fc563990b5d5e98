"""S3 as its API reference has it: a new bucket is encrypted and private before anybody asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import flask
from moto.iam.access_control import IAMPolicy
from moto.s3.exceptions import S3AccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend
from moto.s3.utils import bucket_policy_is_public

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from moto.s3.models import FakeAcl

S3: Final = Corrections()

# Set in the environment of each request by a server that offers TLS.
TLS_OFFERED: Final = "seatrial.tls_offered"

_OWNER_ENFORCED = "BucketOwnerEnforced"
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"


@S3.around(S3Backend, "create_bucket", reference=_GUIDE + "create-bucket-overview.html")
def create_bucket(
    original: Callable[..., FakeBucket], backend: S3Backend, *arguments: object, **named: object
) -> FakeBucket:
    """Make a bucket as S3 does since April 2023: all public access blocked, access lists off, SSE-S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    bucket = original(backend, *arguments, **named)
    bucket.encryption = default_encryption()
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    if not bucket.ownership_rule:
        vars(bucket)["ownership_rule"] = _OWNER_ENFORCED  # the text, whatever moto's annotation says
    return bucket


@S3.around(
    S3Backend,
    "delete_bucket_encryption",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html",
)
def delete_bucket_encryption(original: Callable[..., None], backend: S3Backend, bucket_name: str) -> None:
    """Reset the encryption to the default, SSE-S3: a bucket without any cannot be had."""
    original(backend, bucket_name)
    backend.get_bucket(bucket_name).encryption = default_encryption()


class AccessControlListNotSupported(S3ClientError):
    """The bucket's owner owns all in it, and access lists are off."""

    def __init__(self) -> None:
        super().__init__("AccessControlListNotSupported", "The bucket does not allow ACLs")


@S3.around(
    S3Backend,
    "put_bucket_policy",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html",
)
def put_bucket_policy(original: Callable[..., None], backend: S3Backend, bucket_name: str, policy: bytes) -> None:
    """Refuse a policy that makes the bucket public (AccessDenied) while public policies are blocked."""
    block = backend.get_bucket(bucket_name).public_access_block
    if block is not None and block.block_public_policy and bucket_policy_is_public(policy):
        raise S3AccessDeniedError
    original(backend, bucket_name, policy)


@S3.around(S3Backend, "put_bucket_acl", reference=_GUIDE + "about-object-ownership.html")
def put_bucket_acl(original: Callable[..., None], backend: S3Backend, bucket_name: str, acl: FakeAcl | None) -> None:
    """Refuse an access list that lets anybody but the owner in, where access lists are off.

    Where they are on, refuse one that lets everybody in (AccessDenied) while public access lists are blocked.
    """
    bucket = backend.get_bucket(bucket_name)
    everybody = [who for grant in acl.grants for who in grant.grantees if who.uri] if acl is not None else []
    if everybody and str(bucket.ownership_rule) == _OWNER_ENFORCED:
        raise AccessControlListNotSupported
    block = bucket.public_access_block
    if any(who.uri.endswith("/AllUsers") for who in everybody) and block is not None and block.block_public_acls:
        raise S3AccessDeniedError
    original(backend, bucket_name, acl)


@S3.around(FakeBucket, "get_permission", reference=_GUIDE + "amazon-s3-policy-keys.html")
def get_permission(original: Callable[..., object], bucket: FakeBucket, action: str, resource: str) -> object:
    """Judge statements about TLS by whether the request came by TLS, where moto takes each condition as not met.

    ``aws:SecureTransport``: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
    A statement with another condition is left out: moto knows nothing of what it asks for.
    """
    if bucket.policy is None:
        return original(bucket, action, resource)
    document = json.loads(bucket.policy)
    statements = document.get("Statement", [])
    every = statements if isinstance(statements, list) else [statements]
    document["Statement"] = [
        {key: value for key, value in each.items() if key != "Condition"} for each in every if _holds(each)
    ]
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)


def _holds(statement: Mapping[str, Mapping[str, Mapping[str, object]]]) -> bool:
    secure = str(came_by_tls()).lower()
    return all(
        (operator.lower(), key.lower()) == ("bool", "aws:securetransport") and secure in _texts(wanted)
        for operator, tests in statement.get("Condition", {}).items()
        for key, wanted in tests.items()
    )


def _texts(wanted: object) -> tuple[str, ...]:
    return tuple(str(each).lower() for each in (wanted if isinstance(wanted, list) else [wanted]))


def came_by_tls() -> bool:
    """Return whether the request that is being answered came by TLS.

    A server that offers no TLS stands for one that does, as its clients would speak TLS with AWS: there, all count as
    having come by TLS.
    """
    if not flask.has_request_context():
        return True
    return flask.request.is_secure or not flask.request.environ.get(TLS_OFFERED, False)


def default_encryption() -> dict[str, object]:
    """Return the encryption that each bucket has, in the form in which moto keeps it."""
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
