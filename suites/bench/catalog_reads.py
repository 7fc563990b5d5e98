"""What the cache of the catalogue is worth, and which server, event loop and parser serve it at the least cost.

Costs are in requests per second of the server's own processor time, so that what else the machine does hardly counts.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, cast

import httpx
import psutil
import uvicorn
import uvloop

from reference_app.catalog.app import create_app
from reference_app.catalog.database import SCHEMA
from reference_app.catalog.seed import plant
from reference_app.catalog.settings import Settings
from reference_app.persistence.engines import run_once_reachable
from reference_app.telemetry.configuration import load_settings
from reference_app.telemetry.logs import configure_logs
from seatrial.waiting import eventually
from suites.bench.samples import Measurement, ratios
from suites.services.backing import Database, PostgreSQL, RedisServer, Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from seatrial.progress import Progress

CACHE_WORTH = 5.0
HIT_P99_MILLISECONDS = 5.0
CLIENTS = 16
WINDOW = timedelta(seconds=3)
_WARM_UP = timedelta(seconds=1)
_SOON = timedelta(seconds=60)
_UTILISED = 0.5
# Of the ways to serve the same application, the first is the one that the others are held against.
PLAIN = (
    "uvicorn asyncio h11",
    "uvicorn asyncio httptools",
    "uvicorn uvloop h11",
    "uvicorn uvloop httptools",
    "granian",
)


@dataclass
class Window:
    """What a stretch of load brought: requests answered, the server's processor time, and each latency."""

    answered: int = 0
    processor: timedelta = timedelta()
    took: timedelta = timedelta()
    latencies: list[float] = field(default_factory=list)

    @property
    def per_processor_second(self) -> float:
        """Requests per second of the server's processor time."""
        return self.answered / self.processor.total_seconds()


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Read one product with and without the cache, in turn; then at half of what the cached one can."""
    with progress.phase("Reading the catalogue with and without its cache"), back_ends() as (database, redis):
        cached, bare, late = [], [], []
        for _ in range(rounds):
            with running("serve", database, redis) as service:
                hit = _load(service, WINDOW)
                half = hit.answered / hit.took.total_seconds() * _UTILISED
                late += [1000 * one for one in _load(service, WINDOW, rate=half).latencies]
                cached.append(hit.per_processor_second)
            with running("serve", database, None) as service:
                bare.append(_load(service, WINDOW).per_processor_second)
    return [
        Measurement("a product from the cache", "requests/CPU s", tuple(cached)),
        Measurement("a product from the database", "requests/CPU s", tuple(bare)),
        Measurement(
            "a product from the cache over from the database, cost", "x", ratios(bare, cached), 1 / CACHE_WORTH
        ),
        Measurement("a product from the cache at half load, p99", "ms", tuple(late), HIT_P99_MILLISECONDS, 0.99),
    ]


def measure_choices(progress: Progress, rounds: int) -> list[Measurement]:
    """Serve the same application, with what is cached, in each way of `PLAIN` and as it is deployed, in turn."""
    ways = (*PLAIN, "serve")
    found: dict[str, list[float]] = {way: [] for way in ways}
    with progress.phase("Serving the catalogue in several ways"), back_ends() as (database, redis):
        for _ in range(rounds):
            for way in ways:
                with running(way, database, redis) as service:
                    found[way].append(_load(service, WINDOW).per_processor_second)
    return [
        *(Measurement(f"cached, {way}", "requests/CPU s", tuple(found[way])) for way in ways),
        *(Measurement(f"{way} over {PLAIN[0]}", "x", ratios(found[way], found[PLAIN[0]])) for way in ways[1:]),
    ]


@contextmanager
def back_ends() -> Iterator[tuple[Database, RedisServer]]:
    """Run a database with the sample catalogue in it, and a cache."""
    with ExitStack() as stack:
        scratch = stack.enter_context(Scratch.opened())
        postgresql = PostgreSQL.created(scratch)
        postgresql.start()
        stack.callback(postgresql.stop)
        postgresql.prepare_role()
        redis = RedisServer(scratch.room("redis"))
        redis.start()
        stack.callback(redis.kill)
        database = postgresql.new_database()
        run_once_reachable(_settings(database).database, _prepare, within=_SOON)
        yield database, redis


def _prepare(connection: Connection) -> None:
    SCHEMA.migrate(connection)
    plant(connection)


def _settings(database: Database) -> Settings:
    return Settings.model_validate(
        {name.removeprefix("CATALOG_").lower(): value for name, value in _login(database).items()}
    )


def _login(database: Database) -> Mapping[str, str]:
    return {
        "CATALOG_DATABASE_HOST": database.host,
        "CATALOG_DATABASE_NAME": database.name,
        "CATALOG_DATABASE_USERNAME": database.username,
        "CATALOG_DATABASE_PASSWORD": database.password,
    }


@dataclass(frozen=True)
class Service:
    """The catalogue under way: its process, where it listens, and the path of each product."""

    process: psutil.Process
    port: int
    paths: tuple[str, ...]

    @property
    def processor(self) -> timedelta:
        """Processor time that it and its workers have taken."""
        spent = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return timedelta(seconds=sum(one.user + one.system for one in spent))


@contextmanager
def running(way: str, database: Database, redis: RedisServer | None) -> Iterator[Service]:
    """Serve the catalogue in the given *way* ("serve" is as deployed), with or without its cache, warmed up."""
    port, administration = _free_ports()
    environment = {
        **os.environ,
        **_login(database),
        "CATALOG_HOST": "127.0.0.1",
        "CATALOG_HTTP_PORT": str(port),
        "CATALOG_ADMIN_PORT": str(administration),
        "CATALOG_DRAIN": "0",
        "CATALOG_ROOT_PATH": "/catalog",
        "SECRETS_DIRECTORY": "/nonexistent",
        **({} if redis is None else {"CATALOG_CACHE_URL": redis.url}),
    }
    module = "reference_app.catalog" if way == "serve" else __spec__.name
    process = subprocess.Popen([sys.executable, "-m", module, way], env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _ready(url), until=bool, within=_SOON, what=f"the catalogue is ready ({way})")
        products = httpx.get(f"{url}/products", params={"limit": 100}).json()["items"]
        paths = tuple(f"/products/{product['id']}" for product in products)
        service = Service(psutil.Process(process.pid), port, paths)
        _load(service, _WARM_UP)
        yield service
    finally:
        process.terminate()
        process.wait(_SOON.total_seconds())


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _load(service: Service, window: timedelta, *, rate: float | None = None) -> Window:
    """Read the product for *window*: as fast as it goes, or *rate* times a second whatever the answers take."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_loaded(service, window, rate))


async def _loaded(service: Service, window: timedelta, rate: float | None) -> Window:
    seen = Window()
    loop = asyncio.get_running_loop()
    began, processor = loop.time(), service.processor
    until = began + window.total_seconds()
    pause = None if rate is None else CLIENTS / rate
    connections = []
    for number in range(CLIENTS):
        # Each begins elsewhere: two who read the same at the same time would share one reading of the database.
        paths = service.paths[number * len(service.paths) // CLIENTS :] + service.paths
        client = partial(_Client, cycle(paths), seen, until, began + number / (rate or 1), pause)
        connections.append(await loop.create_connection(client, "127.0.0.1", service.port))
    for _, connected in connections:
        connected.go()
    await asyncio.sleep(until - loop.time())
    seen.took = timedelta(seconds=loop.time() - began)
    seen.processor = service.processor - processor
    for transport, _ in connections:
        transport.abort()
    await asyncio.sleep(0)
    return seen


class _Client(asyncio.Protocol):
    """Asks again as soon as it is answered, or at its turn; latencies count from the turn, late or not."""

    def __init__(self, paths: Iterator[str], seen: Window, until: float, turn: float, pause: float | None) -> None:
        self._paths = paths
        self._seen, self._until, self._turn, self._pause = seen, until, turn, pause
        self._loop = asyncio.get_running_loop()
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def go(self) -> None:
        """Ask, now or when it is time."""
        request = f"GET {next(self._paths)} HTTP/1.1\r\nHost: catalog\r\n\r\n".encode()
        if self._pause is None:
            self._turn = self._loop.time()
            self._transport.write(request)
        else:
            self._loop.call_at(self._turn, self._transport.write, request)

    def data_received(self, data: bytes) -> None:
        if not self._left:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise AssertionError(head.decode())
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self._left = int(length.partition(b":")[2]) - len(body)
        else:
            self._left -= len(data)
        if self._left:
            return
        now = self._loop.time()
        if now > self._until:
            self._transport.close()
            return
        self._seen.answered += 1
        self._seen.latencies.append(now - self._turn)
        if self._pause is not None:
            self._turn += self._pause
        self.go()


def _serve(way: str) -> None:
    """Serve the catalogue in the given *way*, without what the deployed one adds."""
    settings = load_settings(Settings)
    configure_logs("catalog", settings.log_level)
    if way == "granian":
        from granian.constants import Interfaces  # noqa: PLC0415 - only this way needs it
        from granian.server.embed import Server  # noqa: PLC0415

        server = Server(
            create_app(settings),
            address="127.0.0.1",
            port=settings.http_port,
            interface=Interfaces.ASGI,
            log_enabled=False,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve())
        return
    _, loop, parser = way.split()
    config = uvicorn.Config(
        create_app(settings),
        host="127.0.0.1",
        port=settings.http_port,
        loop=loop,
        http=parser,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    _serve(sys.argv[1])
