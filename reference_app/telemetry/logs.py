"""Structured logs: one JSON object a line on standard output, each with the trace it belongs to."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TextIO

import orjson
from pythonjsonlogger.json import JsonFormatter

from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_app.telemetry.tracing import TraceContext

_root = logging.getLogger()
_access = logging.getLogger("access")
_GATHERED = timedelta(milliseconds=50)


class _Trace(logging.Filter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def filter(self, record: logging.LogRecord) -> bool:
        record.service = self._service
        if (trace := current_trace.get()) is not None:
            record.trace_id = trace.trace_id
            record.span_id = trace.span_id
        return True


class _Lines(logging.StreamHandler[TextIO]):
    """Writes records as they come, and lines about requests together, some of them at a time.

    A process that is killed takes the lines of the last moment with it; one that ends in any other way does not.
    """

    def __init__(self, stream: TextIO, service: str) -> None:
        super().__init__(stream)
        self.service = service
        self._waiting: list[bytes] = []

    def put(self, line: bytes) -> None:
        """Write *line* soon."""
        self.acquire()
        self._waiting.append(line)
        first = len(self._waiting) == 1
        self.release()
        if first:
            asyncio.get_running_loop().call_later(_GATHERED.total_seconds(), self.flush)

    def flush(self) -> None:
        self.acquire()
        try:
            if self._waiting:
                lines, self._waiting = self._waiting, []
                self.stream.write(b"".join(lines).decode())
            super().flush()
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        # What happened before is to be read before.
        self.flush()
        super().emit(record)


def configure_logs(service: str, level: str, *, stream: TextIO | None = None) -> None:
    """Send every log record of the process to *stream* (standard output unless given) as one line of JSON.

    Fields: ``timestamp`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, ``service``, inside a request
    ``trace_id`` and ``span_id``, and whatever the caller passed as *extra*. *level* is a level name such as ``INFO``.
    """
    renames: Mapping[str, str] = {"levelname": "level", "name": "logger"}
    handler = _Lines(stream or sys.stdout, service)
    handler.addFilter(_Trace(service))
    handler.setFormatter(
        JsonFormatter("%(levelname)s %(name)s %(message)s", rename_fields=dict(renames), timestamp=True)
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error"):
        inherited = logging.getLogger(name)
        inherited.handlers.clear()
        inherited.propagate = True


def log_request(
    level: int, trace: TraceContext, *, method: str, path: str, route: str, status: int, seconds: float
) -> None:
    """Log one request by the logger ``access``.

    Where `configure_logs` alone decides about logs, its line is made without the detours of a log record, which would
    cost more than the rest of what happens around a request.
    """
    if not _access.isEnabledFor(level):
        return
    told = {"method": method, "path": path, "route": route, "status": status, "duration_seconds": round(seconds, 6)}
    handlers = _root.handlers
    if len(handlers) != 1 or not isinstance(lines := handlers[0], _Lines):
        _access.log(level, "request", extra=told)
        return
    line = {
        "level": logging.getLevelName(level),
        "logger": _access.name,
        "message": "request",
        "service": lines.service,
        "trace_id": trace.trace_id,
        "span_id": trace.span_id,
        **told,
        "timestamp": datetime.now(UTC),
    }
    try:
        lines.put(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    except orjson.JSONEncodeError:
        # A path may hold what UTF-8 cannot carry.
        _access.log(level, "request", extra=told)
