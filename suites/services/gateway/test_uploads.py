"""Files go through to the store whole or not at all, and come back to whoever left them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from suites.services.gateway.conftest import BUCKET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from suites.services.backing import ObjectStore
    from suites.services.gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.anyio
_MEBIBYTE = 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_SOON = 10


async def _leave(gateway: Gateway, content: object, name: str = "boat.png", kind: str = "image/png") -> httpx.Response:
    return await gateway.client.post(
        "/api/uploads",
        params={"name": name},
        content=content,  # type: ignore[arg-type] # bytes or an async iterator
        headers={"Content-Type": kind},
    )


@pytest.fixture
async def visitor(gateway: Gateway) -> Gateway:
    """A gateway whose client has a session."""
    await gateway.client.post("/api/session")
    return gateway


@pytest.mark.parametrize("size", [100, 5 * _MEBIBYTE, 9 * _MEBIBYTE])
async def test_a_file_comes_back_as_it_was_left(visitor: Gateway, object_store: ObjectStore, size: int) -> None:
    content = _PNG + os.urandom(size - len(_PNG))
    left = await _leave(visitor, content)
    assert left.status_code == 201, left.text
    told = left.json()
    assert (told["name"], told["size"], told["content_type"]) == ("boat.png", size, "image/png")
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    back = await visitor.client.get(left.headers["location"])
    assert (back.status_code, back.content == content) == (200, True)
    assert back.headers["content-type"] == "image/png"
    assert back.headers["content-disposition"].startswith('attachment; filename="boat.png"')
    assert back.headers["x-content-type-options"] == "nosniff"
    assert (await visitor.client.get("/api/uploads")).json()["items"] == [told]
    assert object_store.unfinished(BUCKET) == 0


async def test_a_file_of_unknown_length_is_taken_part_by_part(visitor: Gateway) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield _PNG[:3]
        yield _PNG[3:]
        for _ in range(70):
            yield bytes(100_000)

    left = await _leave(visitor, parts())
    assert (left.status_code, left.json()["size"]) == (201, 7_000_008)


async def test_what_is_too_large_leaves_nothing(start_gateway: StartGateway, object_store: ObjectStore) -> None:
    gateway = await start_gateway(upload_limit=6 * _MEBIBYTE)
    await gateway.client.post("/api/session")

    async def parts() -> AsyncIterator[bytes]:
        yield _PNG
        for _ in range(13):
            yield bytes(_MEBIBYTE // 2)

    for content in (_PNG + bytes(6 * _MEBIBYTE), parts()):
        response = await _leave(gateway, content)
        assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
    assert object_store.keys(BUCKET) == []
    assert object_store.unfinished(BUCKET) == 0


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", b"\x7fELF\x02\x01\x01" + bytes(20)),
        ("image/png", b"GIF89a" + bytes(20)),
        ("image/png", _PNG[:4]),
        ("image/png", b""),
        ("image/jpeg", _PNG + bytes(20)),
        ("image/webp", b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(20)),
        ("application/pdf", b"<html>" + bytes(20)),
        ("text/plain", b"MZ" + b"x" * 20),
        ("text/plain", b"caf\xe9" + b"x" * 20),
        ("text/plain", b"nul\x00" + b"x" * 20),
    ],
)
async def test_a_file_that_is_not_what_it_says_leaves_nothing(
    visitor: Gateway, object_store: ObjectStore, kind: str, content: bytes
) -> None:
    response = await _leave(visitor, content, kind=kind)
    assert (response.status_code, response.json()["type"]) == (415, "urn:seatrial:problem:unsupported-file")
    assert object_store.keys(BUCKET) == []


@pytest.mark.parametrize("kind", ["text/html", "application/zip", "image/svg+xml", "", "text/plain; charset=utf-16"])
async def test_other_kinds_are_refused(visitor: Gateway, kind: str) -> None:
    response = await _leave(visitor, b"x" * 20, kind=kind)
    assert response.status_code == 415
    assert "image/png" in response.headers["accept"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(20)),
        ("image/gif", b"GIF89a" + bytes(20)),
        ("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(20)),
        ("application/pdf", b"%PDF-1.7\n" + bytes(20)),
        ("text/plain", "größer als 16 Zeichen ⛵".encode()),
        ("text/plain; charset=utf-8", b"short"),
    ],
)
async def test_each_kind_is_taken(visitor: Gateway, kind: str, content: bytes) -> None:
    assert (await _leave(visitor, content, kind=kind)).status_code == 201


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\boat.png", "boat.png"),
        ("boat\r\nSet-Cookie: x=1.png", "boatSet-Cookie: x=1.png"),
        ("gnp.\u202etaob.exe", "gnp.taob.exe"),
        ("größe ⛵.png", "größe ⛵.png"),
        ("a" * 500 + ".png", "a" * 200),
        ('quo"te.png', 'quo"te.png'),
    ],
)
async def test_a_name_loses_what_could_do_harm(visitor: Gateway, given: str, kept: str) -> None:
    left = await _leave(visitor, _PNG + bytes(20), name=given)
    assert (left.status_code, left.json()["name"]) == (201, kept)
    back = await visitor.client.get(left.headers["location"])
    assert "set-cookie" not in back.headers
    assert back.headers["content-disposition"].count('"') == 2


@pytest.mark.parametrize("name", ["", "..", "/", "\\", "\x00", "x" * 1001])
async def test_what_is_no_name_is_refused(visitor: Gateway, name: str) -> None:
    assert (await _leave(visitor, _PNG + bytes(20), name=name)).status_code == 422


async def test_a_client_that_leaves_half_way_leaves_nothing(visitor: Gateway, object_store: ObjectStore) -> None:
    cookie = visitor.client.cookies["session"]
    host, port = visitor.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, port)
    head = (
        f"POST /api/uploads?name=boat.png HTTP/1.1\r\nHost: shop\r\nCookie: session={cookie}\r\n"
        f"Content-Type: image/png\r\nContent-Length: {9 * _MEBIBYTE}\r\n\r\n"
    )
    writer.write(head.encode() + _PNG + bytes(7 * _MEBIBYTE))
    await writer.drain()
    async with asyncio.timeout(_SOON):
        # Until its first part is in the store.
        while not object_store.unfinished(BUCKET):  # noqa: ASYNC110 - the store tells no other way
            await asyncio.sleep(0.05)
    writer.transport.abort()
    async with asyncio.timeout(_SOON):
        while object_store.unfinished(BUCKET):  # noqa: ASYNC110 - the store tells no other way
            await asyncio.sleep(0.05)
    assert object_store.keys(BUCKET) == []


async def test_nobody_else_gets_a_file(visitor: Gateway) -> None:
    left = (await _leave(visitor, _PNG + bytes(20))).json()
    visitor.client.cookies.clear()
    for method, path in (
        ("GET", f"/api/uploads/{left['id']}"),
        ("POST", f"/api/uploads/{left['id']}/link"),
        ("DELETE", f"/api/uploads/{left['id']}"),
    ):
        assert (await visitor.client.request(method, path)).status_code == 401
    await visitor.client.post("/api/session")
    for method, path in (
        ("GET", f"/api/uploads/{left['id']}"),
        ("POST", f"/api/uploads/{left['id']}/link"),
        ("DELETE", f"/api/uploads/{left['id']}"),
        ("GET", f"/api/uploads/{uuid.uuid4()}"),
    ):
        assert (await visitor.client.request(method, path)).status_code == 404
    assert (await visitor.client.get("/api/uploads")).json()["items"] == []


async def test_a_link_leads_whoever_has_it_to_the_file(visitor: Gateway) -> None:
    content = _PNG + os.urandom(1000)
    left = (await _leave(visitor, content)).json()
    link = (await visitor.client.post(f"/api/uploads/{left['id']}/link")).json()
    async with httpx.AsyncClient(trust_env=False) as stranger:
        back = await stranger.get(link["url"])
    assert (back.status_code, back.content) == (200, content)
    assert "X-Amz-Signature" in link["url"]
    assert "X-Amz-Expires=300" in link["url"]


async def test_a_link_leads_where_the_deployment_says(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(s3_public_endpoint="https://files.example")
    await gateway.client.post("/api/session")
    left = (await _leave(gateway, _PNG + bytes(20))).json()
    link = (await gateway.client.post(f"/api/uploads/{left['id']}/link")).json()
    assert link["url"].startswith(f"https://files.example/{BUCKET}/")


async def test_a_file_that_was_deleted_is_gone(visitor: Gateway, object_store: ObjectStore) -> None:
    left = (await _leave(visitor, _PNG + bytes(20))).json()
    assert (await visitor.client.delete(f"/api/uploads/{left['id']}")).status_code == 204
    assert (await visitor.client.get(f"/api/uploads/{left['id']}")).status_code == 404
    assert object_store.keys(BUCKET) == []


async def test_without_its_store_files_are_away_and_the_rest_goes_on(
    visitor: Gateway, object_store: ObjectStore
) -> None:
    left = (await _leave(visitor, _PNG + bytes(20))).json()
    object_store.kill()
    for request in (visitor.client.get(f"/api/uploads/{left['id']}"), _leave(visitor, _PNG + bytes(20))):
        response = await request
        assert (response.status_code, response.json()["type"]) == (503, "urn:seatrial:problem:uploads-unavailable")
    assert (await visitor.client.get("/catalog/x")).status_code == 200
    object_store.start()
    assert (await _leave(visitor, _PNG + bytes(20))).status_code == 201


async def test_a_store_that_stands_still_is_not_waited_for_without_end(
    start_gateway: StartGateway, object_store: ObjectStore
) -> None:
    where = {"LocationConstraint": "eu-central-1"}
    object_store.client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    gateway = await start_gateway(s3_make_bucket=False)
    await gateway.client.post("/api/session")
    with object_store.frozen():
        response = await _leave(gateway, _PNG + bytes(20))
        assert (response.status_code, response.json()["type"]) == (503, "urn:seatrial:problem:uploads-unavailable")
        assert (await gateway.client.get("/catalog/x")).status_code == 200
    assert (await _leave(gateway, _PNG + bytes(20))).status_code == 201


async def test_unfinished_uploads_end_by_themselves(start_gateway: StartGateway, object_store: ObjectStore) -> None:
    store = object_store.client()
    for _ in range(2):
        gateway = await start_gateway()
        await gateway.client.post("/api/session")
        await gateway.client.get("/api/uploads")
        (rule,) = store.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
        assert (rule["Status"], "Expiration" in rule) == ("Enabled", False)


async def test_a_bucket_keeps_the_rules_that_it_has(start_gateway: StartGateway, object_store: ObjectStore) -> None:
    store = object_store.client()
    store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    own = {"ID": "own", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Days": 9}}
    store.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [own]})
    gateway = await start_gateway()
    await gateway.client.post("/api/session")
    await gateway.client.get("/api/uploads")
    rules = store.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert {rule["ID"]: rule.get("Expiration") for rule in rules} == {
        "own": {"Days": 9},
        "end-unfinished-uploads": None,
    }


async def test_a_store_that_came_back_empty_ends_unfinished_uploads_too(
    visitor: Gateway, object_store: ObjectStore
) -> None:
    await visitor.client.get("/api/uploads")
    object_store.reset()
    await visitor.client.get("/api/uploads")
    rules = object_store.client().get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["ID"] for rule in rules] == ["end-unfinished-uploads"]


async def test_a_store_that_failed_enough_is_not_asked_until_it_may_be_back(
    start_gateway: StartGateway, object_store: ObjectStore
) -> None:
    gateway = await start_gateway(breaker_failures=2, breaker_recovery=0.3)
    await gateway.client.post("/api/session")
    object_store.kill()
    for _ in range(2):
        await gateway.client.get("/api/uploads")
    assert gateway.sample("gateway_breaker_state", peer="uploads") > 0
    refused = await _leave(gateway, _PNG + bytes(20))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:seatrial:problem:uploads-unavailable")
    assert (await gateway.client.get("/api/session")).status_code == 200
    object_store.start()
    async with asyncio.timeout(_SOON):
        while (await _leave(gateway, _PNG + bytes(20))).status_code != 201:
            continue
    assert gateway.sample("gateway_breaker_state", peer="uploads") == 0


async def test_a_refusal_of_the_store_is_an_answer(start_gateway: StartGateway, object_store: ObjectStore) -> None:
    gateway = await start_gateway(breaker_failures=2, s3_make_bucket=False)
    await gateway.client.post("/api/session")
    for _ in range(3):
        assert (await gateway.client.get("/api/uploads")).status_code == 503
    assert object_store.process is not None
    assert gateway.sample("gateway_breaker_state", peer="uploads") == 0
