"""The order service on real back ends and with the real catalogue, whose socket is a real one too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest
import uvicorn
from psycopg import sql
from psycopg.rows import dict_row
from redis import Redis

from reference_app.catalog.app import create_app as create_catalog
from reference_app.catalog.database import SCHEMA as CATALOG_SCHEMA
from reference_app.catalog.seed import plant as plant_catalog
from reference_app.catalog.settings import Settings as CatalogSettings
from reference_app.orders.app import create_app, create_relay, create_worker
from reference_app.orders.database import SCHEMA
from reference_app.orders.settings import Settings
from reference_app.persistence.engines import run_once_reachable
from reference_app.telemetry.instruments import Instruments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from fastapi import FastAPI
    from psycopg.abc import Query
    from sqlalchemy import Connection

    from reference_app.telemetry.spans import Spans
    from suites.services.backing import Database, PostgreSQL, RedisServer

Body = dict[str, object]
_SOON = timedelta(seconds=10)
TABLES = ("outbox", "idempotency_keys", "order_history", "order_items", "orders")


def settings_for(database: Database, **changes: object) -> Settings:
    """Return settings that lead to *database*; messages and catalogue lead nowhere unless *changes* say where."""
    return Settings.model_validate(
        {
            "database_host": database.host,
            "database_name": database.name,
            "database_username": database.username,
            "database_password": database.password,
            "messages_url": "redis://127.0.0.1:1/0",
            "catalog_url": "http://127.0.0.1:1",
            # A test changes a price and wants to see it.
            "price_ttl": 0,
            # A slow machine is not what is tested.
            "catalog_timeout": 30,
            "database_timeout": 30,
            **changes,
        }
    )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve *app* in this event loop; lends its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=5)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@dataclass(frozen=True)
class Replica:
    """One instance of a part of the order service; *client* talks to it without a network between."""

    app: FastAPI
    client: httpx.AsyncClient
    instruments: Instruments

    def sample(self, name: str, **labels: str) -> float:
        """Return the value of one of its metrics."""
        return self.instruments.metrics.registry.get_sample_value(name, labels) or 0.0

    async def round(self) -> bool:
        """Let a relay or a worker go one round."""
        more: bool = await self.app.state.work()
        return more


@dataclass
class Shop:
    """The order service, its relay and worker, and the catalogue, wired together; rounds are gone by hand."""

    postgresql: PostgreSQL
    database: Database
    stock: Database
    redis: RedisServer
    catalog: httpx.AsyncClient
    orders: Replica
    relay: Replica
    worker: Replica
    products: Sequence[Mapping[str, object]] = field(default_factory=list)

    @property
    def client(self) -> httpx.AsyncClient:
        """A client of the order service."""
        return self.orders.client

    def body(self, *quantities: int, customer: str = "ann") -> Body:
        """Return the body of an order for so many pieces of the first products."""
        items = [
            {"product_id": product["id"], "quantity": quantity}
            for product, quantity in zip(self.products, quantities or (1,), strict=False)
        ]
        return {"customer": customer, "items": items}

    async def post(self, body: Body | None = None, key: str | None = None) -> httpx.Response:
        """Ask for an order."""
        return await self.client.post(
            "/orders", json=body or self.body(), headers={"Idempotency-Key": key or str(uuid.uuid4())}
        )

    async def placed(self, body: Body | None = None) -> str:
        """Place an order and return its path."""
        answer = await self.post(body)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def settle(self) -> None:
        """Carry events until none is on its way."""
        while self.rows("SELECT FROM outbox WHERE handled_at IS NULL"):
            await self.relay.round()
            await self.worker.round()

    async def status(self, path: str) -> tuple[str, str | None]:
        """Return where an order stands, and why."""
        order = (await self.client.get(path)).json()
        return order["status"], order["reason"]

    async def left(self, number: int = 0) -> int:
        """Return how many pieces of a product are in stock."""
        product = (await self.catalog.get(f"/products/{self.products[number]['id']}")).json()
        return int(product["stock"])

    def rows(self, query: Query) -> list[dict[str, object]]:
        """Ask the database of the orders."""
        with (
            self.postgresql.administration(self.database.name) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query).fetchall()

    def execute(self, statement: Query) -> None:
        """Change the database of the orders."""
        with self.postgresql.administration(self.database.name) as connection:
            connection.execute(statement)

    def messages(self) -> list[dict[str, str]]:
        """Return what the stream holds."""
        with Redis.from_url(self.redis.url, decode_responses=True) as redis:
            return [fields for _, fields in redis.xrange("orders:events")]


class StartReplica(Protocol):
    async def __call__(self, spans: Spans | None = None, **changes: object) -> Replica: ...


class StartCarrier(Protocol):
    async def __call__(self, **changes: object) -> Replica: ...


@pytest.fixture(scope="session")
def migrated(postgresql: PostgreSQL) -> Database:
    """A database with the newest schema and nothing in it."""
    database = postgresql.new_database("orders")
    run_once_reachable(settings_for(database).database, SCHEMA.migrate, within=_SOON)
    return database


@pytest.fixture
def database(postgresql: PostgreSQL, migrated: Database) -> Database:
    with postgresql.administration(migrated.name) as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
    return migrated


@pytest.fixture(scope="session")
def planted_catalog(postgresql: PostgreSQL) -> Database:
    """A database of the catalogue with its sample products, and a copy of them."""
    database = postgresql.new_database("catalog_for_orders")

    def prepare(connection: Connection) -> None:
        CATALOG_SCHEMA.migrate(connection)
        plant_catalog(connection)

    run_once_reachable(catalog_settings(database).database, prepare, within=_SOON)
    with postgresql.administration(database.name) as connection:
        connection.execute("CREATE TABLE planted AS SELECT id, name, price_cents, stock FROM products")
    return database


@pytest.fixture
def stock(postgresql: PostgreSQL, planted_catalog: Database) -> Database:
    """The catalogue's database, as it was at first."""
    with postgresql.administration(planted_catalog.name) as connection:
        connection.execute("TRUNCATE reservations")
        connection.execute(
            "UPDATE products SET name = planted.name, price_cents = planted.price_cents, stock = planted.stock"
            " FROM planted WHERE planted.id = products.id"
        )
    return planted_catalog


def catalog_settings(database: Database) -> CatalogSettings:
    return CatalogSettings.model_validate(
        {
            "database_host": database.host,
            "database_name": database.name,
            "database_username": database.username,
            "database_password": database.password,
        }
    )


@pytest.fixture
async def catalog_url(stock: Database) -> AsyncIterator[str]:
    """The address of the real catalogue."""
    async with served(create_catalog(catalog_settings(stock))) as url:
        yield url


@pytest.fixture
async def settings(database: Database, redis_server: RedisServer, catalog_url: str) -> Settings:
    return settings_for(database, messages_url=redis_server.url, catalog_url=catalog_url)


@pytest.fixture
async def start_replica(settings: Settings) -> AsyncIterator[StartReplica]:
    """Starts further instances of the order service; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(spans: Spans | None = None, **changes: object) -> Replica:
            changed = Settings.model_validate({**settings.model_dump(), **changes})
            return await stack.enter_async_context(_orders(changed, spans))

        yield start


@pytest.fixture
async def start_relay(settings: Settings) -> AsyncIterator[StartCarrier]:
    """Starts further relays, whose rounds are gone by hand."""
    async with AsyncExitStack() as stack:

        async def start(**changes: object) -> Replica:
            changed = Settings.model_validate({**settings.model_dump(), **changes})
            return await stack.enter_async_context(_carrier(create_relay, changed))

        yield start


@pytest.fixture
async def start_worker(settings: Settings) -> AsyncIterator[StartCarrier]:
    """Starts further workers, whose rounds are gone by hand."""
    async with AsyncExitStack() as stack:

        async def start(**changes: object) -> Replica:
            changed = Settings.model_validate({**settings.model_dump(), **changes})
            return await stack.enter_async_context(_carrier(create_worker, changed))

        yield start


@pytest.fixture
async def shop(
    postgresql: PostgreSQL,
    database: Database,
    stock: Database,
    redis_server: RedisServer,
    catalog_url: str,
    start_replica: StartReplica,
    start_relay: StartCarrier,
    start_worker: StartCarrier,
) -> AsyncIterator[Shop]:
    async with httpx.AsyncClient(base_url=catalog_url, timeout=30) as catalog:
        products = (await catalog.get("/products", params={"limit": 60})).json()["items"]
        yield Shop(
            postgresql,
            database,
            stock,
            redis_server,
            catalog,
            await start_replica(),
            await start_relay(),
            # Long rounds would make every test wait for messages that do not come.
            await start_worker(messages_timeout=0.2),
            products,
        )


@asynccontextmanager
async def _orders(settings: Settings, spans: Spans | None) -> AsyncIterator[Replica]:
    instruments = replace(Instruments.of(settings), spans=spans)
    app = create_app(settings, instruments)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders", timeout=30) as client,
    ):
        yield Replica(app, client, instruments)


class _Create(Protocol):
    def __call__(self, settings: Settings, instruments: Instruments | None = None) -> FastAPI: ...


@asynccontextmanager
async def _carrier(create: _Create, settings: Settings) -> AsyncIterator[Replica]:
    instruments = Instruments.of(settings)
    app = create(settings, instruments)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://carrier", timeout=30) as client:
        yield Replica(app, client, instruments)
    await app.state.close()
