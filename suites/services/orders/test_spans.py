"""What the spans of a request tell of the database and of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reference_app.telemetry.spans import Spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from suites.services.orders.conftest import Shop, StartReplica

pytestmark = pytest.mark.anyio


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Spans:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Spans(provider)


def _by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_statements_and_calls_are_spans_under_that_of_their_request(
    shop: Shop, start_replica: StartReplica, spans: Spans, exporter: InMemorySpanExporter
) -> None:
    client = (await start_replica(spans)).client
    key = "not to be told"

    placed = await client.post("/orders", json=shop.body(1), headers={"Idempotency-Key": key})

    found = _by_name(exporter)
    assert placed.status_code == 201
    assert set(found) == {"SELECT", "GET /products", "WITH", "POST /orders"}
    request = found.pop("POST /orders").get_span_context()
    assert request is not None
    for span in found.values():
        assert span.parent is not None
        assert span.parent.span_id == request.span_id
        assert key not in str(dict(span.attributes or {}))


async def test_a_statement_that_fails_is_told(
    shop: Shop, start_replica: StartReplica, spans: Spans, exporter: InMemorySpanExporter
) -> None:
    client = (await start_replica(spans, database_timeout=0.2)).client
    path = await shop.placed()
    with shop.postgresql.administration(shop.database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        refused = await client.get(path)

    statement = _by_name(exporter)["SELECT"]
    assert refused.status_code == 503
    assert statement.attributes is not None
    assert (statement.status.is_ok, statement.attributes["error.type"]) == (False, "QueryCanceled")
