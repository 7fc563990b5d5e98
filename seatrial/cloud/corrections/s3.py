"""S3 as its API reference has it: a new bucket is encrypted and private before anybody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable

S3: Final = Corrections()

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
        vars(bucket)["ownership_rule"] = "BucketOwnerEnforced"  # the text, whatever moto's annotation says
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


def default_encryption() -> dict[str, object]:
    """Return the encryption that each bucket has, in the form in which moto keeps it."""
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
