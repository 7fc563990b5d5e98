"""Structured logs: one JSON object a line on standard output, each with the trace it belongs to."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from pythonjsonlogger.json import JsonFormatter

from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def configure_logs(service: str, level: str, *, stream: TextIO | None = None) -> None:
    """Send every log record of the process to *stream* (standard output unless given) as one line of JSON.

    Fields: ``timestamp`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, ``service``, inside a request
    ``trace_id`` and ``span_id``, and whatever the caller passed as *extra*. *level* is a level name such as ``INFO``.
    """
    renames: Mapping[str, str] = {"levelname": "level", "name": "logger"}
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.addFilter(_Trace(service))
    handler.setFormatter(
        JsonFormatter("%(levelname)s %(name)s %(message)s", rename_fields=dict(renames), timestamp=True)
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error"):
        inherited = logging.getLogger(name)
        inherited.handlers.clear()
        inherited.propagate = True
