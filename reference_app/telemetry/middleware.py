"""What happens around every request: trace, metrics, access log, injected faults, and an answer when the code fails."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from reference_app.telemetry.problems import Problem
from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reference_app.telemetry.faults import FaultSwitch
    from reference_app.telemetry.health import Health
    from reference_app.telemetry.metrics import Metrics

_TOO_LARGE = "The body is larger than {limit} bytes."
_access = logging.getLogger("access")
_log = logging.getLogger(__name__)
_CLIENT_CLOSED_REQUEST = 499
PROBES = frozenset({"/healthz", "/readyz"})


class Telemetry:
    """ASGI middleware that every service wraps its application in."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, faults: FaultSwitch, health: Health) -> None:
        self._app = app
        self._metrics = metrics
        self._faults = faults
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = TraceContext.continued(Headers(scope=scope).get("traceparent"))
        status: int | None = None

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["traceparent"] = trace.traceparent
                if self._health.draining:
                    # So that a caller's pool holds no connection to a process that is about to stop.
                    headers["connection"] = "close"
            await send(message)

        token = current_trace.set(trace)
        started = time.perf_counter()
        self._metrics.in_flight.inc()
        try:
            await self._serve(scope, receive, send_traced)
        except ClientDisconnect:
            status = status or _CLIENT_CLOSED_REQUEST
        except Exception:
            _log.exception("request failed")
            if status is not None:
                # The head of the answer is out; only breaking the connection can still tell the caller.
                raise
            problem = Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed; its log holds the cause under the trace id."
            )
            await problem.response(scope["path"])(scope, receive, send_traced)
        finally:
            self._metrics.in_flight.dec()
            self._record(
                scope, trace, status or _CLIENT_CLOSED_REQUEST, timedelta(seconds=time.perf_counter() - started)
            )
            current_trace.reset(token)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        probed = scope["path"].removeprefix(scope.get("root_path", "")) in PROBES
        if not probed and (problem := await self._faults.strike()) is not None:
            await problem.response(scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _record(self, scope: Scope, trace: TraceContext, status: int, duration: timedelta) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.record(method=scope["method"], route=route, status=status, duration=duration, trace=trace)
        _access.log(
            logging.DEBUG if route in PROBES else logging.INFO,
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "route": route,
                "status": status,
                "duration_seconds": round(duration.total_seconds(), 6),
            },
        )


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
