"""Whole services on real back ends and real sockets, in this process, which can be stopped and started again."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

import httpx
import pytest
import uvicorn
from redis import Redis
from sqlalchemy import text

from reference_app.persistence.engines import run_once_reachable
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fastapi import FastAPI
    from sqlalchemy import Connection

    from reference_app.orders.settings import Settings as OrdersSettings
    from suites.services.backing import Database, ObjectStore, PostgreSQL, RedisServer

_SOON = timedelta(seconds=20)


@dataclass
class Running:
    """An application in a thread of its own; each time it starts it is made anew, and it keeps its address."""

    make: Callable[[], FastAPI]
    port: int = 0
    _held: ExitStack = field(default_factory=ExitStack)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return once it is started."""
        self.port = self._held.enter_context(_served(self.make(), self.port))

    def stop(self) -> None:
        """Stop it; nothing happens if it does not run."""
        self._held.close()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Let nobody reach it during the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@contextlib.contextmanager
def _served(app: FastAPI, port: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        try:
            eventually(lambda: server.started, until=bool, within=_SOON, what="the service is started")
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            serving.join()


class Serve(Protocol):
    def __call__(self, make: Callable[[], FastAPI]) -> Running: ...


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serves applications until the module's tests are done."""
    with ExitStack() as stack:

        def started(make: Callable[[], FastAPI]) -> Running:
            running = Running(make)
            running.start()
            stack.callback(running.stop)
            return running

        yield started


def _nobody() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Lent:
    """A service that runs.

    *product* is the id of a product that exists, *reset* gives the service its first data back, *enter* returns the
    cookies of a new visitor.
    """

    running: Running
    product: str
    reset: Callable[[], None]
    enter: Callable[[], Mapping[str, str]] = _nobody

    @property
    def address(self) -> str:
        return self.running.address


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
    settings = Settings.model_validate(_database(postgresql) | {"cache_url": redis.url, "root_path": "/catalog"})

    def plant_anew(connection: Connection) -> None:
        connection.execute(text("TRUNCATE products, categories, reservations"))
        plant(connection)

    def reset() -> None:
        run_once_reachable(settings.database, plant_anew, within=_SOON)
        with Redis.from_url(redis.url) as client:
            client.flushdb()

    run_once_reachable(settings.database, SCHEMA.migrate, within=_SOON)
    reset()
    running = serve(lambda: create_app(settings))
    product = httpx.get(f"{running.address}/products", params={"limit": 1}).json()["items"][0]["id"]
    return Lent(running, product, reset)


@pytest.fixture(scope="module")
def orders_settings(postgresql: PostgreSQL, redis_process: RedisServer, catalog: Lent) -> OrdersSettings:
    """What an order service, its relay and its worker are told."""
    from reference_app.orders.database import SCHEMA  # noqa: PLC0415
    from reference_app.orders.settings import Settings  # noqa: PLC0415

    peers = {"messages_url": _started(redis_process).url, "catalog_url": catalog.address}
    settings = Settings.model_validate(_database(postgresql) | peers)
    run_once_reachable(settings.database, SCHEMA.migrate, within=_SOON)
    return settings


@pytest.fixture(scope="module")
def orders(orders_settings: OrdersSettings, serve: Serve, catalog: Lent) -> Lent:
    """An order service beside a catalogue; its first data are one order."""
    from reference_app.orders.app import create_app  # noqa: PLC0415

    running = serve(lambda: create_app(orders_settings))

    def empty(connection: Connection) -> None:
        connection.execute(text("TRUNCATE orders, outbox, idempotency_keys CASCADE"))

    def reset() -> None:
        run_once_reachable(orders_settings.database, empty, within=_SOON)
        catalog.reset()
        body = {"customer": "ann", "items": [{"product_id": catalog.product, "quantity": 1}]}
        placed = httpx.post(f"{running.address}/orders", json=body, headers={"Idempotency-Key": "the first"})
        assert placed.status_code == HTTPStatus.CREATED, placed.text

    return Lent(running, catalog.product, reset)


@pytest.fixture(scope="module")
def gateway(
    redis_process: RedisServer, object_store_process: ObjectStore, serve: Serve, catalog: Lent, orders: Lent
) -> Iterator[Lent]:
    """A gateway before both, with a store for files."""
    from reference_app.gateway.app import create_app  # noqa: PLC0415
    from reference_app.gateway.settings import Settings  # noqa: PLC0415

    store = _started(object_store_process)
    settings = Settings.model_validate(
        {
            "catalog_url": catalog.address,
            "orders_url": orders.address,
            # Beside the catalogue's cache, which is emptied with its data.
            "session_url": f"{_started(redis_process).url.removesuffix('/0')}/1",
            "s3_endpoint": store.url,
            "s3_bucket": "uploads",
            "s3_make_bucket": True,
            "insecure_cookies": True,
            "rate_limit": 100_000,
            "rate_burst": 100_000,
        }
    )
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "test")
        running = serve(lambda: create_app(settings))

        def enter() -> Mapping[str, str]:
            begun = httpx.post(f"{running.address}/api/session")
            assert begun.status_code == HTTPStatus.CREATED, begun.text
            return dict(begun.cookies)

        yield Lent(running, catalog.product, orders.reset, enter)


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


class _Server(Protocol):
    @property
    def process(self) -> object: ...

    def start(self) -> None: ...


AnyServer = TypeVar("AnyServer", bound=_Server)


def _started(server: AnyServer) -> AnyServer:
    if server.process is None:
        server.start()
    return server
