"""A visit is known again by every replica, and nobody can guess or read it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import httpx
import pytest
from redis import Redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from suites.services.backing import RedisServer
    from suites.services.gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.anyio
_PRODUCT = str(uuid.uuid4())
_SOON = 10


async def test_a_session_begins_with_an_empty_cart_and_a_cookie_that_scripts_cannot_read(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(insecure_cookies=False)
    response = await gateway.client.post("/api/session")
    assert response.status_code == 201
    assert response.json()["cart"] == []
    uuid.UUID(response.json()["customer"])
    cookie = SimpleCookie(response.headers["set-cookie"])["session"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "lax", "/")
    assert len(cookie.value) == 43
    assert response.headers["cache-control"] == "no-store"


async def test_a_cart_is_kept_and_another_replica_knows_it(start_gateway: StartGateway) -> None:
    one, other = await start_gateway(), await start_gateway()
    begun = await one.client.post("/api/session")
    filled = await one.client.put("/api/session/cart", json={"items": [{"product_id": _PRODUCT, "quantity": 2}]})
    assert filled.json() == {**begun.json(), "cart": [{"product_id": _PRODUCT, "quantity": 2}]}
    other.client.cookies = one.client.cookies
    assert (await other.client.get("/api/session")).json() == filled.json()


async def test_only_the_hash_of_a_session_is_kept(gateway: Gateway, redis_server: RedisServer) -> None:
    await gateway.client.post("/api/session")
    identity = gateway.client.cookies["session"]
    with Redis.from_url(redis_server.url) as redis:
        (key,) = redis.keys("session:*")
        assert identity.encode() not in key + (redis.get(key) or b"")
        assert 1700 < redis.ttl(key) <= 1800


async def test_each_use_lets_a_session_live_on(start_gateway: StartGateway, redis_server: RedisServer) -> None:
    gateway = await start_gateway(session_ttl=100)
    await gateway.client.post("/api/session")
    with Redis.from_url(redis_server.url) as redis:
        (key,) = redis.keys("session:*")
        redis.expire(key, 5)
        await gateway.client.get("/api/session")
        assert redis.ttl(key) > 90


@pytest.mark.parametrize("word", ["", "x" * 43, "a b", "x" * 5000, "'; DROP TABLE sessions"])
async def test_a_word_that_was_never_given_out_is_no_session(gateway: Gateway, word: str) -> None:
    response = await gateway.client.get("/api/session", headers={"Cookie": f"session={word}"})
    assert (response.status_code, response.json()["type"]) == (401, "urn:seatrial:problem:no-session")


async def test_a_session_that_was_ended_is_gone(gateway: Gateway) -> None:
    await gateway.client.post("/api/session")
    word = gateway.client.cookies["session"]
    ended = await gateway.client.delete("/api/session")
    assert ended.status_code == 204
    for request in (
        gateway.client.get("/api/session", headers={"Cookie": f"session={word}"}),
        gateway.client.put("/api/session/cart", json={"items": []}, headers={"Cookie": f"session={word}"}),
    ):
        assert (await request).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"items": [{"product_id": _PRODUCT, "quantity": 0}]},
        {"items": [{"product_id": _PRODUCT, "quantity": 1001}]},
        {"items": [{"product_id": "1", "quantity": 1}]},
        {"items": [{"product_id": _PRODUCT, "quantity": 1}] * 2},
        {"items": [{"product_id": str(uuid.uuid4()), "quantity": 1} for _ in range(51)]},
        {"items": [], "customer": "root"},
        {"items": None},
        [],
    ],
)
async def test_a_cart_that_makes_no_sense_changes_nothing(gateway: Gateway, body: object) -> None:
    await gateway.client.post("/api/session")
    response = await gateway.client.put("/api/session/cart", json=body)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert (await gateway.client.get("/api/session")).json()["cart"] == []


async def test_without_its_store_a_session_is_away_and_the_rest_goes_on(
    gateway: Gateway, redis_server: RedisServer
) -> None:
    await gateway.client.post("/api/session")
    redis_server.kill()
    response = await gateway.client.get("/api/session")
    assert (response.status_code, response.json()["type"]) == (503, "urn:seatrial:problem:sessions-unavailable")
    assert response.headers["retry-after"]
    assert (await gateway.client.get("/catalog/x")).status_code == 200
    assert (await gateway.client.get("/readyz")).status_code == 200
    report = (await gateway.client.get("/api/health")).json()
    assert (report["status"], report["peers"]["sessions"]["status"]) == ("degraded", "down")
    redis_server.start()
    assert (await gateway.client.post("/api/session")).status_code == 201


@dataclass
class _Silent:
    """A Redis that takes every connection and never says a word; *connections* counts them."""

    url: str = ""
    connections: int = 0


@pytest.fixture
async def silent() -> AsyncIterator[_Silent]:
    store = _Silent()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store.connections += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        store.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        yield store


async def test_a_store_that_never_answers_is_waited_for_a_few_times_and_then_not_even_asked(
    start_gateway: StartGateway, silent: _Silent
) -> None:
    gateway = await start_gateway(
        session_url=silent.url, session_timeout=0.02, breaker_failures=3, breaker_recovery=600
    )
    statuses: set[tuple[int, str]] = set()
    connections: list[int] = []
    for _ in range(20):
        response = await gateway.client.post("/api/session")
        statuses.add((response.status_code, response.json()["type"]))
        assert int(response.headers["retry-after"]) >= 1
        connections.append(silent.connections)
    assert statuses == {(503, "urn:seatrial:problem:sessions-unavailable")}
    assert connections[0] > 0
    assert set(connections[3:]) == {connections[2]}
    assert gateway.sample("gateway_breaker_state", peer="sessions") == 2


async def test_a_store_that_is_back_is_used_again(start_gateway: StartGateway, redis_server: RedisServer) -> None:
    gateway = await start_gateway(breaker_failures=2, breaker_recovery=0.2)
    redis_server.kill()
    for _ in range(3):
        assert (await gateway.client.post("/api/session")).status_code == 503
    redis_server.start()
    async with asyncio.timeout(_SOON):
        while (await gateway.client.post("/api/session")).status_code != 201:
            continue
    assert gateway.sample("gateway_breaker_state", peer="sessions") == 0


async def test_the_report_tells_each_part(gateway: Gateway) -> None:
    report = (await gateway.client.get("/api/health")).json()
    assert report["status"] == "ok"
    assert {name: (peer["status"], peer["breaker"]) for name, peer in report["peers"].items()} == {
        "catalog": ("ok", "closed"),
        "orders": ("ok", "closed"),
        "sessions": ("ok", "closed"),
        "uploads": ("ok", "closed"),
    }
    assert all(peer["latency_ms"] > 0 for peer in report["peers"].values())


async def test_a_peer_that_is_not_ready_is_down(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(orders_url="http://127.0.0.1:1")
    report = (await gateway.client.get("/api/health")).json()
    assert report["peers"]["orders"] == {"status": "down", "breaker": "closed", "latency_ms": None}
    assert report["peers"]["catalog"]["status"] == "ok"
    assert isinstance(gateway.client, httpx.AsyncClient)
