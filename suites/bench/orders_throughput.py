"""How many orders a second the order service takes with two replicas, beside pgbench with the same SQL."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import httpx
import orjson
import psutil

from reference_app.catalog.database import SCHEMA as CATALOG_SCHEMA
from reference_app.catalog.seed import plant
from reference_app.orders.database import SCHEMA
from reference_app.orders.store import PLACE
from reference_app.persistence.engines import run_once_reachable
from reference_app.persistence.settings import DatabaseSettings
from seatrial.waiting import eventually
from suites.bench.samples import Measurement, ratios
from suites.services.backing import Database, PostgreSQL, RedisServer, Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from seatrial.progress import Progress

SLOWER_THAN_PGBENCH = 2.0
CLIENTS = 16
# As deployed: the floor of the autoscaler.
REPLICAS = 2
WINDOW = timedelta(seconds=5)
_WARM_UP = timedelta(seconds=2)
_SOON = timedelta(seconds=60)
_PRODUCTS = 2
_IDENTITY = "md5(:r::text)"
_PARAMETER = re.compile(r"%\(([a-z]+)\)s")
# What the service sends as parameters, made by the server itself from one random number.
_VALUES = {
    "key": _IDENTITY,
    "fingerprint": "repeat('f', 64)",
    "id": _IDENTITY,
    "answer": "repeat('a', 700)",
    "ttl": "'24 hours'",
    "customer": "'customer'",
    "total": "4200",
    "at": "now()",
    "items": "json_build_array("
    f"json_build_object('position', 1, 'product_id', {_IDENTITY}, 'sku', 'ROPES-001', 'name', 'Harbour mooring line',"
    " 'quantity', 1, 'unit_price_cents', 1400),"
    f" json_build_object('position', 2, 'product_id', {_IDENTITY}, 'sku', 'ROPES-002', 'name', 'Breeze mooring line',"
    " 'quantity', 1, 'unit_price_cents', 1400))",
    "event": _IDENTITY,
    "type": "'order.placed'",
    "data": "jsonb_build_object('customer', 'customer', 'items', repeat('i', 150))",
    "trace": "repeat('t', 55)",
}
# The same rows, as whoever does not know of common table expressions would write them.
_STEPS = """
BEGIN;
INSERT INTO idempotency_keys (key, fingerprint, order_id, answer, expires_at)
VALUES (%(key)s, %(fingerprint)s, CAST(%(id)s AS uuid), %(answer)s, now() + CAST(%(ttl)s AS interval));
INSERT INTO orders (id, customer, status, total_cents, version, created_at, updated_at)
VALUES (CAST(%(id)s AS uuid), %(customer)s, 'pending', %(total)s, 1, %(at)s, %(at)s);
INSERT INTO order_items (order_id, position, product_id, sku, name, quantity, unit_price_cents)
VALUES (CAST(%(id)s AS uuid), 1, CAST(%(id)s AS uuid), 'ROPES-001', 'Harbour mooring line', 1, 1400),
    (CAST(%(id)s AS uuid), 2, CAST(%(id)s AS uuid), 'ROPES-002', 'Breeze mooring line', 1, 1400);
INSERT INTO order_history (order_id, sequence, status, at) VALUES (CAST(%(id)s AS uuid), 1, 'pending', %(at)s);
INSERT INTO outbox (id, order_id, type, sequence, at, data, traceparent)
VALUES (CAST(%(event)s AS uuid), CAST(%(id)s AS uuid), %(type)s, 1, %(at)s, CAST(%(data)s AS jsonb), %(trace)s);
COMMIT;
"""


@dataclass(frozen=True)
class Window:
    """What the service did in one window, and the processor time that its replicas took for that."""

    orders: int
    elapsed: timedelta
    processor: timedelta
    slowest_of_hundred: timedelta

    @property
    def per_second(self) -> float:
        """Orders a second."""
        return self.orders / self.elapsed.total_seconds()

    @property
    def per_processor_second(self) -> float:
        """Orders per second of processor time."""
        return self.orders / self.processor.total_seconds()


@dataclass(frozen=True)
class _Service:
    processes: Sequence[psutil.Process]
    ports: Sequence[int]
    products: Sequence[str]


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Take turns, *rounds* times: pgbench with the service's own statement, in single statements, and the service."""
    single: list[float] = []
    steps: list[float] = []
    ours: list[Window] = []
    with ExitStack() as stack:
        scratch = stack.enter_context(Scratch.opened())
        server = PostgreSQL.durable(scratch)
        server.start()
        stack.callback(server.stop)
        server.prepare_role()
        redis = RedisServer(scratch.room("redis"))
        redis.start()
        stack.callback(redis.kill)
        orders, catalog = server.new_database("orders"), server.new_database("catalog")
        _prepare(orders, SCHEMA.migrate)
        _prepare(catalog, _planted)
        service = stack.enter_context(_running(orders, catalog, redis))
        with progress.phase("Placing orders"):
            asyncio.run(_load(service, _WARM_UP))
            for _ in range(rounds):
                single.append(_pgbench(server, orders, scratch, PLACE))
                steps.append(_pgbench(server, orders, scratch, _STEPS))
                ours.append(asyncio.run(_load(service, WINDOW)))
    rate = [window.per_second for window in ours]
    return [
        Measurement("pgbench with the one statement of ours over the order service", "x", ratios(single, rate)),
        Measurement(
            "pgbench in single statements over the order service", "x", ratios(steps, rate), SLOWER_THAN_PGBENCH
        ),
        Measurement("pgbench with the same statement", "1/s", tuple(single)),
        Measurement("pgbench in single statements", "1/s", tuple(steps)),
        Measurement(f"orders placed by {REPLICAS} replicas", "1/s", tuple(rate)),
        Measurement("orders placed per processor second", "1/s", tuple(one.per_processor_second for one in ours)),
        Measurement(
            "placing an order, p99", "ms", tuple(one.slowest_of_hundred / timedelta(milliseconds=1) for one in ours)
        ),
    ]


def _prepare(database: Database, work: object) -> None:
    settings = DatabaseSettings.model_validate(_login(database))
    run_once_reachable(settings.database, work, within=_SOON)  # type: ignore[arg-type]


def _planted(connection: Connection) -> None:
    CATALOG_SCHEMA.migrate(connection)
    plant(connection)


def _login(database: Database) -> dict[str, str]:
    return {
        "database_host": database.host,
        "database_name": database.name,
        "database_username": database.username,
        "database_password": database.password,
    }


def _script(statements: str) -> str:
    return (
        "\\set r random(1, 9000000000000000000)\n"
        + _PARAMETER.sub(lambda match: _VALUES[match[1]], statements.strip()).rstrip(";")
        + ";\n"
    )


def _pgbench(server: PostgreSQL, database: Database, scratch: Scratch, statements: str) -> float:
    script = scratch.folder / "place.sql"
    script.write_text(_script(statements), encoding="utf-8")
    ended = subprocess.run(
        [
            *("/usr/lib/postgresql/15/bin/pgbench", "--no-vacuum", "--protocol", "prepared", "--file", str(script)),
            *("--client", str(CLIENTS), "--jobs", "2", "--time", str(int(WINDOW.total_seconds()))),
            *("--host", str(server.room), "--username", "postgres", database.name),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([0-9.]+)", ended.stdout)
    if found is None:
        raise LookupError(ended.stdout + ended.stderr)
    return float(found[1])


@contextmanager
def _running(orders: Database, catalog: Database, redis: RedisServer) -> Iterator[_Service]:
    with ExitStack() as stack:
        _, catalog_port = stack.enter_context(_process("catalog", catalog, {}))
        settings = {
            "messages_url": redis.url,
            "catalog_url": f"http://127.0.0.1:{catalog_port}",
            "database_pool_size": str(CLIENTS // REPLICAS),
        }
        replicas = [stack.enter_context(_process("orders", orders, settings)) for _ in range(REPLICAS)]
        page = httpx.get(f"http://127.0.0.1:{catalog_port}/products", params={"limit": _PRODUCTS}).json()
        yield _Service(
            [psutil.Process(process) for process, _ in replicas],
            [port for _, port in replicas],
            [item["id"] for item in page["items"]],
        )


@contextmanager
def _process(name: str, database: Database, settings: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    ports = _free_ports()
    told = {
        **_login(database),
        **settings,
        "host": "127.0.0.1",
        "http_port": str(ports[0]),
        "admin_port": str(ports[1]),
    }
    environment = {f"{name}_{key}".upper(): value for key, value in told.items()}
    with subprocess.Popen(
        [sys.executable, "-m", f"reference_app.{name}", "serve"],
        env=os.environ | {"SECRETS_DIRECTORY": "/nonexistent"} | environment,
        # The access log is part of the service and written, only not kept.
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            ready = partial(_ready, f"http://127.0.0.1:{ports[0]}/readyz")
            eventually(ready, until=bool, within=_SOON, what=f"{name} is ready")
            yield process.pid, ports[0]
        finally:
            process.kill()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


class _Customer(asyncio.Protocol):
    """Asks for one order after the other on one connection, in as little code as will do, for it shares the machine."""

    def __init__(self, service: _Service, until: float, latencies: list[float]) -> None:
        self._until = until
        self._latencies = latencies
        self._run = uuid.uuid4().hex
        self._number = count()
        self._asked = 0.0
        self._received = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        items = [{"product_id": product, "quantity": 1} for product in service.products]
        body = orjson.dumps({"customer": "customer", "items": items})
        head = "POST /orders HTTP/1.1\r\nHost: orders\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        self._before, self._after = f"{head}Idempotency-Key: ".encode(), b"\r\n\r\n" + body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if not end or length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 201"):
            self.ended.set_exception(RuntimeError(self._received.decode()))
            return
        self._received = b""
        self._latencies.append(time.perf_counter() - self._asked)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked >= self._until:
            self._transport.close()
            self.ended.set_result(None)
            return
        self._transport.write(b"%b%b-%d%b" % (self._before, self._run.encode(), next(self._number), self._after))


async def _load(service: _Service, window: timedelta) -> Window:
    latencies: list[float] = []
    used, began = _processor(service.processes), time.perf_counter()
    until = began + window.total_seconds()
    loop = asyncio.get_running_loop()
    customers: list[_Customer] = []
    for number in range(CLIENTS):
        port = service.ports[number % REPLICAS]
        with closing(socket.create_connection(("127.0.0.1", port))) as connection:
            _, customer = await loop.create_connection(
                lambda: _Customer(service, until, latencies), sock=connection.dup()
            )
        customers.append(customer)
    await asyncio.gather(*(customer.ended for customer in customers))
    elapsed = timedelta(seconds=time.perf_counter() - began)
    slowest = sorted(latencies)[int(len(latencies) * 0.99)]
    return Window(len(latencies), elapsed, _processor(service.processes) - used, timedelta(seconds=slowest))


def _processor(processes: Sequence[psutil.Process]) -> timedelta:
    times = [process.cpu_times() for process in processes]
    return timedelta(seconds=sum(one.user + one.system for one in times))
