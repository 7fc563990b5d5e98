"""Spans of OpenTelemetry: one for each request served and each call made, sent to where the deployment says.

Only a service whose deployment wants spans imports this.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_app.telemetry.calls import Attributes

_PATIENCE = timedelta(seconds=2)
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class ServedSpan:
    """The span of a request being served; *trace* names it."""

    span: Span
    trace: TraceContext

    def end(self, method: str, route: str, status: int) -> None:
        """End it with the answer's *status*; *route* is the template that the path fits, if any."""
        span = self.span
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= _SERVER_ERROR:
                _fail(span, str(status))
        span.end()


@dataclass(frozen=True, slots=True)
class CallSpan:
    """The span of a call under way; *trace* names it."""

    span: Span
    trace: TraceContext

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by which the other side continues the trace."""
        return self.trace.headers

    def end(self, failure: str | None = None, **attributes: str | int) -> None:
        """End it; *failure* names the kind of error it ended with."""
        if self.span.is_recording():
            self.span.set_attributes(attributes)
            if failure is not None:
                _fail(self.span, failure)
        self.span.end()


class Spans:
    """Makes the spans of one service. Whether a trace is recorded is decided where it begins.

    That is by ``OTEL_TRACES_SAMPLER`` and ``OTEL_TRACES_SAMPLER_ARG``; by default all are.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("reference_app")

    @classmethod
    def exported(cls, service: str, endpoint: str) -> Spans:
        """Send spans to the OTLP collector at *endpoint*, in batches and from a thread of its own.

        What the collector does not take in time is dropped; no request waits for it. The other variables of
        OpenTelemetry (``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_BSP_SCHEDULE_DELAY``, ...) hold as they are documented.
        """
        provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider)

    def close(self, within: timedelta = _PATIENCE) -> None:
        """Send what is left, waiting for the collector no longer than *within*."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(within.total_seconds())

    def begin(self, received: TraceContext, method: str, path: str) -> ServedSpan:
        """Begin the span of a request, under the caller's span if *received* has one."""
        span = self._tracer.start_span(
            method,
            context=_under(received, received.parent_id, remote=True),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path, "url.scheme": "http"},
        )
        return ServedSpan(span, _named(span, received.state))

    def start_call(self, name: str, attributes: Attributes) -> CallSpan:
        """Start the span of a call, as a child of the current one."""
        trace = current_trace.get()
        parent = Context() if trace is None else _under(trace, trace.span_id, remote=False)
        span = self._tracer.start_span(name, context=parent, kind=SpanKind.CLIENT, attributes=attributes)
        return CallSpan(span, _named(span, "" if trace is None else trace.state))


def _under(trace: TraceContext, span_id: str, *, remote: bool) -> Context:
    if not span_id:
        return Context()
    parent = SpanContext(
        trace_id=int(trace.trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=remote,
        trace_flags=TraceFlags(trace.sampled),
        trace_state=TraceState.from_header([trace.state]) if trace.state else None,
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _named(span: Span, state: str) -> TraceContext:
    context = span.get_span_context()
    return TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled, state)


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
