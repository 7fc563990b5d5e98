"""Liveness, readiness, and what callers are told while the database is away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reference_app.telemetry.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.services.backing import Database, PostgreSQL
    from suites.services.catalog.conftest import Replica, StartReplica

pytestmark = pytest.mark.anyio


@pytest.fixture
def stopped(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """Brings PostgreSQL back after a test that stops it."""
    yield postgresql
    if postgresql.process is None:
        postgresql.start()


async def test_with_its_dependencies_it_is_ready(replica: Replica) -> None:
    ready = await replica.client.get("/readyz")

    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "checks": {"database": "ok", "cache": "ok"}}


async def test_without_its_database_it_is_alive_but_not_ready(replica: Replica, stopped: PostgreSQL) -> None:
    path = f"/products/{(await replica.client.get('/products')).json()['items'][0]['id']}"
    stopped.stop()

    alive, ready = await replica.client.get("/healthz"), await replica.client.get("/readyz")
    refused = await replica.client.get(path)

    assert (alive.status_code, ready.status_code, ready.json()["status"]) == (200, 503, "unavailable")
    assert ready.json()["checks"]["database"].startswith("unavailable")
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:seatrial:problem:database-unavailable")
    assert refused.headers["retry-after"] == "2"

    stopped.start()

    assert (await replica.client.get("/readyz")).status_code == 200
    assert (await replica.client.get(path)).status_code == 200


async def test_probes_are_counted_apart_from_what_customers_ask(replica: Replica) -> None:
    for path in ("/healthz", "/readyz", "/readyz"):
        await replica.client.get(path)

    assert replica.sample("http_requests_total", method="GET", route="/healthz", status="200") == 1
    assert replica.sample("http_requests_total", method="GET", route="/readyz", status="200") == 2


async def test_what_is_cached_is_served_without_the_database(replica: Replica, stopped: PostgreSQL) -> None:
    path = f"/products/{(await replica.client.get('/products')).json()['items'][0]['id']}"
    await replica.client.get(path)
    stopped.stop()

    assert (await replica.client.get(path)).headers["x-cache"] == "hit"


async def test_a_crowd_that_occupies_the_pool_does_not_look_like_an_outage(
    start_replica: StartReplica, postgresql: PostgreSQL, database: Database
) -> None:
    client = (await start_replica(database_pool_size=2, database_timeout=2)).client
    with postgresql.administration(database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        crowd = [asyncio.create_task(client.get("/products", params={"limit": n + 1})) for n in range(6)]
        await asyncio.wait(crowd, timeout=0.3)
        ready = await client.get("/readyz")
    answers = [await one for one in crowd]

    assert ready.status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 503}


async def test_without_a_schema_it_is_not_ready(start_replica: StartReplica, postgresql: PostgreSQL) -> None:
    empty = postgresql.new_database()
    client = (await start_replica(database_name=empty.name)).client

    ready = await client.get("/readyz")

    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == "unavailable: the schema has not been created"


async def test_draining_takes_readiness_away_and_nothing_else(replica: Replica) -> None:
    replica.instruments.health.drain()

    ready, alive, served = [await replica.client.get(path) for path in ("/readyz", "/healthz", "/products")]

    assert (ready.status_code, ready.json()["status"]) == (503, "draining")
    assert (alive.status_code, served.status_code, served.headers["connection"]) == (200, 200, "close")


async def test_a_fault_can_take_readiness_away(replica: Replica) -> None:
    faults = replica.instruments.faults
    faults.turn_on(Fault(lease_seconds=60, not_ready=True))
    during = await replica.client.get("/readyz")
    faults.clear()
    after = await replica.client.get("/readyz")

    assert (during.status_code, during.json()["status"], after.status_code) == (503, "fault", 200)
