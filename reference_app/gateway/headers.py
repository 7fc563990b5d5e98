"""What a proxy does to the head of a message (RFC 9110, section 7.6): pure functions on names and values in bytes.

Names are in lower case, as ASGI and the parser give them.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Header = tuple[bytes, bytes]

REQUEST_ID: Final = b"x-request-id"
VIA: Final = (b"via", b"1.1 gateway")
_CONNECTION = b"connection"
# Section 7.6.1, and the older ones that RFC 2616 lists; transfer-encoding is made anew by whoever frames the message.
_HOP_BY_HOP = frozenset(
    {
        _CONNECTION,
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_MADE_ANEW = frozenset(
    {
        b"host",
        # The server in front has answered it by the time that the body is read.
        b"expect",
        b"forwarded",
        b"traceparent",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        REQUEST_ID,
        # The session is the gateway's own affair, and its id a secret.
        b"cookie",
    }
)
_NOT_TO_A_PEER = _HOP_BY_HOP | _MADE_ANEW
# The server in front sets its own date; the trace is set around the application.
_NOT_TO_A_CLIENT = _HOP_BY_HOP | {b"date", b"server", b"traceparent", REQUEST_ID}
# What frames or routes the message stays, whatever a client lists in Connection to have it taken out on the way.
_NEVER_AN_OPTION = frozenset({b"content-length", b"host", b"cache-control"})
_REQUEST_ID_FORM = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SESSION_FORM = re.compile(rb"[A-Za-z0-9_-]{43}")
SESSION_COOKIE: Final = "session"
_SESSION_COOKIE = SESSION_COOKIE.encode()


@dataclass(frozen=True)
class Forwarded:
    """Where a request came from, as the next server is told: the addresses it passed, the host and scheme asked for."""

    addresses: bytes
    host: bytes
    scheme: bytes

    @property
    def headers(self) -> tuple[Header, ...]:
        """The header fields that say so."""
        return (
            (b"x-forwarded-for", self.addresses),
            (b"x-forwarded-host", self.host),
            (b"x-forwarded-proto", self.scheme),
        )


def to_a_peer(headers: Iterable[Header]) -> list[Header]:
    """Return the end-to-end fields of a request; those that the gateway makes anew are not among them."""
    return _kept(headers, _NOT_TO_A_PEER)


def to_a_client(headers: Iterable[Header], status: int) -> list[Header]:
    """Return the fields of an answer that go on to the client."""
    kept = _kept(headers, _NOT_TO_A_CLIENT)
    if status in (204, 304):
        # There is no body, and a length that announces one (allowed in 304) would be taken for its.
        kept = [header for header in kept if header[0] != b"content-length"]
    kept.append(VIA)
    return kept


def _kept(headers: Iterable[Header], dropped: frozenset[bytes]) -> list[Header]:
    kept, options = [], None
    for header in headers:
        if header[0] not in dropped:
            kept.append(header)
        elif header[0] == _CONNECTION and header[1] not in {b"keep-alive", b"close"}:
            listed = {option.strip().lower() for option in header[1].split(b",")} - _NEVER_AN_OPTION
            options = listed if options is None else options | listed
    if options:
        kept = [header for header in kept if header[0] not in options]
    return kept


def first(headers: Sequence[Header], name: bytes) -> bytes | None:
    """Return the value of the first field called *name*."""
    for header in headers:
        if header[0] == name:
            return header[1]
    return None


def last_hop(headers: Sequence[Header]) -> bytes | None:
    """Return the address that the nearest proxy says it was asked from: the last in ``X-Forwarded-For``."""
    listed = [value for name, value in headers if name == b"x-forwarded-for"]
    return (listed[-1].rpartition(b",")[2].strip() or None) if listed else None


def request_id(headers: Sequence[Header]) -> bytes:
    """Return the id that the client gave the request if it has the form of one, else a new one of 128 random bits."""
    given = first(headers, REQUEST_ID)
    if given is not None and _REQUEST_ID_FORM.fullmatch(given):
        return given
    return secrets.token_hex(16).encode()


def session_id(headers: Sequence[Header]) -> str | None:
    """Return what the session's cookie holds, if it has the form of a session's id."""
    for name, value in headers:
        if name == b"cookie" and _SESSION_COOKIE in value:
            for pair in value.split(b";"):
                key, _, given = pair.strip().partition(b"=")
                if key == _SESSION_COOKIE and _SESSION_FORM.fullmatch(given):
                    return given.decode("ascii")
    return None
