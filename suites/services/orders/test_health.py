"""Liveness, readiness, and what callers are told while something is away."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reference_app.orders.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.services.backing import PostgreSQL
    from suites.services.orders.conftest import Shop, StartCarrier, StartReplica

pytestmark = pytest.mark.anyio


@pytest.fixture
def stopped(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """Brings PostgreSQL back after a test that stops it."""
    yield postgresql
    if postgresql.process is None:
        postgresql.start()


async def test_with_their_dependencies_all_are_ready(shop: Shop) -> None:
    answers = [await one.client.get("/readyz") for one in (shop.orders, shop.relay, shop.worker)]

    assert [answer.json() for answer in answers] == [
        {"status": "ready", "checks": {"database": "ok", "messages": "ok"}},
        {"status": "ready", "checks": {"database": "ok", "messages": "ok", "rounds": "ok"}},
        {"status": "ready", "checks": {"database": "ok", "messages": "ok", "rounds": "ok"}},
    ]


async def test_without_redis_orders_are_taken_and_carried_later(shop: Shop) -> None:
    shop.redis.kill()

    ready = await shop.client.get("/readyz")
    path = await shop.placed()
    others = [await one.client.get("/readyz") for one in (shop.relay, shop.worker)]
    shop.redis.start()
    await shop.settle()

    assert ready.status_code == 200
    assert ready.json()["checks"]["messages"] == "degraded: Redis does not answer"
    assert [answer.status_code for answer in others] == [503, 503]
    assert await shop.status(path) == ("confirmed", None)


async def test_without_its_database_it_is_alive_but_not_ready(shop: Shop, stopped: PostgreSQL) -> None:
    path = await shop.placed()
    await shop.post(key="before")
    stopped.stop()

    alive, ready = await shop.client.get("/healthz"), await shop.client.get("/readyz")
    refused = [await shop.client.get(path), await shop.post(key="during"), await shop.client.post(f"{path}/cancel")]

    assert (alive.status_code, ready.status_code, ready.json()["status"]) == (200, 503, "unavailable")
    for answer in refused:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
    # The catalogue, which stands in for its prices here, is on the same server.
    kinds = {answer.json()["type"].rpartition(":")[2] for answer in refused}
    assert kinds <= {"database-unavailable", "catalog-unavailable"}

    stopped.start()

    # No connection of before is used, and none of before is missed.
    assert (await shop.client.get("/readyz")).status_code == 200
    assert (await shop.client.get(path)).status_code == 200
    assert (await shop.post(key="during")).status_code == 201
    assert (await shop.post(key="before")).headers["idempotent-replayed"] == "true"


async def test_a_crowd_that_occupies_the_pool_is_told_so_and_does_not_look_like_an_outage(
    shop: Shop, start_replica: StartReplica
) -> None:
    path = await shop.placed()
    client = (await start_replica(database_pool_size=2, database_timeout=1)).client
    with shop.postgresql.administration(shop.database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        crowd = [asyncio.create_task(client.get(path)) for _ in range(6)]
        await asyncio.wait(crowd, timeout=0.3)
        ready = await client.get("/readyz")
        answers = [await one for one in crowd]
    after = await client.get(path)

    assert ready.status_code == 200
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["type"] for answer in answers} == {"urn:seatrial:problem:database-unavailable"}
    assert after.status_code == 200


async def test_callers_that_leave_take_no_connection_with_them(shop: Shop, start_replica: StartReplica) -> None:
    path = await shop.placed()
    client = (await start_replica(database_pool_size=1)).client
    with shop.postgresql.administration(shop.database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            caller = asyncio.create_task(client.get(path))
            await asyncio.wait([caller], timeout=0.2)
            caller.cancel()
            await asyncio.wait([caller])

    assert (await client.get(path)).status_code == 200


async def test_without_a_schema_nothing_is_ready(
    shop: Shop, start_replica: StartReplica, start_relay: StartCarrier, start_worker: StartCarrier
) -> None:
    empty = shop.postgresql.new_database("orders")

    for start in (start_replica, start_relay, start_worker):
        ready = await (await start(database_name=empty.name)).client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["database"] == "unavailable: the schema has not been created"


async def test_draining_takes_readiness_away_and_nothing_else(shop: Shop) -> None:
    shop.orders.instruments.health.drain()

    ready, alive, served = [await shop.client.get(path) for path in ("/readyz", "/healthz", "/orders")]

    assert (ready.status_code, ready.json()["status"]) == (503, "draining")
    assert (alive.status_code, served.status_code, served.headers["connection"]) == (200, 200, "close")


async def test_a_carrier_answers_about_its_health_alone(shop: Shop) -> None:
    for carrier in (shop.relay, shop.worker):
        answer = await carrier.client.get("/orders")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert (await carrier.client.get("/healthz")).status_code == 200


async def test_a_standstill_is_seen() -> None:
    now = 0.0
    failures: list[None] = []
    rounds: Rounds

    async def work() -> bool:
        rounds.stop()
        raise ZeroDivisionError

    rounds = Rounds(work, pause=timedelta(0), failed=lambda: failures.append(None), clock=lambda: now)
    await rounds.run()
    await rounds.ask()
    now = 11.0

    assert len(failures) == 1
    with pytest.raises(Exception, match="no round went well for 11 s"):
        await rounds.ask()
