"""Whole services on real back ends and real sockets, in this process, with the documents that they publish."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest
import uvicorn
from redis import Redis
from sqlalchemy import text

from reference_app.persistence.engines import run_once_reachable
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from sqlalchemy import Connection

    from suites.services.backing import Database, PostgreSQL, RedisServer

_SOON = timedelta(seconds=20)


class Serve(Protocol):
    def __call__(self, app: FastAPI) -> str: ...


@contextlib.contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        try:
            eventually(lambda: server.started, until=bool, within=_SOON, what="the service is started")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            serving.join()


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serves applications until the module's tests are done; returns the address of each."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_served(app))


@dataclass(frozen=True)
class Lent:
    """A service that runs: its address, the id of a product that exists, and how it gets its first data back."""

    address: str
    product: str
    reset: Callable[[], None]


class Lend(Protocol):
    def __call__(self, service: str) -> Lent: ...


@pytest.fixture(scope="module")
def catalog(postgresql: PostgreSQL, redis_process: RedisServer, serve: Serve) -> Lent:
    """A catalogue with its sample products."""
    # Imported here, as below, so that the other services can be looked at while one of them cannot be imported.
    from reference_app.catalog.app import create_app  # noqa: PLC0415
    from reference_app.catalog.database import SCHEMA  # noqa: PLC0415
    from reference_app.catalog.seed import plant  # noqa: PLC0415
    from reference_app.catalog.settings import Settings  # noqa: PLC0415

    redis = _started(redis_process)
    settings = Settings.model_validate(_database(postgresql) | {"cache_url": redis.url})

    def plant_anew(connection: Connection) -> None:
        connection.execute(text("TRUNCATE products, categories, reservations"))
        plant(connection)

    def reset() -> None:
        run_once_reachable(settings.database, plant_anew, within=_SOON)
        with Redis.from_url(redis.url) as client:
            client.flushdb()

    run_once_reachable(settings.database, SCHEMA.migrate, within=_SOON)
    reset()
    address = serve(create_app(settings))
    product = httpx.get(f"{address}/products", params={"limit": 1}).json()["items"][0]["id"]
    return Lent(address, product, reset)


@pytest.fixture(scope="module")
def orders(postgresql: PostgreSQL, redis_process: RedisServer, serve: Serve, catalog: Lent) -> Lent:
    """An order service with one order, beside a catalogue."""
    from reference_app.orders.app import create_app  # noqa: PLC0415
    from reference_app.orders.database import SCHEMA  # noqa: PLC0415
    from reference_app.orders.settings import Settings  # noqa: PLC0415

    peers = {"messages_url": _started(redis_process).url, "catalog_url": catalog.address}
    settings = Settings.model_validate(_database(postgresql) | peers)

    def empty(connection: Connection) -> None:
        connection.execute(text("TRUNCATE orders, outbox, idempotency_keys CASCADE"))

    def reset() -> None:
        run_once_reachable(settings.database, empty, within=_SOON)
        catalog.reset()
        body = {"customer": "ann", "items": [{"product_id": catalog.product, "quantity": 1}]}
        placed = httpx.post(f"{address}/orders", json=body, headers={"Idempotency-Key": "the first"})
        assert placed.status_code == HTTPStatus.CREATED, placed.text

    run_once_reachable(settings.database, SCHEMA.migrate, within=_SOON)
    address = serve(create_app(settings))
    return Lent(address, catalog.product, reset)


@pytest.fixture(scope="module")
def gateway(redis_process: RedisServer, serve: Serve, catalog: Lent, orders: Lent) -> Lent:
    """A gateway before both, without a place for uploads."""
    from reference_app.gateway.app import create_app  # noqa: PLC0415
    from reference_app.gateway.settings import Settings  # noqa: PLC0415

    peers = {"catalog_url": catalog.address, "orders_url": orders.address, "session_url": _started(redis_process).url}
    elsewhere = {"s3_endpoint": "http://127.0.0.1:1", "s3_bucket": "uploads", "insecure_cookies": True}
    limits = {"rate_limit": 100_000, "rate_burst": 100_000}
    address = serve(create_app(Settings.model_validate(peers | elsewhere | limits)))
    return Lent(address, catalog.product, orders.reset)


@pytest.fixture(scope="module")
def lent(request: pytest.FixtureRequest) -> Lend:
    """Starts the service of that name."""

    def lend(service: str) -> Lent:
        started = request.getfixturevalue(service)
        assert isinstance(started, Lent)
        return started

    return lend


def _database(postgresql: PostgreSQL) -> dict[str, object]:
    made: Database = postgresql.new_database()
    return {
        "database_host": made.host,
        "database_name": made.name,
        "database_username": made.username,
        "database_password": made.password,
    }


def _started(redis: RedisServer) -> RedisServer:
    if redis.process is None:
        redis.start()
    return redis
