"""Prometheus metrics of a service: rate, errors and duration of its requests, by route template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.requests import Request

    from reference_app.telemetry.tracing import TraceContext

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500


class Metrics:
    """The metrics of one service in a registry of their own, so that two services in one process stay apart.

    ``http_requests_total`` and ``http_request_errors_total`` (answers of 500 and above) by method, route and status;
    ``http_request_duration_seconds`` by method and route, with the trace id as exemplar; ``http_requests_in_flight``.
    The route is the template (``/products/{product_id}``), never the path, and foreign methods count as ``other``, so
    that no caller can make the number of series grow.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.in_flight = Gauge("http_requests_in_flight", "Requests being served now.", registry=self.registry)
        self._requests = Counter(
            "http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._errors = Counter(
            "http_request_errors",
            "Requests answered with 500 or above.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def record(self, *, method: str, route: str, status: int, duration: timedelta, trace: TraceContext) -> None:
        """Count one answered request."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, status).inc()
        if status >= _SERVER_ERROR:
            self._errors.labels(method, route, status).inc()
        self._duration.labels(method, route).observe(duration.total_seconds(), {"trace_id": trace.trace_id})

    async def scrape(self, request: Request) -> Response:
        """Answer a scrape in the format the scraper asks for; exemplars are in OpenMetrics only."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self.registry), headers={"Content-Type": content_type})
