"""The catalogue on real back ends, in this process and as a process of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest
from psycopg import sql

from reference_app.catalog.app import create_app
from reference_app.catalog.database import SCHEMA
from reference_app.catalog.seed import plant
from reference_app.catalog.settings import Settings
from reference_app.persistence.engines import run_once_reachable
from reference_app.telemetry.instruments import Instruments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection

    from reference_app.catalog.cache import Cache
    from reference_app.telemetry.spans import Spans
    from suites.services.backing import Database, PostgreSQL, RedisServer


@dataclass(frozen=True)
class Replica:
    """One instance of the catalogue, and a client that talks to it without a network between."""

    client: httpx.AsyncClient
    instruments: Instruments
    cache: Cache

    def sample(self, name: str, **labels: str) -> float:
        """Return the value of one of its metrics."""
        return self.instruments.metrics.registry.get_sample_value(name, labels) or 0.0


class StartReplica(Protocol):
    async def __call__(self, spans: Spans | None = None, **changes: object) -> Replica: ...


def settings_for(database: Database, **changes: object) -> Settings:
    """Return settings that lead to *database*, without a cache unless *changes* name one."""
    return Settings.model_validate(
        {
            "database_host": database.host,
            "database_name": database.name,
            "database_username": database.username,
            "database_password": database.password,
            **changes,
        }
    )


@pytest.fixture(scope="session")
def planted(postgresql: PostgreSQL) -> Database:
    """A migrated and seeded database, with a copy of its rows beside them."""

    def prepare(connection: Connection) -> None:
        SCHEMA.migrate(connection)
        plant(connection)

    database = postgresql.new_database()
    run_once_reachable(settings_for(database).database, prepare, within=timedelta(seconds=10))
    with postgresql.administration(database.name) as connection:
        connection.execute("CREATE SCHEMA planted")
        for table in ("categories", "products"):
            connection.execute(sql.SQL("CREATE TABLE planted.{0} AS TABLE public.{0}").format(sql.Identifier(table)))
        connection.execute("ALTER TABLE planted.products DROP COLUMN search")
    return database


@pytest.fixture
def database(postgresql: PostgreSQL, planted: Database) -> Database:
    """The planted database, as it was at first."""
    with postgresql.administration(planted.name) as connection, connection.transaction():
        connection.execute("TRUNCATE public.products, public.categories, public.reservations")
        connection.execute("INSERT INTO public.categories SELECT * FROM planted.categories")
        connection.execute("INSERT INTO public.products SELECT * FROM planted.products")
    return planted


@pytest.fixture
async def start_replica(database: Database, redis_server: RedisServer) -> AsyncIterator[StartReplica]:
    """Starts instances of the catalogue on the test's database and cache; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(spans: Spans | None = None, **changes: object) -> Replica:
            settings = settings_for(database, **{"cache_url": redis_server.url, **changes})
            return await stack.enter_async_context(_running(settings, spans))

        yield start


@pytest.fixture
async def replica(start_replica: StartReplica) -> Replica:
    return await start_replica()


@pytest.fixture
def client(replica: Replica) -> httpx.AsyncClient:
    return replica.client


@asynccontextmanager
async def _running(settings: Settings, spans: Spans | None) -> AsyncIterator[Replica]:
    instruments = replace(Instruments.of(settings), spans=spans)
    app = create_app(settings, instruments)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://catalog", timeout=30) as client,
    ):
        yield Replica(client, instruments, app.state.parts.cache)
