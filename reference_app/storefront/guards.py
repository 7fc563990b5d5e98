"""What stands between the pages and other people's pages: headers for browsers, and who may send a form."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer", with which browsers would hide the origin of the shop's own forms too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Hardened:
    """ASGI middleware that gives every answer the headers above, unless it has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_hardened)


def refuse_foreign_form(method: str, headers: Headers) -> None:
    """Raise Problem for a request that changes something and that another site made a browser send.

    Browsers say where a request comes from in ``Sec-Fetch-Site`` and, before they knew that one or without TLS, in
    ``Origin``. What says neither is not a browser, and has no cookies that are not its own to send.
    """
    if method in _SAFE:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        own = site in {"same-origin", "none"}
    elif (origin := headers.get("origin")) is not None:
        # Without the scheme, which TLS in front of the shop changes.
        own = urlsplit(origin).netloc == headers.get("host")
    else:
        own = True
    if not own:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "The form was sent from another site. Open the shop itself and try again.",
            kind="foreign-origin",
        )
