"""One connection by itself: what is refused, in which words, and who is left waiting for nobody."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
import uvicorn
from uvicorn.server import ServerState

from reference_app.telemetry.faults import FaultSwitch
from reference_app.telemetry.health import Health
from reference_app.telemetry.metrics import Metrics
from reference_app.telemetry.middleware import BodyLimit, Telemetry
from reference_app.telemetry.protocol import GuardedProtocol, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio
_LIMIT = 8192
_FOREVER = 1_000_000.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class _World:
    """A server with an application that reads the whole body, waits at the door, and answers with how much it read."""

    port: int = 0
    state: ServerState = field(default_factory=ServerState)
    refused: list[int] = field(default_factory=list)
    door: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    answer: bytes = b""
    read: int = 0

    async def app(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            self.read += len(message["body"])
            if not message["more_body"]:
                break
        await self.door.wait()
        body = self.answer or str(self.read).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @property
    def connections(self) -> list[GuardedProtocol]:
        return [one for one in self.state.connections if isinstance(one, GuardedProtocol)]

    def expire(self) -> None:
        """Let all the time pass that anybody might wait."""
        for connection in self.connections:
            connection.expire(_FOREVER + asyncio.get_running_loop().time())

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Lend a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def say(self, *parts: bytes) -> bytes:
        """Send *parts* one by one over a connection of their own and return all that comes back."""
        async with self.caller() as (reader, writer):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 20)


@asynccontextmanager
async def _serving(world: _World, *, open_door: bool = True, patience: float = 0.2) -> AsyncIterator[_World]:
    faults = FaultSwitch(enabled=False)
    app = BodyLimit(world.app, limit=100_000)
    traced = Telemetry(
        app, metrics=Metrics(), faults=faults, health=Health(blocker=faults), patience=timedelta(seconds=patience)
    )
    config = uvicorn.Config(traced, ws="none", log_config=None, access_log=False, timeout_keep_alive=60)
    limits = Limits(
        head_time=timedelta(seconds=10),
        idle=timedelta(seconds=120),
        refused=lambda status, _: world.refused.append(int(status)),
    )
    if open_door:
        world.door.set()
    loop = asyncio.get_running_loop()
    make = partial(GuardedProtocol, config=config, server_state=world.state, app_state={}, limits=limits)
    server = await loop.create_server(make, "127.0.0.1", 0)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()
        for connection in world.connections:
            connection.transport.abort()
        await server.wait_closed()


def _problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert any(line.startswith(b"traceparent: 00-") for line in lines)
    problem: dict[str, object] = json.loads(body)
    assert answer.startswith(f"HTTP/1.1 {problem['status']} ".encode())
    return problem


def _head(size: int) -> bytes:
    line = b"GET /x HTTP/1.1\r\n"
    counted = len(b"/x") + len(b"host") + len(b"x") + 4 + len(b"long") + 4
    return line + b"Host: x\r\nLong: " + b"a" * (size - counted) + b"\r\n\r\n"


async def test_a_head_of_the_largest_size_is_served_and_a_byte_more_refused() -> None:
    async with _serving(_World()) as world:
        largest = await world.say(_closing(_LIMIT))
        refused = await world.say(_head(_LIMIT + 1))

    assert largest.startswith(b"HTTP/1.1 200 ")
    assert _problem(refused)["status"] == 431
    assert world.refused == [431]


@pytest.mark.parametrize("pieces", [1, 20])
async def test_a_head_without_end_is_refused_before_it_ends(pieces: int) -> None:
    async with _serving(_World()) as world:
        answer = await world.say(b"GET /x HTTP/1.1\r\nHost: x\r\nLong: ", *[b"a" * (600_000 // pieces)] * pieces)

    assert _problem(answer)["status"] == 431


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /x HTTP/9.9\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["TLS", "version", "NUL", "path", "address", "negative length", "two lengths"],
)
async def test_what_is_no_http_is_told_as_a_problem(sent: bytes) -> None:
    async with _serving(_World()) as world:
        assert _problem(await world.say(sent))["status"] == 400


async def test_a_body_that_breaks_on_the_way_is_told_at_once_and_not_waited_for() -> None:
    async with _serving(_World(), patience=20) as world, world.caller() as (reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await _soon(lambda: world.read == 1)
        writer.write(b"ZZ\r\n")
        # Not only when the connection is closed, which is a little later.
        await asyncio.wait_for(world.left.wait(), 1)

        assert _problem(await asyncio.wait_for(reader.read(), 20))["status"] == 400


async def test_rubbish_after_a_request_waits_for_the_answer() -> None:
    async with _serving(_World(), open_door=False) as world:
        answer = asyncio.create_task(world.say(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01"))
        await asyncio.wait_for(world.asked.wait(), 5)
        world.door.set()

        assert (await answer).startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in await answer


async def test_a_head_that_takes_for_ever_is_given_up() -> None:
    async with _serving(_World()) as world, world.caller() as (reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\nX-")
        await _soon(lambda: any(one.scope for one in world.connections))
        world.expire()

        assert _problem(await asyncio.wait_for(reader.read(), 20))["status"] == 408


async def test_a_connection_that_is_never_used_is_closed_without_a_word() -> None:
    async with _serving(_World()) as world, world.caller() as (reader, _):
        await _soon(lambda: bool(world.state.connections))
        world.expire()

        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert world.refused == []


async def test_a_request_that_is_being_answered_may_take_its_time() -> None:
    async with _serving(_World(), open_door=False) as world, world.caller() as (reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /half")
        await asyncio.wait_for(world.asked.wait(), 5)
        world.expire()
        world.door.set()
        served = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
        world.expire()

        assert served.startswith(b"HTTP/1.1 200 ")
        assert _problem(await asyncio.wait_for(reader.read(), 20))["status"] == 408


async def test_whoever_leaves_the_answer_unread_is_cut_off() -> None:
    async with _serving(_World(answer=b"a" * 50_000_000)) as world, world.caller() as (reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        await _soon(lambda: any(one.flow.write_paused for one in world.connections))
        world.expire()
        await _soon(lambda: not world.state.connections)

        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(50_000_000), 20)


async def test_a_body_that_takes_for_ever_is_given_up() -> None:
    async with _serving(_World()) as world:
        answer = await world.say(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"abc")

    assert _problem(answer)["status"] == 408


async def test_a_large_body_is_refused_so_that_the_caller_can_read_it() -> None:
    async with _serving(_World()) as world:
        sent = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"
        answers = [await world.say(sent, *[b"a" * 100_000] * 50) for _ in range(5)]

    assert [_problem(answer)["status"] for answer in answers] == [413] * 5


async def test_requests_sent_together_share_a_connection() -> None:
    async with _serving(_World()) as world:
        answer = await world.say(
            b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        )

    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 ")[1:]]
    assert bodies == [b"3", b"3", b"5"]


async def test_an_upgrade_that_is_not_offered_is_no_obstacle() -> None:
    async with _serving(_World()) as world, world.caller() as (reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        second = await asyncio.wait_for(reader.read(), 5)

    assert (first[:13], second[:13]) == (b"HTTP/1.1 200 ", b"HTTP/1.1 200 ")


def _closing(size: int) -> bytes:
    """Return a head of that size which asks for the connection to be closed after the answer."""
    extra = len(b"connection") + len(b"close") + 4
    return _head(size - extra).replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n", 1)


async def _soon(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("what was waited for did not come")
