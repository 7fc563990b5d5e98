"""What happens to each request at the door: it gets an id, its client is counted, and a path with tricks is refused."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import ceil
from typing import TYPE_CHECKING, Final

from reference_app.gateway.headers import REQUEST_ID, Forwarded, first, last_hop, request_id, session_id
from reference_app.telemetry.middleware import PROBES
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reference_app.gateway.headers import Header
    from reference_app.gateway.limits import RateLimit
    from reference_app.gateway.settings import Networks

ENTERED: Final = "gateway.entered"
# A slash, a backslash or a dot that is written so that only one of two servers sees it.
_DISGUISED = re.compile(rb"%2f|%5c|%2e|\\|//|/\.{1,2}(?:/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entered:
    """What is known of a request that came in: its id, where it came from, and the id of its session, if it has one."""

    request_id: bytes
    forwarded: Forwarded
    session: str | None


class Door:
    """ASGI middleware around everything that the gateway answers; the probes of the platform are let through."""

    def __init__(self, app: ASGIApp, *, limit: RateLimit, trusted: Networks, refused: Callable[[], object]) -> None:
        self._app = app
        self._limit = limit
        self._trusted = trusted
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        headers: Sequence[Header] = scope["headers"]
        peer = scope["client"][0] if scope.get("client") else ""
        believed = self._believes(peer)
        session = session_id(headers)
        address = (last_hop(headers) if believed else None) or peer.encode("latin-1")
        entered = Entered(request_id(headers), _forwarded(headers, peer, scope["scheme"], believed=believed), session)
        scope[ENTERED] = entered

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (REQUEST_ID, entered.request_id)]}
            await send(message)

        problem = self._objection(scope, hashlib.sha256(session.encode()).digest() if session else address)
        await (self._app if problem is None else problem.response(scope["path"]))(scope, receive, send_named)

    def _objection(self, scope: Scope, client: bytes) -> Problem | None:
        if wait := self._limit.admit(client):
            self._refused()
            return Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "You ask more often than one client may; wait a little.",
                kind="rate-limited",
                headers={"Retry-After": str(ceil(wait))},
            )
        if _DISGUISED.search(scope.get("raw_path") or scope["path"].encode()):
            return Problem(
                HTTPStatus.BAD_REQUEST, "The path must not hold dots, slashes or backslashes in disguise.", kind="path"
            )
        return None

    def _believes(self, peer: str) -> bool:
        if not self._trusted:
            return False
        try:
            address: IPv4Address | IPv6Address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _forwarded(headers: Sequence[Header], peer: str, scheme: str, *, believed: bool) -> Forwarded:
    own = peer.encode("latin-1")
    told = b", ".join(value for name, value in headers if name == b"x-forwarded-for") if believed else b""
    return Forwarded(
        addresses=b", ".join(filter(None, (told, own))),
        host=(first(headers, b"x-forwarded-host") if believed else None) or first(headers, b"host") or b"",
        scheme=(first(headers, b"x-forwarded-proto") if believed else None) or scheme.encode("latin-1"),
    )
