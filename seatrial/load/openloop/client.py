"""A lean HTTP/1.1 client for greenlets, on the parser that Locust's FastHttpUser uses as well.

FastHttpUser spends most of a request on what an open-loop run needs none of: cookie jars, redirects, a request and a
response object, and a connection per user.
"""

from __future__ import annotations

import ssl
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
_READABLE = 1
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Reply(HTTPResponse):
    """One answer; *body* is whole once *message_complete*."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.body = bytearray()

    def _on_body(self, piece: bytearray) -> None:
        self.body += piece


class _Connection:
    """One connection: *wait* returns when there is something to read."""

    __slots__ = ("socket", "used_at", "watcher")

    def __init__(self, socket: gevent.socket.socket, watcher: gevent.hub.Watcher) -> None:
        self.socket = socket
        self.watcher = watcher
        self.used_at = 0.0

    def close(self) -> None:
        self.watcher.close()
        self.socket.close()


def _context(ca: str | None) -> gevent.ssl.SSLContext:
    """Return what `ssl.create_default_context` does, but for greenlets: its sockets let others go on while they wait.

    The function of that name in gevent is Python's own, and so are the sockets that come of it, which hold up all
    greenlets until an answer is whole.
    """
    context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca)
    return context


class Connections:
    """Connections to *url*, each used again once its answer was read, the last one used first.

    Requests go out under the name *host*, or that of *url*. Over TLS the certificate has to be good for that name, by
    the authority in the file *ca*, else by a public one. Who has no answer after *patience* seconds gives up, or up to
    a twentieth later.
    """

    def __init__(self, url: str, *, host: str, ca: str | None, patience: float) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._address = (parts.hostname, parts.port or (443 if self._secure else 80))
        self._host = host or parts.netloc
        self._name = host.partition(":")[0] or parts.hostname
        self._patience = patience
        self._prefix = parts.path.rstrip("/")
        self._free: list[_Connection] = []
        self._context = _context(ca) if self._secure else None
        self._hub = gevent.get_hub()
        # By whoever waits for an answer: since when. A dict keeps the order, so the first has waited longest.
        self._waiting: dict[gevent.Greenlet, float] = {}
        self._clock = self._hub.loop.timer(patience / 20, patience / 20)
        self._clock.start(self._expire)

    def ask(self, method: str, path: str, headers: str = "", body: bytes = b"") -> Reply:
        """Send one request and return its answer; *headers* are whole lines.

        A connection that turns out to be closed by the other side is replaced by a new one where that cannot make
        anything happen twice. Raises NoAnswer.
        """
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: seatrial\r\n"
        request = f"{head}{headers}{length}\r\n".encode() + body
        me = gevent.getcurrent()
        self._waiting[me] = time.monotonic()
        try:
            repeatable = method in _REPEATABLE or "Idempotency-Key:" in headers
            return self._asked(request, Reply(method), repeatable=repeatable)
        except (OSError, HTTPParseError) as problem:
            raise NoAnswer(f"{type(problem).__name__}: {problem}".rstrip(": ")) from problem
        finally:
            del self._waiting[me]

    def close(self) -> None:
        """Close those that are not in use."""
        while self._free:
            self._free.pop().close()

    def _asked(self, request: bytes, reply: Reply, *, repeatable: bool) -> Reply:
        connection, used = self._connection()
        try:
            try:
                self._exchange(connection, request, reply)
            except OSError as problem:
                if not (used and repeatable) or reply.message_begun or isinstance(problem, TimeoutError):
                    raise
                connection.close()
                connection = self._connect()
                self._exchange(connection, request, reply)
        except BaseException:
            connection.close()
            raise
        if reply.should_keep_alive():
            connection.used_at = time.monotonic()
            self._free.append(connection)
        else:
            connection.close()
        return reply

    def _connection(self) -> tuple[_Connection, bool]:
        if self._free:
            connection = self._free.pop()
            if time.monotonic() - connection.used_at < _STALE:
                return connection, True
            # The last one used rests too long, and so do all below it.
            connection.close()
            self.close()
        return self._connect(), False

    def _connect(self) -> _Connection:
        socket = gevent.socket.create_connection(self._address)
        try:
            socket.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if self._context is not None:
                socket = self._context.wrap_socket(socket, server_hostname=self._name)
            return _Connection(socket, self._hub.loop.io(socket.fileno(), _READABLE))
        except BaseException:
            socket.close()
            raise

    def _exchange(self, connection: _Connection, request: bytes, reply: Reply) -> None:
        connection.socket.sendall(request)
        # No answer is there yet: waiting first saves a look in vain.
        self._hub.wait(connection.watcher)
        while not reply.message_complete:
            piece = connection.socket.recv(_PIECE)
            if not piece:
                raise ConnectionResetError("the connection was closed before the answer was whole")
            reply.feed(piece)

    def _expire(self) -> None:
        """Let those give up who have waited too long. A timer for each request would cost more than all the rest."""
        now = time.monotonic()
        for who, since in tuple(self._waiting.items()):
            if now - since < self._patience:
                break
            who.throw(TimeoutError("no answer in time"))
