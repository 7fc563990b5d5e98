"""The cache: what it answers, what it never answers, and what happens without it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from reference_app.catalog.cache import Answer, Cache
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import httpx

    from suites.services.backing import Database, PostgreSQL, RedisServer
    from suites.services.catalog.conftest import Replica, StartReplica

pytestmark = pytest.mark.anyio
_READS_OF_ONE_PRODUCT = "SELECT products%WHERE products.id = %"
_CLIENTS = 500


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        yield client


async def _product(client: httpx.AsyncClient, number: int = 0) -> str:
    items = (await client.get("/products", params={"limit": 100})).json()["items"]
    return f"/products/{items[number]['id']}"


async def _replaced(client: httpx.AsyncClient, path: str, **changes: str | int) -> httpx.Response:
    current = (await client.get(path)).json()
    fields = ("sku", "name", "description", "category_id", "price_cents", "stock")
    body = {field: current[field] for field in fields} | changes
    answer = await client.put(path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    return answer


async def _in_thread(probe: Callable[[], int], *, reaches: int, what: str) -> None:
    await asyncio.to_thread(
        eventually, probe, until=lambda seen: seen >= reaches, within=timedelta(seconds=20), what=what
    )


async def test_the_second_read_comes_from_the_cache(replica: Replica) -> None:
    path = await _product(replica.client)

    first, second = await replica.client.get(path), await replica.client.get(path)

    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"]
    assert replica.sample("catalog_cache_reads_total", origin="hit") == 1
    assert replica.sample("catalog_cache_reads_total", origin="miss") == 1


async def test_replicas_share_the_cache(start_replica: StartReplica) -> None:
    one, two = await start_replica(), await start_replica()
    path = await _product(one.client)

    await one.client.get(path)

    assert (await two.client.get(path)).headers["x-cache"] == "hit"


async def test_a_write_is_seen_by_the_next_read_of_every_replica(start_replica: StartReplica) -> None:
    one, two = await start_replica(), await start_replica()
    path = await _product(one.client)
    await two.client.get(path)

    await _replaced(one.client, path, name="Renamed")
    read = await two.client.get(path)

    assert (read.headers["x-cache"], read.json()["name"]) == ("miss", "Renamed")


async def test_who_looked_before_another_landed_does_not_load_again(
    start_replica: StartReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await start_replica(), await start_replica()
    path = await _product(one.client)
    look_up = Cache._look_up
    late: list[asyncio.Task[httpx.Response]] = []

    async def overtaken(cache: Cache, key: str) -> Answer:
        found = await look_up(cache, key)
        if not late:
            # Between this look and the lock, the other replica loads, stores and lets go of the lock.
            late.append(asyncio.create_task(two.client.get(path)))
            await late[0]
        return found

    monkeypatch.setattr(Cache, "_look_up", overtaken)
    before = [each.sample("catalog_database_statements_total") or 0 for each in (one, two)]
    answer = await one.client.get(path)
    after = [each.sample("catalog_database_statements_total") or 0 for each in (one, two)]

    assert answer.json() == late[0].result().json()
    assert [now - then for then, now in zip(before, after, strict=True)] == [0, 1]


async def test_that_there_is_no_product_is_kept_too(client: httpx.AsyncClient) -> None:
    path = "/products/00000000-0000-4000-8000-000000000000"

    first, second = await client.get(path), await client.get(path)

    assert (first.status_code, first.headers["x-cache"]) == (404, "miss")
    assert (second.status_code, second.headers["x-cache"]) == (404, "hit")


async def test_lifetimes_are_spread_around_the_one_set(start_replica: StartReplica, redis: Redis) -> None:
    client = (await start_replica(cache_ttl=100, cache_jitter=0.2)).client
    for number in range(40):
        await client.get(await _product(client, number))

    lifetimes = [redis.pttl(key) for key in redis.keys("catalog:*")]

    assert len(lifetimes) == 40
    assert all(78_000 < lifetime <= 120_000 for lifetime in lifetimes)
    assert max(lifetimes) - min(lifetimes) > 10_000


async def test_an_entry_ends_with_its_lifetime(start_replica: StartReplica, redis: Redis) -> None:
    client = (await start_replica(cache_ttl=0.05, cache_jitter=0)).client
    path = await _product(client)
    await client.get(path)

    await _in_thread(lambda: 1 - redis.dbsize(), reaches=1, what="the entry is gone")

    assert (await client.get(path)).headers["x-cache"] == "miss"


async def test_five_hundred_clients_cost_one_query(
    start_replica: StartReplica, postgresql: PostgreSQL, database: Database
) -> None:
    replicas = [await start_replica(), await start_replica()]
    path = await _product(replicas[0].client)
    postgresql.forget_statements()

    # The one query is held up by a lock until every client has asked, so that all of them meet the empty cache.
    with postgresql.administration(database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        storm = [asyncio.create_task(replicas[n % 2].client.get(path)) for n in range(_CLIENTS)]
        await _in_thread(
            lambda: sum(int(one.sample("http_requests_in_flight")) for one in replicas),
            reaches=_CLIENTS,
            what="all clients have asked",
        )
        await _in_thread(lambda: postgresql.waiting_for_a_lock(database), reaches=1, what="a query waits")
    answers = await asyncio.gather(*storm)

    assert Counter(answer.status_code for answer in answers) == {200: _CLIENTS}
    assert len({answer.content for answer in answers}) == 1
    assert Counter(answer.headers["x-cache"] for answer in answers) == {"miss": _CLIENTS}
    assert postgresql.statements(database, _READS_OF_ONE_PRODUCT) == 1


async def test_a_load_that_began_before_a_write_is_not_stored(
    start_replica: StartReplica, postgresql: PostgreSQL, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = await start_replica(), await start_replica()
    path = await _product(reader.client)
    await _replaced(writer.client, path, name="Before")
    read_done, may_go_on = asyncio.Event(), asyncio.Event()
    _pause_after_load(reader, monkeypatch, read_done, may_go_on)

    early = asyncio.create_task(reader.client.get(path))
    await read_done.wait()
    body = _body_of(postgresql, database, path)
    assert (await writer.client.put(path, json=body, headers={"If-Match": "*"})).status_code == 200
    late = asyncio.create_task(reader.client.get(path))
    may_go_on.set()

    assert (await early).json()["name"] == "Before"
    assert (await late).json()["name"] == "After"
    assert (await writer.client.get(path)).json()["name"] == "After"


def _body_of(postgresql: PostgreSQL, database: Database, path: str) -> dict[str, str | int]:
    with postgresql.administration(database.name) as connection:
        row = connection.execute(
            "SELECT sku, category_id::text, price_cents FROM products WHERE id = %s", (path.rpartition("/")[2],)
        ).fetchone()
    assert row is not None
    return {"sku": row[0], "category_id": row[1], "price_cents": row[2], "name": "After"}


def _pause_after_load(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, reached: asyncio.Event, go_on: asyncio.Event
) -> None:
    cache = replica.cache
    read = cache.read

    def slowed(key: str, load: Callable[[], Awaitable[bytes]]) -> Awaitable[object]:
        async def load_and_pause() -> bytes:
            value = await load()
            reached.set()
            await go_on.wait()
            return value

        return read(key, load_and_pause)

    monkeypatch.setattr(cache, "read", slowed)


async def test_a_failed_load_fails_its_callers_and_leaves_no_lock(
    start_replica: StartReplica, postgresql: PostgreSQL, database: Database, redis: Redis
) -> None:
    client = (await start_replica(database_timeout=1)).client
    path = await _product(client)

    with postgresql.administration(database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        refused = await asyncio.gather(*(client.get(path) for _ in range(20)))
    keys = redis.keys("*")
    recovered = await client.get(path)

    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
    assert keys == []
    assert (recovered.status_code, recovered.headers["x-cache"]) == (200, "miss")


async def test_a_loader_that_dies_holds_nobody_up_for_long(replica: Replica, redis: Redis) -> None:
    path = await _product(replica.client)
    redis.set(f"catalog:product:{path.rpartition('/')[2]}:lock", "of a replica that is dead", px=400)

    answer = await asyncio.wait_for(replica.client.get(path), timeout=4)

    assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")
    assert (await replica.client.get(path)).headers["x-cache"] == "hit"


async def test_without_redis_the_database_answers(
    start_replica: StartReplica, redis_server: RedisServer, postgresql: PostgreSQL, database: Database
) -> None:
    replica = await start_replica()
    path = await _product(replica.client)
    await replica.client.get(path)
    redis_server.kill()
    postgresql.forget_statements()

    reads = await asyncio.gather(*(replica.client.get(path) for _ in range(100)))
    written = await _replaced(replica.client, path, name="Written without Redis")
    ready = await replica.client.get("/readyz")

    assert Counter((read.status_code, read.headers["x-cache"]) for read in reads) == {(200, "bypass"): 100}
    assert postgresql.statements(database, _READS_OF_ONE_PRODUCT) <= 5
    assert (await replica.client.get(path)).json() == written.json()
    assert ready.status_code == 200
    assert re.match("degraded: Redis", ready.json()["checks"]["cache"])


async def test_redis_is_used_again_once_it_is_back(replica: Replica, redis_server: RedisServer) -> None:
    path = await _product(replica.client)
    redis_server.kill()
    assert (await replica.client.get(path)).headers["x-cache"] == "bypass"

    redis_server.start()
    for _ in range(200):
        if (origin := (await replica.client.get(path)).headers["x-cache"]) == "hit":
            break
        await asyncio.sleep(0.02)

    assert origin == "hit"


async def test_what_a_frozen_redis_could_not_forget_is_forgotten_before_it_is_used(
    start_replica: StartReplica, redis_server: RedisServer
) -> None:
    replica = await start_replica(cache_timeout=0.1)
    path = await _product(replica.client)
    await replica.client.get(path)

    with redis_server.frozen():
        written = await _replaced(replica.client, path, name="Written meanwhile")
    for _ in range(200):
        read = await replica.client.get(path)
        assert read.json() == written.json()
        if read.headers["x-cache"] == "hit":
            break
        await asyncio.sleep(0.02)

    assert read.headers["x-cache"] == "hit"


async def test_without_a_cache_every_read_is_a_bypass(start_replica: StartReplica) -> None:
    client = (await start_replica(cache_url=None)).client
    path = await _product(client)

    answers = [await client.get(path), await client.get(path)]

    assert [answer.headers["x-cache"] for answer in answers] == ["bypass", "bypass"]
