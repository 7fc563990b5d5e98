"""The traceparent header, by the rules of W3C Trace Context."""

from __future__ import annotations

import pytest

from reference_app.telemetry.tracing import TraceContext

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{_TRACE}-{_SPAN}-01", True),
        (f"00-{_TRACE}-{_SPAN}-00", False),
        (f"  00-{_TRACE}-{_SPAN}-03 ", True),
        (f"cc-{_TRACE}-{_SPAN}-01-what-the-future-brings", True),
    ],
)
def test_a_trace_is_continued_in_a_new_span(header: str, *, sampled: bool) -> None:
    context = TraceContext.continued(header)

    assert (context.trace_id, context.sampled) == (_TRACE, sampled)
    assert context.span_id != _SPAN


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{_TRACE}-{_SPAN}-01",
        f"00-{_TRACE}-{_SPAN}-01-more",
        f"00-{_TRACE.upper()}-{_SPAN}-01",
        f"00-{'0' * 32}-{_SPAN}-01",
        f"00-{_TRACE}-{'0' * 16}-01",
        f"00-{_TRACE[:-1]}-{_SPAN}-01",
        f"00-{_TRACE}-{_SPAN}",
        f"00-{_TRACE}-{_SPAN}-01\n\n00",
    ],
)
def test_a_broken_header_begins_a_new_trace(header: str | None) -> None:
    context = TraceContext.continued(header)

    assert context.trace_id != _TRACE
    assert TraceContext.continued(context.traceparent).trace_id == context.trace_id
