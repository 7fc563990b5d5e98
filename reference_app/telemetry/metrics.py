"""Prometheus metrics of a service: rate, errors and duration of its requests, by route template."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric
    from starlette.requests import Request

    from reference_app.telemetry.tracing import TraceContext

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = tuple(map(floatToGoString, (*_BUCKETS, float("inf"))))
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500


@dataclass(slots=True)
class _Durations:
    """How long the requests of one method and route took; *examples* has the latest of each bucket."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))
    examples: list[tuple[str, float, float] | None] = field(default_factory=lambda: [None] * len(_BOUNDS))
    total: float = 0.0


class Metrics(Collector):
    """The metrics of one service in a registry of their own, so that two services in one process stay apart.

    ``http_requests_total`` and ``http_request_errors_total`` (answers of 500 and above) by method, route and status;
    ``http_request_duration_seconds`` by method and route, with the trace id as exemplar; ``http_requests_in_flight``.
    The route is the template (``/products/{product_id}``), never the path, and foreign methods count as ``other``, so
    that no caller can make the number of series grow.

    Requests are counted by one thread, that of the event loop, and so without the locks of the client library's own
    counters; those cost more than the rest of what happens around a request.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_flight = 0
        self._requests: dict[tuple[str, str, int], int] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(self)

    def record(self, *, method: str, route: str, status: int, seconds: float, trace: TraceContext) -> None:
        """Count one answered request and the *seconds* from its head to the end of its answer."""
        if method not in _METHODS:
            method = "other"
        counted = (method, route, status)
        self._requests[counted] = self._requests.get(counted, 0) + 1
        durations = self._durations.get((method, route))
        if durations is None:
            durations = self._durations[method, route] = _Durations()
        bucket = bisect_left(_BUCKETS, seconds)
        durations.counts[bucket] += 1
        durations.total += seconds
        durations.examples[bucket] = (trace.trace_id, seconds, time.time())

    def collect(self) -> Iterable[Metric]:
        """Yield what was counted so far."""
        yield GaugeMetricFamily("http_requests_in_flight", "Requests being served now.", value=self.in_flight)
        labels = ("method", "route", "status")
        requests = CounterMetricFamily("http_requests", "Requests answered.", labels=labels)
        errors = CounterMetricFamily("http_request_errors", "Requests answered with 500 or above.", labels=labels)
        # Copied, because a test may scrape from another thread.
        for (method, route, status), count in tuple(self._requests.items()):
            for family in (requests, errors) if status >= _SERVER_ERROR else (requests,):
                family.add_metric((method, route, str(status)), count)
        yield requests
        yield errors
        duration = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer.",
            labels=("method", "route"),
        )
        for key, seen in tuple(self._durations.items()):
            buckets = zip(_BOUNDS, accumulate(seen.counts), seen.examples, strict=True)
            duration.add_metric(key, [_bucket(*bucket) for bucket in buckets], seen.total)
        yield duration

    async def scrape(self, request: Request) -> Response:
        """Answer a scrape in the format the scraper asks for; exemplars are in OpenMetrics only."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self.registry), headers={"Content-Type": content_type})


def _bucket(
    bound: str, count: int, example: tuple[str, float, float] | None
) -> tuple[str, float] | tuple[str, float, Exemplar]:
    if example is None:
        return bound, count
    trace_id, seconds, at = example
    return bound, count, Exemplar({"trace_id": trace_id}, seconds, at)
