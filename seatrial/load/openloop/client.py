"""A lean HTTP/1.1 client for greenlets, on the parser that Locust's FastHttpUser uses as well.

FastHttpUser spends most of a request on what an open-loop run needs none of: cookie jars, redirects, a request and a
response object, and a connection per user.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import gevent  # type: ignore[import-untyped]
import gevent.socket  # type: ignore[import-untyped]
import gevent.ssl  # type: ignore[import-untyped]
from geventhttpclient.response import HTTPParseError, HTTPResponse

from seatrial.load.shop import NoAnswer

_PIECE = 65536
# Servers close what was not used for a while, some after a few seconds: such a connection is not used again.
_STALE = 2.0
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Reply(HTTPResponse):
    """One answer; *body* is whole once *message_complete*."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.body = bytearray()

    def _on_body(self, piece: bytearray) -> None:
        self.body += piece


class Connections:
    """Connections to *url*, each used again once its answer was read, the last one used first.

    Requests go out under the name *host*, or that of *url*. Over TLS the certificate has to be good for that name, by
    the authority in the file *ca*, else by a public one. Who has no answer after *patience* seconds gives up.
    """

    def __init__(self, url: str, *, host: str, ca: str | None, patience: float) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._address = (parts.hostname, parts.port or (443 if self._secure else 80))
        self._host = host or parts.netloc
        self._name = host.partition(":")[0] or parts.hostname
        self._patience = patience
        self._prefix = parts.path.rstrip("/")
        self._free: list[tuple[gevent.socket.socket, float]] = []
        self._context = gevent.ssl.create_default_context(cafile=ca) if self._secure else None

    def ask(self, method: str, path: str, headers: str = "", body: bytes = b"") -> Reply:
        """Send one request and return its answer; *headers* are whole lines.

        A connection that turns out to be closed by the other side is replaced by a new one where that cannot make
        anything happen twice. Raises NoAnswer.
        """
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: seatrial\r\n"
        request = f"{head}{headers}{length}\r\n".encode() + body
        repeatable = method in _REPEATABLE or "Idempotency-Key:" in headers
        reply = Reply(method)
        connection: gevent.socket.socket | None = None
        try:
            with gevent.Timeout(self._patience, TimeoutError("no answer in time")):
                connection, used = self._connection()
                try:
                    self._exchange(connection, request, reply)
                except OSError as problem:
                    if not (used and repeatable) or reply.message_begun or isinstance(problem, TimeoutError):
                        raise
                    connection.close()
                    connection = self._connect()
                    self._exchange(connection, request, reply)
        except (OSError, HTTPParseError) as problem:
            if connection is not None:
                connection.close()
            raise NoAnswer(f"{type(problem).__name__}: {problem}".rstrip(": ")) from problem
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        if reply.should_keep_alive():
            self._free.append((connection, time.monotonic()))
        else:
            connection.close()
        return reply

    def close(self) -> None:
        """Close those that are not in use."""
        while self._free:
            self._free.pop()[0].close()

    def _connection(self) -> tuple[gevent.socket.socket, bool]:
        if self._free:
            connection, since = self._free.pop()
            if time.monotonic() - since < _STALE:
                return connection, True
            # The last one used rests too long, and so do all below it.
            connection.close()
            self.close()
        return self._connect(), False

    def _connect(self) -> gevent.socket.socket:
        connection = gevent.socket.create_connection(self._address)
        try:
            connection.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if self._context is not None:
                return self._context.wrap_socket(connection, server_hostname=self._name)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _exchange(connection: gevent.socket.socket, request: bytes, reply: Reply) -> None:
        connection.sendall(request)
        # No answer is there yet: waiting first saves a look in vain.
        gevent.socket.wait_read(connection.fileno())
        while not reply.message_complete:
            piece = connection.recv(_PIECE)
            if not piece:
                raise ConnectionResetError("the connection was closed before the answer was whole")
            reply.feed(piece)
