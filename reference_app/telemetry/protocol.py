"""HTTP/1.1 with callers that may be broken, slow or hostile: each is told what was wrong, and none can hold a place."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from reference_app.telemetry.problems import Problem
from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_LINGER = timedelta(seconds=2)
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Limits:
    """What a caller may take.

    *head* is the size of request line and header fields together, in bytes; *head_time* how long they may take to
    arrive, *stall* how long a caller may leave an answer unread, and *idle* how long a connection may stay unused
    from the start. *refused* is told the status and the trace of each refusal.
    """

    head_time: timedelta
    idle: timedelta
    refused: Callable[[HTTPStatus, TraceContext], None]
    head: int = 8 * 1024
    stall: timedelta = timedelta(seconds=30)


class GuardedProtocol(HttpToolsProtocol):
    """One connection within *limits*; what breaks them, or HTTP, is answered with problem details.

    A connection that ends before all of a request was read goes on reading for a moment: closed at once, the operating
    system would reset it, and the caller might lose the answer on the way.
    """

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:  # noqa: ANN401 - passed on as they come
        super().__init__(*arguments, **named)
        self._limits = limits
        self._since = self.loop.time()
        self._used = False
        self._head_since: float | None = None
        self._head_bytes = 0
        self._stalled_since: float | None = None
        self._refusal: Problem | None = None
        self._ending = False

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        head = self.scope if self._head_since is not None else None
        super().data_received(data)
        if head is not None and self._head_since is not None and self.scope is head and not self._ending:
            # The parser keeps a field until it is complete, however long it gets.
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head:
                self._refusal = _too_large(self._limits.head)
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_since = self.loop.time()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._head_since = None
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value) + 4
        if size > self._limits.head:
            self._refusal = _too_large(self._limits.head)
            # The parser stops at an exception and reports the request as invalid, which is answered below.
            raise self._refusal
        super().on_headers_complete()
        self._used = True
        if self.scope["method"] not in _WITHOUT_BODY:
            self.cycle.transport = _UnhurriedTransport(self)

    def send_400_response(self, msg: str) -> None:
        """Answer what broke a limit or HTTP itself; uvicorn calls this for every request that it cannot read."""
        refusal, self._refusal = self._refusal, None
        self._refuse(refusal or Problem(HTTPStatus.BAD_REQUEST, msg))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_since = None

    def expire(self, now: float) -> None:
        """End the connection if the caller has been too slow; *now* is in the loop's time."""
        if self._stalled_since is not None and now - self._stalled_since > self._limits.stall.total_seconds():
            self.transport.abort()
        elif self._ending or self._answering:
            return
        elif self._head_since is not None:
            if now - self._head_since > self._limits.head_time.total_seconds():
                self._refuse(Problem(HTTPStatus.REQUEST_TIMEOUT, "The header fields took too long to arrive."))
        elif not self._used and now - self._since > self._limits.idle.total_seconds():
            self.transport.close()

    def end(self) -> None:
        """Close the connection, after reading for a moment what the caller is still sending."""
        if self.cycle.more_body:
            self._linger()
        else:
            self.transport.close()

    @property
    def _answering(self) -> bool:
        return self._used and not self.cycle.response_complete

    def _linger(self) -> None:
        self._ending = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER.total_seconds(), self.transport.close)

    def _refuse(self, problem: Problem) -> None:
        if self._answering and not self.cycle.more_body:
            # What cannot be read comes after a request that can; that one's answer is the last on this connection.
            self._ending = True
            self.cycle.keep_alive = False
            return
        if self._answering:
            started = self.cycle.response_started or self.pipeline
            # Whoever reads the body is told that the caller is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if started:
                self.transport.close()
                return
        trace = TraceContext.started()
        token = current_trace.set(trace)
        try:
            answer = problem.response("")
            _log.info("refused", extra={"status": int(problem.status), "detail": problem.detail, "client": self.client})
        finally:
            current_trace.reset(token)
        self._limits.refused(problem.status, trace)
        fields = [*self.server_state.default_headers, *answer.raw_headers]
        fields += [(b"traceparent", trace.traceparent.encode()), (b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[problem.status], head, bytes(answer.body)))
        self._linger()


class _UnhurriedTransport(asyncio.Transport):
    """What the answer to a request with a body is written to."""

    def __init__(self, protocol: GuardedProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.end()


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"Request line and header fields are larger than {limit} bytes."
    )
