"""What happens around every request: trace, metrics, access log, injected faults, and an answer when the code fails."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from reference_app.telemetry.calls import current_recorder
from reference_app.telemetry.logs import log_request
from reference_app.telemetry.problems import Problem, from_http_exception
from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reference_app.telemetry.faults import FaultSwitch
    from reference_app.telemetry.health import Health
    from reference_app.telemetry.metrics import Metrics
    from reference_app.telemetry.spans import ServedSpan, Spans

_TOO_LARGE = "The body is larger than {limit} bytes."
_log = logging.getLogger(__name__)
_CLIENT_CLOSED_REQUEST = 499
_PATIENCE = timedelta(seconds=10)
_SLOWEST_BYTES_PER_SECOND = 1024
PROBES = frozenset({"/healthz", "/readyz"})


class Telemetry:
    """ASGI middleware that every service wraps its application in.

    A body may take *patience* and a second for each kibibyte to arrive; the time in which nobody asks for it does not
    count.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        faults: FaultSwitch,
        health: Health,
        spans: Spans | None = None,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._faults = faults
        self._health = health
        self._spans = spans
        self._patience = patience.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent, state, has_body = _looked_through(scope["headers"])
        trace = TraceContext.continued(traceparent, state)
        span = None
        if self._spans is not None:
            span = self._spans.begin(trace, scope["method"], scope["path"])
            trace = span.trace
        recorder = current_recorder.set(self._spans)
        if has_body:
            receive = _in_time(receive, self._patience)
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._with_ours(message.get("headers", ()), trace)}
            await send(message)

        token = current_trace.set(trace)
        started = time.perf_counter()
        self._metrics.in_flight += 1
        try:
            if self._faults.fault is None or not await self._struck(scope, receive, send_traced):
                await self._app(scope, receive, send_traced)
        except ClientDisconnect:
            status = status or _CLIENT_CLOSED_REQUEST
        except Exception as error:
            if status:
                _log.exception("request failed")
                # The head of the answer is out; only breaking the connection can still tell the caller.
                raise
            await _problem_of(error).response(scope["path"])(scope, receive, send_traced)
        finally:
            self._metrics.in_flight -= 1
            self._tell(scope, trace, span, status or _CLIENT_CLOSED_REQUEST, time.perf_counter() - started)
            current_trace.reset(token)
            current_recorder.reset(recorder)

    def _tell(self, scope: Scope, trace: TraceContext, span: ServedSpan | None, status: int, seconds: float) -> None:
        method, route = scope["method"], _route(scope)
        if span is not None:
            span.end(method, route, status)
        self._metrics.record(method=method, route=route, status=status, seconds=seconds, trace=trace)
        level = logging.DEBUG if route in PROBES else logging.INFO
        log_request(level, trace, method=method, path=scope["path"], route=route, status=status, seconds=seconds)

    def _with_ours(self, headers: Iterable[tuple[bytes, bytes]], trace: TraceContext) -> list[tuple[bytes, bytes]]:
        # What another service answered may have been passed on with its own.
        ours = [header for header in headers if header[0] != b"traceparent"]
        ours.append((b"traceparent", trace.traceparent.encode()))
        if self._health.draining:
            # So that a caller's pool holds no connection to a process that is about to stop.
            ours = [header for header in ours if header[0] != b"connection"]
            ours.append((b"connection", b"close"))
        return ours

    async def _struck(self, scope: Scope, receive: Receive, send: Send) -> bool:
        if _path(scope) in PROBES:
            return False
        if (problem := await self._faults.strike()) is None:
            return False
        await problem.response(scope["path"])(scope, receive, send)
        return True


def _path(scope: Scope) -> str:
    """Return the path within the application."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _route(scope: Scope) -> str:
    """Return the pattern that the path was matched by; of probes, which are no routes of the framework's, the path."""
    found = getattr(scope.get("route"), "path", None)
    if found is not None:
        return str(found)
    path = _path(scope)
    return path if path in PROBES else "unmatched"


def _problem_of(error: Exception) -> Problem:
    # An application that is no framework's leaves these two to us, such as those that a body raises as it comes in.
    if isinstance(error, HTTPException):
        return from_http_exception(error)
    if isinstance(error, Problem):
        return error
    _log.error("request failed", exc_info=error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed; its log holds the cause under the trace id.")


def _looked_through(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, str, bool]:
    """Return ``traceparent``, ``tracestate`` and whether a body is announced, in one walk over the headers."""
    traceparent, state, has_body = None, "", False
    for name, value in headers:
        if name == b"traceparent":
            traceparent = value.decode("latin-1")
        elif name == b"tracestate":
            state = f"{state},{value.decode('latin-1')}" if state else value.decode("latin-1")
        elif (name == b"content-length" and value != b"0") or name == b"transfer-encoding":
            has_body = True
    return traceparent, state, has_body


def _in_time(receive: Receive, patience: float) -> Receive:
    """Return *receive*, answering 408 for a caller whose body takes longer than *patience* and its size explain."""
    waited, received, complete = 0.0, 0, False

    async def receive_in_time() -> Message:
        nonlocal waited, received, complete
        if complete:
            return await receive()
        began = time.perf_counter()
        try:
            async with asyncio.timeout(patience + received / _SLOWEST_BYTES_PER_SECOND - waited):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "The body took too long to arrive.", {"Connection": "close"}
            ) from None
        waited += time.perf_counter() - began
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        return message

    return receive_in_time


class BodyLimit:
    """ASGI middleware that refuses bodies of more than *limit* bytes with 413, announced or not."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = _TOO_LARGE.format(limit=self._limit)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers={"Connection": "close"})
            await problem.response(scope["path"])(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        await self._app(scope, receive_limited, send)


class RootPath:
    """ASGI middleware that answers every path with *prefix* in front too, as an ingress that routes by path asks it.

    Without the prefix the paths work too; links in an answer carry it exactly if the request did.
    """

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].startswith(f"{self._prefix}/"):
            # ASGI: root_path is the part of path at which the application is mounted.
            scope = {**scope, "root_path": self._prefix}
        await self._app(scope, receive, send)
