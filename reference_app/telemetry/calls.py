"""Calls to other services and to databases: what they take along of the trace, and a span for each where wanted."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reference_app.telemetry.tracing import outgoing_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Attributes = dict[str, str | int]
_CLIENT_ERROR = 400


class Call(Protocol):
    """The span of a call under way."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by which the other side continues the trace."""

    def end(self, failure: str | None = None, **attributes: str | int) -> None:
        """End it; *failure* names the kind of error it ended with."""


class Recorder(Protocol):
    """What makes spans."""

    def start_call(self, name: str, attributes: Attributes) -> Call:
        """Start the span of a call, as a child of the current one."""


current_recorder: ContextVar[Recorder | None] = ContextVar("current_recorder", default=None)
"""What records the request being served; ``None`` outside a request and where nobody wants spans."""


def call_started(name: str, attributes: Attributes) -> Call | None:
    """Start the span of a call made for the request being served; ``None`` where nobody wants spans."""
    recorder = current_recorder.get()
    return None if recorder is None else recorder.start_call(name, attributes)


@dataclass
class CallOverHttp:
    """A call to another service: the *headers* to send along, and a place to tell the *status* of the answer."""

    headers: Mapping[str, str]
    status: int | None = None


@contextmanager
def calling(method: str, host: str, template: str) -> Iterator[CallOverHttp]:
    """Lend the headers for a call to *host* (``catalog:8000``); where spans are wanted, the call becomes one.

    *template* is the path without its ids (``/products/{product_id}``).
    """
    span = call_started(
        f"{method} {template}", {"http.request.method": method, "server.address": host, "url.template": template}
    )
    if span is None:
        yield CallOverHttp(outgoing_headers())
        return
    call = CallOverHttp(span.headers)
    failure: str | None = None
    try:
        yield call
    except BaseException as error:
        failure = type(error).__qualname__
        raise
    finally:
        if call.status is None:
            span.end(failure)
        else:
            refused = str(call.status) if call.status >= _CLIENT_ERROR else None
            span.end(failure or refused, **{"http.response.status_code": call.status})
