"""Files in S3: streamed there and back, each with a record beside it that is written last.

A file is there exactly if its record is. What an upload that broke left is removed at once; what a process that died
left has no record, and the parts of an unfinished upload are removed by the bucket's lifecycle rule a day later. A
bucket that the gateway makes gets that rule; one that is there already has to have it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID, uuid4

import orjson
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from aiobotocore.session import get_session  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.handlers import add_expect_header  # type: ignore[import-untyped]

from reference_app.gateway.breaker import Breaker, BreakerOpen, State
from reference_app.gateway.files import Inspection, Upload
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.literals import BucketLocationConstraintType
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, LifecycleRuleTypeDef, LifecycleRuleUnionTypeDef

    from reference_app.gateway.settings import Settings

_log = logging.getLogger(__name__)
_JSON: Final = "application/json"
# The least that S3 takes as a part that is not the last.
_PART: Final = 5 * 1024 * 1024
_PIECE: Final = 64 * 1024
_AT_ONCE: Final = 8
_MOST_LISTED: Final = 100
_LINK_LIVES: Final = timedelta(seconds=300)
_COME_BACK: Final = 2
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_OWNED: Final = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
_NO_RULES: Final = "NoSuchLifecycleConfiguration"
_RULE: Final[LifecycleRuleTypeDef] = {
    "ID": "end-unfinished-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
_ANSWERS: Final = (ClientError,)
_SILENCES: Final = (BotoCoreError, OSError, TimeoutError)
_FAILURES: Final = (*_SILENCES, ClientError)


@dataclass(frozen=True)
class Link:
    """An address under which whoever has it gets a file until *expires_at*."""

    url: str
    expires_at: datetime


class Uploads:
    """The files of all visitors, each under the name of the one who left it.

    Every method raises a 503 problem while S3 does not answer; after enough of them S3 is not even asked, and nobody
    waits for it. At most ``settings.upload_slots`` files are taken at a time: each holds one part of 5 MiB in memory.
    """

    def __init__(self, settings: Settings) -> None:
        self.breaker = Breaker("uploads", failures=settings.breaker_failures, recovery=settings.breaker_recovery)
        self._settings = settings
        self._bucket = settings.s3_bucket
        self._slots = asyncio.Semaphore(settings.upload_slots)
        self._stack = AsyncExitStack()
        self._clients: tuple[S3Client, S3Client] | None = None
        self._connecting = asyncio.Lock()
        self._ruled = False
        self._removals: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Read the descriptions of the service, which takes a moment; nothing is connected."""
        async with self._connecting:
            await self._made()

    async def take(self, customer: UUID, name: str, kind: str, parts: AsyncIterator[bytes]) -> Upload:
        """Keep what comes in *parts* as a file of *customer*.

        Raises NotWhatItSays when it is not of *kind*, and whatever *parts* raises; nothing is left behind then.
        """
        if self._slots.locked():
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many files are being uploaded just now.",
                kind="uploads-busy",
                headers={"Retry-After": str(_COME_BACK)},
            )
        if self.breaker.state is not State.CLOSED:
            # A file may take minutes to come in; whether the store is back is known sooner, and by all.
            await self._test()
        async with self._slots, self._client() as client:
            identity = uuid4()
            stored = _Stored(client, self._bucket, _file(customer, identity), kind)
            try:
                size, digest = await stored.fill(Inspection(kind), parts)
                upload = Upload(identity, name, size, kind, digest, datetime.now(UTC))
                await client.put_object(
                    Bucket=self._bucket, Key=_record(customer, identity), Body=orjson.dumps(upload), ContentType=_JSON
                )
            except _SILENCES:
                # Whoever waits for the answer need not wait for a store that gives none once more.
                self._remove_later(stored)
                raise
            except BaseException:
                await asyncio.shield(stored.remove())
                raise
        return upload

    async def listed(self, customer: UUID) -> Sequence[Upload]:
        """Return the newest files of *customer*, at most 100, newest first."""
        async with self._client() as client:
            keys: list[str] = []
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=_record(customer))
            async for page in pages:
                keys += [item["Key"] for item in page.get("Contents", ())]
            free = asyncio.Semaphore(_AT_ONCE)

            async def one(key: str) -> Upload | None:
                async with free:
                    return await self._recorded(client, key)

            found = await asyncio.gather(*map(one, keys))
        there = [upload for upload in found if upload is not None]
        return sorted(there, key=lambda upload: upload.uploaded_at, reverse=True)[:_MOST_LISTED]

    async def find(self, customer: UUID, identity: UUID) -> Upload | None:
        """Return what is known of a file of *customer*, None if there is no such file."""
        async with self._client() as client:
            return await self._recorded(client, _record(customer, identity))

    @asynccontextmanager
    async def content(self, customer: UUID, upload: Upload) -> AsyncIterator[AsyncIterator[bytes]]:
        """Lend the content of a file, in pieces, until the block ends."""
        async with self._client() as client:
            answer = await client.get_object(Bucket=self._bucket, Key=_file(customer, upload.id))
        # The store has answered; how long the visitor takes to read it says nothing about it.
        async with answer["Body"] as body:
            yield body.iter_chunks(_PIECE)

    async def link(self, customer: UUID, upload: Upload) -> Link:
        """Return an address that gives the file to whoever has it, for five minutes."""
        async with self._client():
            _, public = await self._connected()
            url = await public.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": _file(customer, upload.id),
                    "ResponseContentType": upload.content_type,
                    "ResponseContentDisposition": "attachment",
                },
                ExpiresIn=int(_LINK_LIVES.total_seconds()),
            )
        return Link(url, datetime.now(UTC) + _LINK_LIVES)

    async def remove(self, customer: UUID, identity: UUID) -> None:
        """Remove a file of *customer*, if there is one: its record first, so that it is never half there."""
        async with self._client() as client:
            await client.delete_object(Bucket=self._bucket, Key=_record(customer, identity))
            await client.delete_object(Bucket=self._bucket, Key=_file(customer, identity))

    async def ping(self) -> None:
        """Return if the bucket is there, past the breaker; raises what the driver raises."""
        client, _ = await self._connected()
        await client.head_bucket(Bucket=self._bucket)

    async def close(self) -> None:
        """Close all connections; what has not been removed by then stays."""
        for removal in self._removals:
            removal.cancel()
        await asyncio.gather(*self._removals, return_exceptions=True)
        await self._stack.aclose()

    def _remove_later(self, stored: _Stored) -> None:
        async def remove() -> None:
            try:
                await stored.remove()
            except _FAILURES as error:
                _log.warning("what an upload that broke left is not removed", extra={"error": str(error)})

        removal = asyncio.create_task(remove())
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    async def _test(self) -> None:
        async with self._client() as client:
            await client.head_bucket(Bucket=self._bucket)

    async def _recorded(self, client: S3Client, key: str) -> Upload | None:
        try:
            answer = await client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        async with answer["Body"] as body:
            said = orjson.loads(await body.read())
        return Upload(
            id=UUID(said["id"]),
            name=said["name"],
            size=said["size"],
            content_type=said["content_type"],
            sha256=said["sha256"],
            uploaded_at=datetime.fromisoformat(said["uploaded_at"]),
        )

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[S3Client]:
        try:
            with self.breaker.watching(failures=_FAILURES, answers=_ANSWERS):
                client, _ = await self._connected()
                yield client
        except BreakerOpen as refusal:
            raise _unavailable(max(_COME_BACK, refusal.seconds)) from None
        except _FAILURES:
            raise _unavailable(_COME_BACK) from None

    async def _connected(self) -> tuple[S3Client, S3Client]:
        async with self._connecting:
            clients = await self._made()
        # Not one after the other: a store that does not answer would be waited for once for each request in the line.
        if self._settings.s3_make_bucket:
            await self._make_bucket(clients[0])
        return clients

    async def _made(self) -> tuple[S3Client, S3Client]:
        if self._clients is None:
            settings = self._settings
            inside = await self._stack.enter_async_context(_client_of(settings, settings.s3_endpoint))
            outside = await self._stack.enter_async_context(
                _client_of(settings, settings.s3_public_endpoint or settings.s3_endpoint)
            )
            self._clients = inside, outside
        return self._clients

    async def _make_bucket(self, client: S3Client) -> None:
        # An emulator that was started anew has none; asking is cheap beside what follows.
        try:
            await client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT | {"NoSuchBucket"}:
                raise
            try:
                region = cast("BucketLocationConstraintType", self._settings.s3_region)
                await client.create_bucket(
                    Bucket=self._bucket,
                    CreateBucketConfiguration={"LocationConstraint": region},
                )
            except ClientError as lost:
                # Another replica may have been first.
                if lost.response["Error"]["Code"] not in _OWNED:
                    raise
            self._ruled = False
        if not self._ruled:
            try:
                await self._rule(client)
            except ClientError as error:
                # Files can be kept without it.
                _log.warning("the bucket does not end unfinished uploads", extra={"error": str(error)})
            self._ruled = True

    async def _rule(self, client: S3Client) -> None:
        """See to it that the bucket ends unfinished uploads; other rules that it has stay."""
        rules: list[LifecycleRuleUnionTypeDef] = []
        try:
            rules += (await client.get_bucket_lifecycle_configuration(Bucket=self._bucket))["Rules"]
        except ClientError as error:
            if error.response["Error"]["Code"] != _NO_RULES:
                raise
        if not any(rule.get("ID") == _RULE["ID"] for rule in rules):
            await client.put_bucket_lifecycle_configuration(
                Bucket=self._bucket, LifecycleConfiguration={"Rules": [*rules, _RULE]}
            )


class _Stored:
    """An object on its way into the bucket."""

    def __init__(self, client: S3Client, bucket: str, key: str, kind: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._kind = kind
        self._upload: str | None = None
        self._put = False

    async def fill(self, inspection: Inspection, parts: AsyncIterator[bytes]) -> tuple[int, str]:
        """Store what comes in *parts*; return its size and its SHA-256. A small file is one request."""
        digest, size = hashlib.sha256(), 0
        waiting = bytearray()
        done: list[CompletedPartTypeDef] = []
        async for part in parts:
            inspection.see(part)
            digest.update(part)
            size += len(part)
            waiting += part
            while len(waiting) >= _PART:
                done.append(await self._part(len(done) + 1, bytes(waiting[:_PART])))
                del waiting[:_PART]
        inspection.see(b"", last=True)
        if self._upload is None:
            self._put = True
            await self._client.put_object(
                Bucket=self._bucket, Key=self._key, Body=bytes(waiting), ContentType=self._kind
            )
        else:
            if waiting:
                done.append(await self._part(len(done) + 1, bytes(waiting)))
            self._put = True
            await self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=self._key, UploadId=self._upload, MultipartUpload={"Parts": done}
            )
            self._upload = None
        return size, digest.hexdigest()

    async def remove(self) -> None:
        """Remove all that has been stored so far."""
        if self._upload is not None:
            await self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload)
        if self._put:
            await self._client.delete_object(Bucket=self._bucket, Key=self._key)

    async def _part(self, number: int, content: bytes) -> CompletedPartTypeDef:
        if self._upload is None:
            begun = await self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, ContentType=self._kind
            )
            self._upload = begun["UploadId"]
        answer = await self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload, PartNumber=number, Body=content
        )
        return {"ETag": answer["ETag"], "PartNumber": number}


def _unavailable(seconds: int) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Files cannot be reached just now.",
        kind="uploads-unavailable",
        headers={"Retry-After": str(seconds)},
    )


def _client_of(settings: Settings, endpoint: object) -> AbstractAsyncContextManager[S3Client]:
    session = get_session()
    patience = AioConfig(
        connect_timeout=1,
        # Twice this is less than what whoever asks the gateway waits for.
        read_timeout=4,
        retries={"total_max_attempts": 2},
    )
    # Whoever asks whether to go on waits for that without any limit: read_timeout begins with what is sent behind it.
    session.unregister("before-call.s3", add_expect_header)
    # For STS too, which is asked for credentials on the way.
    session.set_default_client_config(patience)
    client: AbstractAsyncContextManager[S3Client] = session.create_client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=None if endpoint is None else str(endpoint).rstrip("/"),
        config=AioConfig(
            s3={"addressing_style": "path"} if endpoint is not None else {},
            # Emulators and older stores know no checksums in trailers; the digest is computed here anyway.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client


def _file(customer: UUID, identity: UUID) -> str:
    return f"files/{customer}/{identity}"


def _record(customer: UUID, identity: UUID | None = None) -> str:
    return f"records/{customer}/{identity or ''}"
