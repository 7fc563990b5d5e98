"""The trace a request belongs to, as W3C Trace Context carries it in the ``traceparent`` header."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = 0x01
_LONGEST_STATE = 512
# Ids must be distinct, not secret, and are made for every request.
_random_bits = random.SystemRandom().getrandbits
_quick_bits = random.Random(_random_bits(256)).getrandbits  # noqa: S311 - as said above


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of one trace: 32 hexadecimal digits of trace id, 16 of span id, and whether the trace is sampled.

    *parent_id* is the span of the caller, *state* what tracing systems on the way want passed on (``tracestate``).
    """

    trace_id: str
    span_id: str
    sampled: bool = True
    state: str = ""
    parent_id: str = ""

    @classmethod
    def started(cls) -> TraceContext:
        """Start a new trace with random ids."""
        return cls(_random_id(32), _random_id(16))

    @classmethod
    def continued(cls, traceparent: str | None, state: str = "") -> TraceContext:
        """Return a new span in the trace that *traceparent* names; start a new trace if it names none.

        A header that breaks the format (W3C Trace Context, section 3.2) counts as absent, as the recommendation asks;
        *state*, the ``tracestate`` header, then does not count either.
        """
        match = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
        if match is None:
            return cls.started()
        version, trace, span, flags, more = match.groups()
        if more is not None and version == "00":
            return cls.started()
        state = state if len(state) <= _LONGEST_STATE else ""
        return cls(trace, _random_id(16), bool(int(flags, 16) & _SAMPLED), state, span)

    @property
    def traceparent(self) -> str:
        """The header value that passes this span on, in version 00 of the format."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that pass this span on."""
        headers = {"traceparent": self.traceparent}
        if self.state:
            headers["tracestate"] = self.state
        return headers


current_trace: ContextVar[TraceContext | None] = ContextVar("current_trace", default=None)
"""The trace of the request being served; ``None`` outside a request."""


def outgoing_headers() -> dict[str, str]:
    """Return the headers by which another service continues the current trace; none outside a request."""
    return {} if (trace := current_trace.get()) is None else trace.headers


def _random_id(digits: int) -> str:
    # An id of zeroes means "no id" in the format, so it must not be given out.
    while not (number := _quick_bits(digits * 4)):
        continue
    return f"{number:0{digits}x}"
