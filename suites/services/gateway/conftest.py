"""The gateway on a real socket, with a real Redis, an emulator of S3, and peers that do as a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import httpx
import pytest
import uvicorn

from reference_app.gateway.app import create_app
from reference_app.gateway.settings import Settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.protocol import GuardedProtocol, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from suites.services.backing import ObjectStore, RedisServer

BUCKET = "uploads"
_LIMITS = Limits(head_time=timedelta(seconds=10), idle=timedelta(seconds=120), refused=lambda *_: None)


@dataclass
class Asked:
    """A request as a peer got it."""

    method: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the header *name*, if there is exactly one."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1
        return found[0] if found else None


@dataclass
class Peer:
    """A service behind the gateway: answers with *will*, and remembers what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    will: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        asked = Asked(scope["method"], scope["raw_path"], scope["query_string"], scope["headers"])
        if scope["path"] != "/readyz":
            self.asked.append(asked)
        more = True
        while more:
            message = await receive()
            asked.body += message.get("body", b"")
            more = message.get("more_body", False)
        await (self.will or answer(200, b'{"well": true}'))(scope, receive, send)


def answer(
    status: int, body: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return what answers like that."""

    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    return respond


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs: a client that talks to it, the peers behind it, and its instruments."""

    client: httpx.AsyncClient
    url: str
    catalog: Peer
    orders: Peer
    instruments: Instruments

    def sample(self, name: str, **labels: str) -> float:
        """Return the value of one of its metrics."""
        return self.instruments.metrics.registry.get_sample_value(name, labels) or 0.0


class StartGateway(Protocol):
    async def __call__(self, **changes: object) -> Gateway: ...


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
async def start_gateway(redis_server: RedisServer, object_store: ObjectStore) -> AsyncIterator[StartGateway]:
    """Starts gateways on the test's Redis and store; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**changes: object) -> Gateway:
            catalog, orders = Peer(), Peer()
            for peer in (catalog, orders):
                peer.url = await stack.enter_async_context(listening(peer))
            settings = Settings.model_validate(
                {
                    "catalog_url": catalog.url,
                    "orders_url": orders.url,
                    "session_url": redis_server.url,
                    "s3_endpoint": object_store.url,
                    "s3_bucket": BUCKET,
                    "s3_make_bucket": True,
                    "insecure_cookies": True,
                    **changes,
                }
            )
            instruments = Instruments.of(settings)
            url = await stack.enter_async_context(listening(create_app(settings, instruments)))
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, trust_env=False))
            return Gateway(client, url, catalog, orders, instruments)

        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve *app* on a socket of its own until the block ends; lend its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast("type[GuardedProtocol]", partial(GuardedProtocol, limits=_LIMITS)),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment] # the test's process keeps its own
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - it tells no other way
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()
