"""The session cookie: the gateway gives it, the visitor keeps it, the storefront only passes it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from reference_app.storefront.gateway import Visit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CookiesPassedOn:
    """ASGI middleware that gives the visitor the cookies that the gateway gave during the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Of this request alone, whatever the server shares between requests.
        state = scope["state"] = dict(scope.get("state", {}))

        async def send_with_cookies(message: Message) -> None:
            visit = state.get("visit")
            if message["type"] == "http.response.start" and isinstance(visit, Visit):
                headers = MutableHeaders(scope=message)
                for cookie in visit.cookies:
                    headers.append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookies)
