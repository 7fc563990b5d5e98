"""Passes a request on to a peer and its answer back, without looking into either body."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from reference_app.gateway.door import ENTERED
from reference_app.gateway.headers import REQUEST_ID, first, to_a_client, to_a_peer
from reference_app.gateway.peers import Target, in_parts
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import aiohttp
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reference_app.gateway.door import Entered
    from reference_app.gateway.headers import Header
    from reference_app.gateway.peers import Peer
    from reference_app.gateway.settings import Settings

# What fits is passed on in one piece; anything longer, or of a length that nobody knows, part by part.
_ONE_PIECE: Final = 64 * 1024
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_ALLOW: Final = {"Allow": ", ".join(sorted(_METHODS))}


class Proxy:
    """An ASGI application that passes everything under *prefix* on to *peer*, except what begins with *hidden*."""

    def __init__(self, peer: Peer, settings: Settings, *, prefix: str, hidden: str | None = None) -> None:
        self.prefix = prefix
        self.path = f"{prefix}/{{path}}"
        self._peer = peer
        self._settings = settings
        self._hidden = hidden

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # The template by which metrics and traces know the request.
        scope["route"] = self
        try:
            await self._pass_on(scope, receive, send)
        except Problem as problem:
            await problem.response(scope["path"])(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._refuse(scope)
        entered: Entered = scope[ENTERED]
        headers = to_a_peer(scope["headers"])
        headers += entered.forwarded.headers
        headers.append((REQUEST_ID, entered.request_id))
        path = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        body = await self._body(scope["headers"], receive)
        target = Target(scope["method"], f"{path}?{query}" if query else path, headers, self.path, body)
        async with self._peer.asked(target) as answer:
            raw = [(name.lower(), value) for name, value in answer.raw_headers]
            start = {
                "type": "http.response.start",
                "status": answer.status,
                "headers": to_a_client(raw, answer.status),
            }
            if scope["method"] == "HEAD" or (answer.content_length or _ONE_PIECE + 1) <= _ONE_PIECE:
                content = await answer.read()
                await send(start)
                await send({"type": "http.response.body", "body": content})
            else:
                await send(start)
                await _streamed(answer, receive, send)

    def _refuse(self, scope: Scope) -> None:
        if scope["method"] not in _METHODS:
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "This method is not passed on.", headers=_ALLOW)
        path: str = scope["path"]
        if self._hidden is not None and (path == self._hidden or path.startswith(f"{self._hidden}/")):
            raise Problem(HTTPStatus.NOT_FOUND, "There is nothing at this path.")

    async def _body(self, headers: list[Header], receive: Receive) -> bytes | AsyncIterator[bytes] | None:
        announced = first(headers, b"content-length")
        length = int(announced) if announced is not None and announced.isdigit() else None
        if length == 0 or (length is None and first(headers, b"transfer-encoding") is None):
            return None
        limit = self._settings.body_limit
        if length is not None and length > limit:
            raise _too_large(limit)
        parts = received(receive, limit)
        if length is not None and length <= _ONE_PIECE:
            return b"".join([part async for part in parts])
        return in_parts(parts, self._settings.peer_timeout)


class Passages:
    """ASGI middleware that lets each of *proxies* have what is at and under its prefix; all else goes on to the app.

    What a framework does around a request of its own costs as much as passing one on does, so it is passed by.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[Proxy]) -> None:
        self._app = app
        self._proxies = [(proxy.prefix, f"{proxy.prefix}/", proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, below, proxy in self._proxies:
                if path.startswith(below) or path == prefix:
                    await proxy(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def received(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """Give the parts of a request's body as they come.

    Raises ClientDisconnect if the client leaves before its end, a 413 problem once they are more than *limit* bytes.
    """
    total = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        total += len(part)
        if total > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        if part:
            yield part


async def _streamed(answer: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Send the body part by part as it comes; when the client leaves, stop reading it."""
    sending = asyncio.create_task(_sent(answer, send))
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            raise ClientDisconnect
        sending.result()
    finally:
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _sent(answer: aiohttp.ClientResponse, send: Send) -> None:
    async for part in answer.content.iter_any():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {limit} bytes.",
        headers={"Connection": "close"},
    )
