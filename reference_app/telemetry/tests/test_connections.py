"""Connections to a machine that is gone are given up, and a name is looked up again when it is time to."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from reference_app.telemetry.connections import connector, forget_address, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NO_BODY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server that answers each request with nothing and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_NO_BODY)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("unacknowledged", "milliseconds"),
    [(timedelta(seconds=1.5), 1500), (timedelta(microseconds=1), 1)],
    ids=["a while", "next to nothing"],
)
def test_a_connection_is_given_up_when_nothing_is_acknowledged(unacknowledged: timedelta, milliseconds: int) -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    with opened(address, unacknowledged) as made:
        # 0 would mean the system's own idea of a while, which is minutes.
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 1
        assert made.gettimeout() == 0


@pytest.mark.anyio
async def test_a_name_is_looked_up_once_and_again_when_it_was_forgotten(port: int) -> None:
    seen: list[str] = []
    tracing = aiohttp.TraceConfig()

    async def looked_up(*_: object) -> None:
        seen.append("looked up")

    async def known(*_: object) -> None:
        seen.append("known")

    tracing.on_dns_resolvehost_start.append(looked_up)
    tracing.on_dns_cache_hit.append(known)
    made = connector(limit=1, unacknowledged=timedelta(seconds=5))
    async with aiohttp.ClientSession(connector=made, trace_configs=[tracing]) as session:
        for _ in range(2):
            await session.get(f"http://localhost:{port}")
        forget_address(session)
        await session.get(f"http://localhost:{port}")

    assert seen == ["looked up", "known", "looked up"]


def test_there_is_nothing_to_forget_before_the_first_call() -> None:
    forget_address(None)
