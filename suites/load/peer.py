"""A server that does next to nothing, in a process of its own, to measure a generator with: ``peer.py [MODE [VALUE]]``.

It says its port on standard output and ends with its standard input. Modes: ``slow`` serves one request after the
other, each in VALUE seconds; ``fickle`` closes a connection without a word after every VALUE-th answer; ``secure``
speaks TLS with the key and the certificate in the file VALUE; ``halting`` does so as well, and sends the second half of
an answer when the next request has come, at the latest after a second; ``liar`` is a shop that shows another order
than the one asked for.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import TYPE_CHECKING, ClassVar

from seatrial.ending import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

_BODY = b'{"items": [{"id": "a product", "name": "a name", "price_cents": 100}]}' + b" " * 130
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
# Whoever is frozen still gets connections: as many as may be waiting.
_BACKLOG = 4096
_HALT = 1.0
_SECURE = {"secure", "halting"}
_LIES = {
    b"POST": b'{"id": "the order that was placed"}',
    b"GET /orders/": b'{"id": "another order"}',
}


def _answer(request: bytes, *, lies: bool) -> bytes:
    if lies:
        for begin, body in _LIES.items():
            if request.startswith(begin):
                status = b"201 Created" if begin == b"POST" else b"200 OK"
                return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    return _ANSWER


class Peer(asyncio.Protocol):
    """Answers each request in the same way."""

    delay = 0.0
    fickle = 0
    lies = False
    halting = False
    answered = 0
    turn = 0.0
    begun: ClassVar[list[Callable[[], None]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer at once, or when it is its turn."""
        # Requests here are so short that each comes whole.
        if Peer.halting:
            self._begin_to_answer()
            return
        if not Peer.delay:
            self._answer(data)
            return
        loop = asyncio.get_running_loop()
        Peer.turn = max(loop.time(), Peer.turn) + Peer.delay
        loop.call_at(Peer.turn, self._answer, data)

    def _begin_to_answer(self) -> None:
        begun, rest = _ANSWER[: len(_ANSWER) // 2], _ANSWER[len(_ANSWER) // 2 :]
        for earlier in Peer.begun:
            earlier()
        Peer.begun.clear()
        self._transport.write(begun)
        done = asyncio.Event()

        def go_on() -> None:
            if not done.is_set():
                done.set()
                self._transport.write(rest)

        Peer.begun.append(go_on)
        asyncio.get_running_loop().call_later(_HALT, go_on)

    def _answer(self, request: bytes) -> None:
        self._transport.write(_answer(request, lies=Peer.lies))
        Peer.answered += 1
        if Peer.fickle and Peer.answered % Peer.fickle == 0:
            self._transport.close()


async def main(mode: str = "", value: str = "0") -> None:
    """Serve until the input ends."""
    die_with_parent()
    Peer.delay = float(value) if mode == "slow" else 0.0
    Peer.lies = mode == "liar"
    Peer.halting = mode == "halting"
    Peer.fickle = int(value) if mode == "fickle" else 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if mode in _SECURE else None
    if context is not None:
        context.load_cert_chain(value)
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0, backlog=_BACKLOG, ssl=context)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
