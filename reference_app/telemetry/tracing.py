"""The trace a request belongs to, as W3C Trace Context carries it in the ``traceparent`` header."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = 0x01


@dataclass(frozen=True)
class TraceContext:
    """One span of one trace: 32 hexadecimal digits of trace id, 16 of span id, and whether the trace is sampled."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def started(cls) -> TraceContext:
        """Start a new trace with random ids."""
        return cls(trace_id=_random_id(16), span_id=_random_id(8))

    @classmethod
    def continued(cls, traceparent: str | None) -> TraceContext:
        """Return a new span in the trace that *traceparent* names; start a new trace if it names none.

        A header that breaks the format (W3C Trace Context, section 3.2) counts as absent, as the recommendation asks.
        """
        match = _TRACEPARENT.fullmatch((traceparent or "").strip())
        if (
            match is None
            or match["version"] == "ff"
            or (match["version"] == "00" and match["more"] is not None)
            or not int(match["trace"], 16)
            or not int(match["span"], 16)
        ):
            return cls.started()
        return cls(trace_id=match["trace"], span_id=_random_id(8), sampled=bool(int(match["flags"], 16) & _SAMPLED))

    @property
    def traceparent(self) -> str:
        """The header value that passes this span on, in version 00 of the format."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


current_trace: ContextVar[TraceContext | None] = ContextVar("current_trace", default=None)
"""The trace of the request being served; ``None`` outside a request."""


def _random_id(size: int) -> str:
    # An id of zeroes means "no id" in the format, so it must not be given out.
    while not int(digits := secrets.token_hex(size), 16):
        continue
    return digits
