"""The order service and all it leans on, as real processes on this machine, each of which can be killed.

PostgreSQL keeps its promises on disk here (a killed one starts again on its data); Redis keeps its memory or not, as
the soak asks for. Everything ends with the thread that started it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx
import psutil

from seatrial.load.bookkeeper import Bookkeeper
from seatrial.load.shop import Shop
from seatrial.waiting import eventually
from suites.services.backing import PostgreSQL, processes_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from suites.services.backing import Database, RedisServer

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = "reference_app.catalog"
ORDERS = "reference_app.orders"
# A machine that is busy with something else starts eight processes slowly.
SOON = timedelta(minutes=3)
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Freezable(PostgreSQL):
    """A PostgreSQL that can be kept from working for a while."""

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep the server from doing anything during the block, while its connections stay open."""
        family = processes_in(self.room)
        _signal(family, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(family, signal.SIGCONT)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # Connections end at any time.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


class Running(Protocol):
    """A process under way, as `subprocess` has it."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...

    def terminate(self) -> None: ...


class Launch(Protocol):
    """Starts the module and arguments in *words* as a process that writes what it says to *log*."""

    def __call__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> Running: ...


def spawn(words: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
    """Start them as a deployment does: in a new interpreter."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [*_ENDS_WITH_US, sys.executable, "-m", *words],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


@dataclass
class Program:
    """One process of a service: how it is started, where it answers, and where its log goes."""

    words: Sequence[str]
    environment: Mapping[str, str]
    port: int
    log: Path
    launch: Launch = spawn
    process: Running | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and do not wait."""
        self.process = self.launch(self.words, self.environment, self.log)

    def wait_ready(self) -> None:
        """Return once it says that it is ready. Raises NotObserved, or AssertionError when it has ended."""
        eventually(self._ready, until=bool, within=SOON, what=f"{' '.join(self.words)} is ready (log: {self.log})")

    def kill(self) -> None:
        """End it without warning; nothing happens if it is not running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep it from doing anything during the block, while its connections stay open."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(SOON.total_seconds())
        self.process = None
        return code

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Stage:
    """A catalogue, and an order service with as many processes of each role as its parts list."""

    postgresql: Freezable
    messages: RedisServer
    catalogue: Program
    serving: list[Program]
    relays: list[Program]
    workers: list[Program]
    orders_database: Database
    products: tuple[str, ...] = ()
    prices: dict[str, set[int]] = field(default_factory=dict)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All processes of the services, the catalogue first."""
        return (self.catalogue, *self.serving, *self.relays, *self.workers)

    @property
    def shop(self) -> Shop:
        """Where customers order."""
        return Shop(tuple(program.url for program in self.serving))

    def bookkeeper(self, run: str) -> Bookkeeper:
        """Return who reads the orders of *run*."""
        return Bookkeeper(self.shop, run, Shop((f"{self.catalogue.url}/catalog",)))

    def start(self) -> None:
        """Start every process of the services that is not running, and return once all are ready."""
        for program in self.programs:
            if program.process is None:
                program.start()
        for program in self.programs:
            program.wait_ready()

    def stop(self) -> None:
        """End every process of the services at once."""
        for program in self.programs:
            program.kill()

    def offer(self, stocks: Sequence[int]) -> tuple[str, ...]:
        """Put a product of each of *stocks* into the catalogue, priced by its place in the list; return their ids."""
        with httpx.Client(base_url=f"{self.catalogue.url}/catalog", trust_env=False, timeout=30) as client:
            category = client.get("/categories?limit=1").raise_for_status().json()["items"][0]["id"]
            offered = []
            for number, stock in enumerate(stocks):
                word = os.urandom(5).hex()
                draft = {
                    "sku": f"SOAK-{word.upper()}",
                    "name": f"Soak {word}",
                    "category_id": category,
                    "price_cents": 100 + number,
                    "stock": stock,
                }
                product = client.post("/products", json=draft).raise_for_status().json()["id"]
                self.prices[product] = {100 + number}
                offered.append(product)
        self.products = (*self.products, *offered)
        return tuple(offered)

    def reprice(self, product: str) -> None:
        """Let *product* cost one cent more from now on."""
        with httpx.Client(base_url=f"{self.catalogue.url}/catalog", trust_env=False, timeout=30) as client:
            # Orders change the stock, and with it the version, all the time.
            eventually(lambda: self._dearer(client, product), until=bool, within=SOON, what="the price is changed")

    def _dearer(self, client: httpx.Client, product: str) -> bool:
        shown = client.get(f"/products/{product}")
        if shown.status_code != 200:
            return False
        body = {name: shown.json()[name] for name in ("sku", "name", "description", "category_id", "stock")}
        price = shown.json()["price_cents"] + 1
        # Known before it is in force, so that no order is ahead of what is known.
        self.prices[product].add(price)
        changed = client.put(
            f"/products/{product}", json={**body, "price_cents": price}, headers={"If-Match": shown.headers["etag"]}
        )
        return changed.status_code == 200

    def unhandled(self) -> int:
        """Return how many events are still on their way, as the order service itself keeps count."""
        with self.postgresql.administration(self.orders_database.name) as connection:
            row = connection.execute("SELECT count(*) FROM outbox WHERE handled_at IS NULL").fetchone()
        assert row is not None
        return int(row[0])

    def settle(self, run: str, *, within: timedelta = timedelta(minutes=3)) -> None:
        """Return once no order of *run* is pending and no event on its way. Raises NotObserved."""
        bookkeeper = self.bookkeeper(run)
        eventually(
            lambda: (self.unhandled(), bookkeeper.pending()),
            until=lambda left: left == (0, 0),
            within=within,
            what="every event is handled and every order decided upon",
        )


@dataclass(frozen=True)
class Builder:
    """Makes stages on one PostgreSQL; *folder* keeps the logs."""

    postgresql: Freezable
    folder: Path
    launch: Launch = spawn

    def catalogue(self) -> Program:
        """Return a catalogue with the sample products, not started."""
        database = self.postgresql.new_database("catalogue")
        settings: Mapping[str, str] = _settings("CATALOG", database) | {"CATALOG_ROOT_PATH": "/catalog"}
        self._prepare((CATALOGUE, "migrate", "--seed"), settings)
        return self._program((CATALOGUE, "serve"), settings, "catalogue")

    def stage(
        self,
        messages: RedisServer,
        catalogue: Program,
        *,
        serving: int = 1,
        relays: int = 1,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
        launch: Launch | None = None,
    ) -> Stage:
        """Return an order service on a database of its own, not started; *launch* starts its processes."""
        database = self.postgresql.new_database("orders")
        common = _settings("ORDERS", database) | {
            "ORDERS_MESSAGES_URL": messages.url,
            "ORDERS_CATALOG_URL": catalogue.url,
            "ORDERS_REPUBLISH_AFTER": "5",
            "ORDERS_CLAIM_AFTER": "3",
            **(settings or {}),
        }
        self._prepare((ORDERS, "migrate"), common)

        def made(role: str, count: int) -> list[Program]:
            return [self._program((ORDERS, role), common, f"{role}-{number}", launch) for number in range(count)]

        return Stage(
            postgresql=self.postgresql,
            messages=messages,
            catalogue=catalogue,
            serving=made("serve", serving),
            relays=made("relay", relays),
            workers=made("work", workers),
            orders_database=database,
        )

    def _program(
        self, words: Sequence[str], settings: Mapping[str, str], name: str, launch: Launch | None = None
    ) -> Program:
        prefix = "CATALOG" if words[0] == CATALOGUE else "ORDERS"
        http, administration = free_ports(2)
        ports = {f"{prefix}_HTTP_PORT": str(http), f"{prefix}_ADMIN_PORT": str(administration)}
        return Program(
            words, environment({**settings, **ports}), http, self.folder / f"{name}-{http}.log", launch or self.launch
        )

    def _prepare(self, words: Sequence[str], settings: Mapping[str, str]) -> None:
        """Run a command of a service to its end. Raises AssertionError, with what it said, when it fails."""
        log = self.folder / f"{'-'.join(words)}.log"
        code = self.launch(words, environment(settings), log).wait(SOON.total_seconds())
        assert code == 0, log.read_text(errors="replace")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without settings of the services but *settings*."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("CATALOG_", "ORDERS_"))}
    return {**inherited, "SECRETS_DIRECTORY": "/nonexistent", **settings}


def _settings(prefix: str, database: Database) -> dict[str, str]:
    return {
        f"{prefix}_HOST": "127.0.0.1",
        f"{prefix}_DATABASE_HOST": database.host,
        f"{prefix}_DATABASE_NAME": database.name,
        f"{prefix}_DATABASE_USERNAME": database.username,
        f"{prefix}_DATABASE_PASSWORD": database.password,
        f"{prefix}_LOG_LEVEL": "WARNING",
        f"{prefix}_DRAIN": "1",
        f"{prefix}_GRACE": "5",
    }


def free_ports(count: int) -> list[int]:
    """Return *count* ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
