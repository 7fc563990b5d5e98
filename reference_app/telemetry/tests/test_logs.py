"""Lines about requests: the same fields whichever way they are written, and in order."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from reference_app.telemetry.logs import configure_logs, log_request
from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs of a service on a stream, until the test ends."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    # Replaced and not emptied: pytest's own, which would be closed otherwise, come back afterwards.
    root.handlers = []
    stream = io.StringIO()
    configure_logs("some", "INFO", stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)


def _log(trace: TraceContext, path: str = "/things/7", level: int = logging.INFO) -> None:
    log_request(level, trace, method="GET", path=path, route="/things/{thing}", status=200, seconds=0.0012345678)


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_line_has_the_same_fields_whichever_way_it_is_written(stream: io.StringIO) -> None:
    trace = TraceContext.started()
    token = current_trace.set(trace)
    _log(trace)
    # With another handler beside ours, a record is made for both.
    logging.getLogger().addHandler(logging.NullHandler())
    _log(trace)
    current_trace.reset(token)

    quick, thorough = _lines(stream)
    assert quick.keys() == thorough.keys()
    assert quick | {"timestamp": 0} == thorough | {"timestamp": 0}
    assert str(quick["timestamp"])[:16] == str(thorough["timestamp"])[:16]
    assert quick["trace_id"] == trace.trace_id
    assert quick["duration_seconds"] == 0.001235


async def test_lines_come_in_the_order_of_what_happened(stream: io.StringIO) -> None:
    trace = TraceContext.started()
    _log(trace, "/1")
    _log(trace, "/2")
    logging.getLogger("some").warning("trouble")
    _log(trace, "/3")
    logging.getLogger().handlers[0].flush()

    assert [line.get("path", line["message"]) for line in _lines(stream)] == ["/1", "/2", "trouble", "/3"]


async def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    _log(TraceContext.started(), level=logging.DEBUG)
    logging.getLogger().handlers[0].flush()

    assert _lines(stream) == []


async def test_a_path_that_no_encoding_carries_is_written(stream: io.StringIO) -> None:
    _log(TraceContext.started(), "/\ud800")
    logging.getLogger().handlers[0].flush()

    assert [line["path"] for line in _lines(stream)] == ["/\ud800"]
