"""What the spans of a request tell of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reference_app.telemetry.spans import Spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from suites.services.backing import Database, PostgreSQL
    from suites.services.catalog.conftest import StartReplica

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


async def test_a_statement_is_a_span_under_that_of_its_request(
    start_replica: StartReplica, spans: Spans, exporter: InMemorySpanExporter
) -> None:
    client = (await start_replica(spans)).client

    await client.get("/products", params={"search": "not to be told"})

    found = _by_name(exporter)
    statement, request = found["SELECT"], found["GET /products"]
    assert statement.parent is not None
    assert statement.attributes is not None
    assert request.context is not None
    assert statement.parent.span_id == request.context.span_id
    assert "FROM products" in str(statement.attributes["db.query.text"])
    assert "not to be told" not in str(dict(statement.attributes))


async def test_a_statement_that_fails_is_told(
    start_replica: StartReplica,
    spans: Spans,
    exporter: InMemorySpanExporter,
    postgresql: PostgreSQL,
    database: Database,
) -> None:
    client = (await start_replica(spans, database_timeout=0.2)).client
    with postgresql.administration(database.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        refused = await client.get("/products")

    statement = _by_name(exporter)["SELECT"]
    assert refused.status_code == 503
    assert statement.attributes is not None
    assert (statement.status.is_ok, statement.attributes["error.type"]) == (False, "QueryCanceled")
