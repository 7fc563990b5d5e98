"""The order service, its relay and its worker as processes: settings, logs, an end that loses nothing, and kills."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest

from reference_app.orders.database import SCHEMA
from reference_app.persistence.engines import run_once_reachable
from seatrial.waiting import eventually
from suites.services.backing import PostgreSQL, RedisServer
from suites.services.orders.conftest import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from suites.services.backing import Database, Scratch

_SOON = timedelta(seconds=60)
_TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Service:
    """A running process."""

    name: str
    process: subprocess.Popen[str]
    http: str
    admin: str
    lines: list[str] = field(default_factory=list)

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_SOON.total_seconds())

    def metric(self, name: str) -> float:
        """Return the value of one of its metrics, named with its labels."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", httpx.get(f"{self.admin}/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0


class Run(Protocol):
    def __call__(self, name: str, **settings: str) -> Service: ...


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ORDERS_", "CATALOG_"))}
    return inherited | {"SECRETS_DIRECTORY": "/nonexistent"} | dict(settings)


def _login(prefix: str, database: Database) -> dict[str, str]:
    return {
        f"{prefix}_DATABASE_HOST": database.host,
        f"{prefix}_DATABASE_NAME": database.name,
        f"{prefix}_DATABASE_USERNAME": database.username,
        f"{prefix}_DATABASE_PASSWORD": database.password,
    }


@contextmanager
def _running(name: str, module: str, settings: Mapping[str, str]) -> Iterator[Service]:
    http_port, admin_port = _free_ports()
    prefix = module.upper()
    ports = {f"{prefix}_HTTP_PORT": str(http_port), f"{prefix}_ADMIN_PORT": str(admin_port)}
    process = subprocess.Popen(
        [sys.executable, "-m", f"reference_app.{module}", name],
        env=_environment({f"{prefix}_HOST": "127.0.0.1", **ports, **settings}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    service = Service(name, process, f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{admin_port}")
    assert process.stdout is not None
    reader = threading.Thread(target=service.lines.extend, args=(process.stdout,))
    reader.start()
    try:
        eventually(lambda: _ready(service), until=bool, within=_SOON, what=f"{module} {name} is ready")
        yield service
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _ready(service: Service) -> bool:
    assert service.process.poll() is None, "".join(service.lines)
    try:
        return httpx.get(f"{service.http}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def catalog(stock: Database) -> Iterator[Service]:
    with _running("serve", "catalog", _login("CATALOG", stock)) as service:
        yield service


@pytest.fixture
def settings(database: Database, redis_server: RedisServer, catalog: Service) -> dict[str, str]:
    return _settings(database, redis_server, catalog)


def _settings(database: Database, redis_server: RedisServer, catalog: Service) -> dict[str, str]:
    return {
        **_login("ORDERS", database),
        "ORDERS_MESSAGES_URL": redis_server.url,
        "ORDERS_CATALOG_URL": catalog.http,
        "ORDERS_DRAIN": "0.5",
        "ORDERS_GRACE": "10",
    }


@pytest.fixture
def run(settings: dict[str, str]) -> Iterator[Run]:
    """Starts processes of the order service; they end with the test."""
    with ExitStack() as stack:

        def start(name: str, **changes: str) -> Service:
            return stack.enter_context(_running(name, "orders", settings | changes))

        yield start


def _run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reference_app.orders", *arguments],
        env=_environment(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["serve", "relay", "work"])
def test_what_is_missing_is_named(command: str) -> None:
    ended = _run(command, ORDERS_DATABASE_HOST="h", ORDERS_DATABASE_NAME="n", ORDERS_PRICE_TTL="3")

    assert ended.returncode == 2
    assert [line.partition(" ")[0] for line in ended.stderr.splitlines()] == [
        "ORDERS_DATABASE_USERNAME",
        "ORDERS_DATABASE_PASSWORD",
        "ORDERS_MESSAGES_URL",
        "ORDERS_CATALOG_URL",
        "ORDERS_PRICE_TTL",
    ]


def test_migrate_and_seed_can_run_again(settings: dict[str, str]) -> None:
    first, second = (_run("migrate", "--seed", **settings) for _ in range(2))

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr
    assert [json.loads(ended.stdout.splitlines()[-1])["orders"] for ended in (first, second)] == [60, 0]


def _order(service: Service, products: list[str], key: str | None = None, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{service.http}/orders",
        json={"customer": "ann", "items": [{"product_id": one, "quantity": 1} for one in products]},
        headers={"Idempotency-Key": key or str(uuid.uuid4()), **headers},
        timeout=30,
    )


def _products(catalog: Service, count: int = 1) -> list[str]:
    return [item["id"] for item in httpx.get(f"{catalog.http}/products?limit={count}").json()["items"]]


def test_three_processes_make_an_order_and_each_tells_what_it_did(run: Run, catalog: Service) -> None:
    services = {name: run(name) for name in ("serve", "relay", "work")}

    placed = _order(services["serve"], _products(catalog), traceparent=f"00-{_TRACE}-b7ad6b7169203331-01")
    order = f"{services['serve'].http}{placed.headers['location']}"
    with httpx.stream("GET", f"{order}/events", timeout=30) as stream:
        told = [json.loads(line[6:]) for line in _lines(stream, 2)]

    assert [entry["status"] for entry in told] == ["pending", "confirmed"]
    assert services["serve"].metric("orders_placed_total") == 1
    assert services["relay"].metric('orders_events_published_total{turn="first"}') >= 1
    assert services["relay"].metric("orders_outbox_lag_seconds") < 30
    assert services["work"].metric('orders_saga_outcomes_total{outcome="confirmed"}') == 1
    codes = [service.end() for service in services.values()]
    logs = {name: [json.loads(line) for line in service.lines] for name, service in services.items()}
    assert codes == [0, 0, 0]
    assert {name: {entry["service"] for entry in entries} for name, entries in logs.items()} == {
        "serve": {"orders"},
        "relay": {"orders-relay"},
        "work": {"orders-work"},
    }
    request = next(entry for entry in logs["serve"] if entry.get("route") == "/orders")
    assert (request["trace_id"], request["status"]) == (_TRACE, 201)
    for entries in logs.values():
        ends = [entry["message"] for entry in entries if entry["logger"].endswith("serving")]
        assert ends == ["draining", "stopping"]


def _lines(stream: httpx.Response, number: int) -> Iterator[str]:
    lines = (line for line in stream.iter_lines() if line.startswith("data: "))
    for _ in range(number):
        yield next(lines)


def test_an_end_under_traffic_loses_nothing(run: Run, catalog: Service) -> None:
    service = run("serve", ORDERS_DRAIN="600", ORDERS_GRACE="630")
    products = _products(catalog)
    outcomes: list[int | str] = []
    in_rotation = threading.Event()
    in_rotation.set()

    def customer() -> None:
        # As behind a Service: new requests come until readiness is seen to be off.
        while in_rotation.is_set():
            try:
                outcomes.append(_order(service, products).status_code)
            except httpx.TransportError as error:
                outcomes.append(repr(error))

    customers = [threading.Thread(target=customer) for _ in range(4)]
    for one in customers:
        one.start()
    try:
        _reaches(outcomes, 20, "traffic flows")
        service.process.send_signal(signal.SIGTERM)
        eventually(
            lambda: httpx.get(f"{service.http}/readyz").status_code,
            until=lambda status: status == 503,
            within=_SOON,
            what="readiness goes off",
        )
        before = len(outcomes)
        _reaches(outcomes, before + 10, "traffic goes on while the process drains")
    finally:
        in_rotation.clear()
        for one in customers:
            one.join()
    # The drain is long, so that a slow machine does not end it before the customers have left; this cuts it short.
    code = service.end()

    assert code == 0
    assert set(outcomes) == {201}


def _reaches(outcomes: list[int | str], number: int, what: str) -> None:
    eventually(lambda: len(outcomes), until=lambda seen: seen >= number, within=_SOON, what=what)


def test_a_follower_does_not_hold_up_the_end(run: Run, catalog: Service) -> None:
    service = run("serve", ORDERS_DRAIN="0", ORDERS_GRACE="600")
    order = f"{service.http}{_order(service, _products(catalog)).headers['location']}"

    with httpx.stream("GET", f"{order}/events", timeout=30) as stream:
        (first,) = _lines(stream, 1)
        code = service.end()

    assert json.loads(first[6:])["status"] == "pending"
    assert code == 0


@dataclass
class Fleet:
    """Everything that an order needs, on back ends that survive being killed."""

    postgresql: PostgreSQL
    redis: RedisServer
    database: Database
    settings: dict[str, str]
    stack: ExitStack
    running: dict[str, Service] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one of the processes."""
        self.running[name] = self.stack.enter_context(_running(name, "orders", self.settings))

    def break_and_mend(self, victim: str) -> None:
        """Kill one part without warning and bring it back as Kubernetes would."""
        if victim == "postgresql":
            self.postgresql.kill()
            self.postgresql.start()
        elif victim == "redis":
            self.redis.kill()
            self.redis.start()
        else:
            self.running[victim].process.kill()
            self.running[victim].process.wait()
            self.start(victim)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask the database of the orders."""
        with self.postgresql.administration(self.database.name) as connection:
            return list(connection.execute(query.encode()).fetchall())


@pytest.fixture
def fleet(scratch: Scratch, catalog: Service) -> Iterator[Fleet]:
    with ExitStack() as stack:
        postgresql = PostgreSQL.durable(scratch)
        postgresql.start()
        stack.callback(postgresql.stop)
        postgresql.prepare_role()
        redis = RedisServer(scratch.room("forgetful"))
        redis.start()
        stack.callback(redis.kill)
        database = postgresql.new_database("orders")
        run_once_reachable(settings_for(database).database, SCHEMA.migrate, within=_SOON)
        settings = _settings(database, redis, catalog) | {
            "ORDERS_CLAIM_AFTER": "1",
            "ORDERS_REPUBLISH_AFTER": "2",
            "ORDERS_CATALOG_TIMEOUT": "5",
        }
        fleet = Fleet(postgresql, redis, database, settings, stack)
        for name in ("serve", "relay", "work"):
            fleet.start(name)
        yield fleet


@dataclass
class Customer:
    """Places orders one after the other, each until it is acknowledged, always with the same key."""

    fleet: Fleet
    products: list[str]
    acknowledged: dict[str, str] = field(default_factory=dict)
    repeats: int = 0
    leaving: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Place orders until told to leave."""
        for number in count():
            if self.leaving.is_set():
                return
            self._insist(f"order-{number}")

    def _insist(self, key: str) -> None:
        while True:
            try:
                answer = _order(self.fleet.running["serve"], self.products, key)
            except httpx.TransportError:
                self.repeats += 1
                continue
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["id"]
                return
            assert answer.status_code in {409, 503}, answer.text
            self.repeats += 1
            # Somewhat later, as it is told to.
            self.leaving.wait(0.05)


def test_no_acknowledged_order_is_lost_or_doubled_whatever_is_killed(fleet: Fleet, catalog: Service) -> None:
    _restock(catalog, product := _products(catalog)[0])
    customer = Customer(fleet, [product])
    placing = threading.Thread(target=customer.run)
    placing.start()
    try:
        for victim in (
            "serve",
            "relay",
            "work",
            "redis",
            "postgresql",
            "relay",
            "redis",
            "work",
            "postgresql",
            "serve",
        ):
            seen = len(customer.acknowledged)
            fleet.break_and_mend(victim)
            eventually(
                lambda: len(customer.acknowledged),
                until=lambda now, seen=seen: now >= seen + 10,  # type: ignore[misc]
                within=_SOON,
                what=f"orders are placed after the kill of {victim}",
            )
    finally:
        customer.leaving.set()
        placing.join()
    eventually(
        lambda: fleet.rows("SELECT count(*) FROM outbox WHERE handled_at IS NULL"),
        until=lambda rows: rows == [(0,)],
        within=_SOON,
        what="every event is handled",
    )

    stored = {str(key): str(order) for key, order in fleet.rows("SELECT key, order_id FROM idempotency_keys")}
    assert stored == customer.acknowledged
    assert {str(order) for (order,) in fleet.rows("SELECT id FROM orders")} == set(stored.values())
    assert fleet.rows("SELECT DISTINCT status, version FROM orders") == [("confirmed", 2)]
    assert fleet.rows("SELECT count(*) FROM order_history") == [(2 * len(stored),)]
    assert _stock(catalog, product) == 1_000_000 - len(stored)
    assert len(stored) >= 100


def _restock(catalog: Service, product_id: str) -> None:
    product = httpx.get(f"{catalog.http}/products/{product_id}").json()
    kept = {name: product[name] for name in ("sku", "name", "description", "category_id", "price_cents")}
    answer = httpx.put(
        f"{catalog.http}/products/{product_id}", json=kept | {"stock": 1_000_000}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200


def _stock(catalog: Service, product_id: str) -> int:
    return int(httpx.get(f"{catalog.http}/products/{product_id}").json()["stock"])
