"""Spans, as a collector of OTLP over HTTP gets them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic_settings import SettingsConfigDict

from reference_app.telemetry.calls import calling
from reference_app.telemetry.configuration import ServiceSettings, load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.tracing import current_trace, outgoing_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_CALLER = "b7ad6b7169203331"


class _Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="some_")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class _Collector:
    """What a collector got: spans by name, each with the name of its service."""

    endpoint: str = ""
    spans: dict[str, Span] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.spans |= {span.name: span for span in scope.spans}


@contextmanager
def _collecting(*, answering: bool = True) -> Iterator[_Collector]:
    collector = _Collector()
    may_answer = threading.Event()
    if answering:
        may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            may_answer.wait()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield collector
    finally:
        may_answer.set()
        server.shutdown()
        serving.join()
        server.server_close()


def _app(instruments: Instruments) -> FastAPI:
    app = FastAPI()

    @app.get("/things/{thing}")
    async def read(thing: int) -> dict[str, dict[str, str]]:
        with calling("GET", "elsewhere:8000", "/parts/{part}") as call:
            call.status = 404
        return {"sent": dict(call.headers), "own": outgoing_headers(), "thing": {"id": str(thing)}}

    @app.get("/failing")
    async def fail() -> None:
        with calling("PUT", "elsewhere:8000", "/parts"):
            raise ConnectionRefusedError

    instruments.attach(app)
    return app


async def _ask(instruments: Instruments, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(_app(instruments))
    async with httpx.AsyncClient(transport=transport, base_url="http://some") as client:
        return await client.get(path, headers=headers)


def _instruments(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> Instruments:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    return Instruments.of(load_settings(_Settings))


def _told(span: Span) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_a_request_and_its_call_are_spans_of_the_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with _collecting() as collector:
        instruments = _instruments(monkeypatch, collector.endpoint)
        answer = await _ask(instruments, "/things/7", traceparent=f"00-{_TRACE}-{_CALLER}-01", tracestate="one=1,two=2")
        instruments.close()

    served, call = collector.spans["GET /things/{thing}"], collector.spans["GET /parts/{part}"]
    assert collector.services == {"some"}
    assert (served.kind, call.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert served.trace_id.hex() == call.trace_id.hex() == _TRACE
    assert (served.parent_span_id.hex(), call.parent_span_id) == (_CALLER, served.span_id)
    assert _told(served) == {
        "http.request.method": "GET",
        "url.path": "/things/7",
        "url.scheme": "http",
        "http.route": "/things/{thing}",
        "http.response.status_code": 200,
    }
    assert _told(call) == {
        "http.request.method": "GET",
        "server.address": "elsewhere:8000",
        "url.template": "/parts/{part}",
        "http.response.status_code": 404,
        "error.type": "404",
    }
    assert (served.status.code, call.status.code) == (Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR)
    # What the answer, the log and the callee get to see is the span that the collector has.
    assert answer.headers["traceparent"] == f"00-{_TRACE}-{served.span_id.hex()}-01"
    assert answer.json()["sent"] == {
        "traceparent": f"00-{_TRACE}-{call.span_id.hex()}-01",
        "tracestate": "one=1,two=2",
    }
    assert answer.json()["own"]["traceparent"] == answer.headers["traceparent"]


async def test_a_failure_is_told_by_both_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    with _collecting() as collector:
        instruments = _instruments(monkeypatch, collector.endpoint)
        answer = await _ask(instruments, "/failing")
        instruments.close()

    served, call = collector.spans["GET /failing"], collector.spans["PUT /parts"]
    assert (_told(served)["error.type"], _told(call)["error.type"]) == ("500", "ConnectionRefusedError")
    assert served.status.code == call.status.code == Status.STATUS_CODE_ERROR
    assert served.trace_id.hex() == answer.json()["trace_id"]
    assert served.parent_span_id == b""


@pytest.mark.parametrize(
    ("sampler", "traceparent", "recorded"),
    [
        ("parentbased_traceidratio", None, False),
        ("parentbased_traceidratio", f"00-{_TRACE}-{_CALLER}-01", True),
        ("parentbased_traceidratio", f"00-{_TRACE}-{_CALLER}-00", False),
        ("always_on", f"00-{_TRACE}-{_CALLER}-00", True),
    ],
)
async def test_who_begins_a_trace_decides_whether_it_is_recorded(
    monkeypatch: pytest.MonkeyPatch, sampler: str, traceparent: str | None, *, recorded: bool
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with _collecting() as collector:
        instruments = _instruments(monkeypatch, collector.endpoint)
        headers = {} if traceparent is None else {"traceparent": traceparent}
        answer = await _ask(instruments, "/things/7", **headers)
        instruments.close()

    assert bool(collector.spans) is recorded
    for passed_on in (answer.headers["traceparent"], answer.json()["sent"]["traceparent"]):
        assert passed_on.endswith("-01" if recorded else "-00")


async def test_a_collector_that_does_not_answer_holds_up_neither_requests_nor_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _collecting(answering=False) as collector:
        instruments = _instruments(monkeypatch, collector.endpoint)
        answers = [await _ask(instruments, "/things/7") for _ in range(3)]
        assert instruments.spans is not None
        instruments.spans.close(within=timedelta(seconds=0.1))

    assert [answer.status_code for answer in answers] == [200] * 3


async def test_where_nobody_wants_spans_the_trace_is_passed_on_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    instruments = Instruments.of(load_settings(_Settings))

    answer = await _ask(instruments, "/things/7", traceparent=f"00-{_TRACE}-{_CALLER}-01", tracestate="one=1")

    assert instruments.spans is None
    assert answer.json()["sent"] == {"traceparent": answer.headers["traceparent"], "tracestate": "one=1"}
    assert answer.headers["traceparent"].split("-")[1] == _TRACE
    assert current_trace.get() is None
    assert outgoing_headers() == {}


def test_a_collector_that_has_no_address_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _instruments(monkeypatch, "nowhere")

    assert capsys.readouterr().err.startswith("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: ")
