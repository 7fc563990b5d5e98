"""What the gateway costs: a GET through it beside the same GET without it, and beside a proxy as one writes it first.

All are processes of their own on this machine. Processor time is that of the processes that serve; the traffic comes
from this one and is not in the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import httpx
import psutil
import uvloop
from fastapi import FastAPI, Request, Response
from pydantic_settings import SettingsConfigDict

from reference_app.telemetry.configuration import ServiceSettings, load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.logs import configure_logs
from reference_app.telemetry.serving import serve
from seatrial.waiting import eventually
from suites.bench import catalog_reads
from suites.bench.samples import Measurement, ratios

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seatrial.progress import Progress

COST_OVER_DIRECT = 2.0
COST_OVER_NAIVE = 1 / 3
ADDED_P99_MS = 1.5
_ROOT = Path(__file__).resolve().parents[2]
_START = timedelta(seconds=30)
_CONNECTIONS = 8
_WARMING = 100
_PER_CONNECTION = 300
_ALONE = 500
_HALF_LOAD = timedelta(seconds=3)
_HOST = "127.0.0.1"
_PATH = "/catalog/products/4c1f8ad7-0f6c-4ce5-8a3c-6d7d1f6f2a11"
_PRODUCT = b'{"id":"4c1f8ad7-0f6c-4ce5-8a3c-6d7d1f6f2a11","description":"%b"}' % (b"x" * 400)
_NOT_PASSED_ON = frozenset({"host", "content-length", "date", "transfer-encoding", "connection"})


class _PeerSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="bench_")


def _serve_peer() -> None:
    """Serve one product in the way each service of the shop serves: FastAPI, with all that is around a request."""
    settings = load_settings(_PeerSettings)
    configure_logs("peer", settings.log_level)
    instruments = Instruments.of(settings)
    app = FastAPI(openapi_url=None)

    @app.get("/catalog/products/{product_id}")
    async def read_product(product_id: str) -> Response:
        return Response(_PRODUCT, media_type="application/json", headers={"ETag": f'"{len(product_id)}"'})

    instruments.attach(app)
    serve(app, instruments, settings)


def naive() -> FastAPI:
    """Return a proxy as one writes it first: FastAPI in front, httpx behind, each body read whole, and nothing else."""
    app = FastAPI(openapi_url=None)
    client = httpx.AsyncClient(base_url=os.environ["NAIVE_PEER"], trust_env=False)

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def pass_on(path: str, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        answer = await client.request(
            request.method, f"/{path}", params=request.query_params, content=await request.body(), headers=headers
        )
        kept = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_ON}
        return Response(answer.content, answer.status_code, kept)

    return app


@dataclass(frozen=True)
class _Server:
    process: psutil.Process
    port: int
    path: str = _PATH

    def processor_seconds(self) -> float:
        """Return the processor time it has used so far, with that of its children."""
        used = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in used))


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, settings: Mapping[str, str]) -> Iterator[_Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=_ROOT,
        env={**os.environ, "SECRETS_DIRECTORY": "/nonexistent", **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended at once, with code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    try:
        eventually(answers, until=bool, within=_START, what=f"{command[0]} listens")
        yield _Server(psutil.Process(process.pid), port)
    finally:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _gateway(port: int, administration: int, catalog: int, nobody: int) -> Mapping[str, str]:
    return {
        "GATEWAY_HOST": _HOST,
        "GATEWAY_HTTP_PORT": str(port),
        "GATEWAY_ADMIN_PORT": str(administration),
        "GATEWAY_CATALOG_URL": f"http://{_HOST}:{catalog}",
        # What passes through needs none of these, so nobody has to be there.
        "GATEWAY_ORDERS_URL": f"http://{_HOST}:{nobody}",
        "GATEWAY_SESSION_URL": f"redis://{_HOST}:{nobody}/0",
        "GATEWAY_S3_BUCKET": "nothing-is-kept",
        "GATEWAY_RATE_LIMIT": "1000000",
        "GATEWAY_RATE_BURST": "1000000",
    }


@contextlib.contextmanager
def _all_running() -> Iterator[tuple[_Server, _Server, _Server]]:
    peer, peer_admin, gateway, gateway_admin, simple, nobody = _free_ports(6)
    host = _HOST
    told_peer = {"BENCH_HOST": host, "BENCH_HTTP_PORT": str(peer), "BENCH_ADMIN_PORT": str(peer_admin)}
    told_gateway = _gateway(gateway, gateway_admin, peer, nobody)
    uvicorn = ["uvicorn", "--factory", f"{__spec__.name}:naive", "--host", host, "--port", str(simple)]
    uvicorn += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with (
        _running([__spec__.name, "peer"], peer, told_peer) as direct,
        _running(["reference_app.gateway", "serve"], gateway, told_gateway) as ours,
        _running(uvicorn, simple, {"NAIVE_PEER": f"http://{host}:{peer}"}) as baseline,
    ):
        yield direct, ours, baseline


@contextlib.contextmanager
def _catalogue_running() -> Iterator[tuple[_Server, _Server]]:
    """Run the catalogue as it is deployed, with its database and its cache, and the gateway in front of it."""
    gateway, administration, nobody = _free_ports(3)
    with (
        catalog_reads.back_ends() as (database, redis),
        catalog_reads.running("serve", database, redis) as catalogue,
        _running(
            ["reference_app.gateway", "serve"], gateway, _gateway(gateway, administration, catalogue.port, nobody)
        ) as ours,
    ):
        path = f"/catalog{catalogue.paths[0]}"
        yield _Server(catalogue.process, catalogue.port, path), replace(ours, path=path)


class _Customer(asyncio.Protocol):
    """One connection, and one request at a time on it; as little work as the answer allows."""

    def __init__(self, path: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: shop.seatrial.test\r\nAccept: application/json\r\n"
            "Accept-Encoding: gzip\r\nUser-Agent: bench\r\n\r\n"
        ).encode()
        self._transport: asyncio.Transport | None = None
        self._seen = bytearray()
        self._answered: asyncio.Future[None] | None = None

    @classmethod
    async def connected(cls, server: _Server) -> _Customer:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(partial(cls, server.path), _HOST, server.port))[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports without being derived from asyncio's class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        # A product ends with these, and holds no line break; each answer carries it whole.
        if self._seen.endswith((b"}", b"}\r\n0\r\n\r\n")) and self._answered is not None:
            waiting, self._answered = self._answered, None
            if self._seen.startswith(b"HTTP/1.1 200 "):
                waiting.set_result(None)
            else:
                waiting.set_exception(RuntimeError(f"not the product: {bytes(self._seen[:200])!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None:
            self._answered.set_exception(exc or RuntimeError(f"no answer; last seen {bytes(self._seen[:200])!r}"))

    async def ask(self) -> float:
        """Ask for the product and return how many milliseconds that took."""
        assert self._transport is not None
        self._seen.clear()
        self._answered = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self._transport.write(self._request)
        await self._answered
        return (time.perf_counter() - began) * 1e3

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _asked(server: _Server, connections: int, each: int) -> list[float]:
    """Let each of so many customers ask without a pause, and return how long each answer took."""
    customers = [await _Customer.connected(server) for _ in range(connections)]

    async def stay(customer: _Customer) -> list[float]:
        return [await customer.ask() for _ in range(each)]

    try:
        return [taken for one in await asyncio.gather(*map(stay, customers)) for taken in one]
    finally:
        for customer in customers:
            customer.leave()


async def _asked_at(server: _Server, rate: float) -> list[float]:
    """Ask at *rate* per second, whether or not earlier answers are there; the clock starts when a request was due."""
    resting: deque[_Customer] = deque()
    made: list[_Customer] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    count = int(rate * _HALF_LOAD.total_seconds())

    async def one(due: float) -> float:
        if not resting:
            customer = await _Customer.connected(server)
            made.append(customer)
        else:
            customer = resting.pop()
        await customer.ask()
        resting.append(customer)
        return (loop.time() - due) * 1e3

    asking = []
    for number in range(count):
        due = began + number / rate
        if (early := due - loop.time()) > 0:
            # Not a wait for something to become true, but the pace of the traffic.
            await asyncio.sleep(early)
        asking.append(asyncio.create_task(one(due)))
    try:
        return list(await asyncio.gather(*asking))
    finally:
        for customer in made:
            customer.leave()


def _unpaused(server: _Server, connections: int, each: int) -> list[float]:
    return uvloop.run(_asked(server, connections, each))


def _p99_at(server: _Server, rate: float) -> float:
    return _quantile(uvloop.run(_asked_at(server, rate)), 0.99)


def _median_alone(server: _Server) -> float:
    return _quantile(_unpaused(server, 1, _ALONE), 0.5)


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class _Cost:
    """What a request cost each server that took part, in microseconds of processor time, and how many a second."""

    each: tuple[float, ...]
    per_second: float


def _cost(asked: _Server, *others: _Server) -> _Cost:
    """Ask *asked* under load and return what a request costs it and *others*."""
    servers = (asked, *others)
    before, began = [server.processor_seconds() for server in servers], time.perf_counter()
    count = len(_unpaused(asked, _CONNECTIONS, _PER_CONNECTION))
    took = time.perf_counter() - began
    spent = (server.processor_seconds() - used for server, used in zip(servers, before, strict=True))
    return _Cost(tuple(seconds / count * 1e6 for seconds in spent), count / took)


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Ask the peer itself, the gateway and the naive proxy in turn, *rounds* times."""
    alone: list[float] = []
    through: list[float] = []
    ours: list[float] = []
    simple: list[float] = []
    quick: list[float] = []
    slower: list[float] = []
    added: list[float] = []
    with _all_running() as (peer, gateway, baseline), progress.phase("Proxied beside direct and naive"):
        for server in (peer, gateway, baseline):
            _unpaused(server, _CONNECTIONS, _WARMING)
        for _ in range(rounds):
            alone += _cost(peer).each
            proxied = _cost(gateway, peer)
            ours.append(proxied.each[0])
            through.append(sum(proxied.each))
            simple += _cost(baseline).each
            quick.append(_median_alone(peer))
            slower.append(_median_alone(gateway))
            without = _p99_at(peer, proxied.per_second / 2)
            added.append(_p99_at(gateway, proxied.per_second / 2) - without)
    return [
        *_beside_the_catalogue(progress, rounds),
        Measurement("a GET of an all but empty service, processor time", "us", tuple(alone)),
        Measurement("an all but empty service through the gateway, processor time of both", "us", tuple(through)),
        Measurement(
            "an all but empty service, processor time through the gateway over directly", "x", ratios(through, alone)
        ),
        Measurement("an all but empty service, latency through the gateway over directly", "x", ratios(slower, quick)),
        Measurement("a proxied GET, processor time of the gateway", "us", tuple(ours)),
        Measurement("a proxied GET, processor time of FastAPI with httpx", "us", tuple(simple)),
        Measurement("processor time, the gateway over FastAPI with httpx", "x", ratios(ours, simple), COST_OVER_NAIVE),
        Measurement("p99 that the gateway adds at half load", "ms", tuple(added), ADDED_P99_MS),
    ]


def _beside_the_catalogue(progress: Progress, rounds: int) -> list[Measurement]:
    """Ask the catalogue for a product that it has in its cache, itself and through the gateway in turn."""
    alone: list[float] = []
    through: list[float] = []
    quick: list[float] = []
    slower: list[float] = []
    with _catalogue_running() as (catalogue, gateway), progress.phase("The catalogue through the gateway and directly"):
        for server in (catalogue, gateway):
            _unpaused(server, _CONNECTIONS, _WARMING)
        for _ in range(rounds):
            alone += _cost(catalogue).each
            through.append(sum(_cost(gateway, catalogue).each))
            quick.append(_median_alone(catalogue))
            slower.append(_median_alone(gateway))
    return [
        Measurement("a product asked of the catalogue, processor time", "us", tuple(alone)),
        Measurement("a product through the gateway, processor time of both", "us", tuple(through)),
        Measurement(
            "the catalogue, processor time through the gateway over directly",
            "x",
            ratios(through, alone),
            COST_OVER_DIRECT,
        ),
        Measurement(
            "the catalogue, latency through the gateway over directly", "x", ratios(slower, quick), COST_OVER_DIRECT
        ),
    ]


if __name__ == "__main__":
    _serve_peer()
