"""Pages from templates; all text in them is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from reference_app.storefront import artwork, domain
from reference_app.storefront.domain import Cart
from reference_app.storefront.gateway import Outage
from reference_app.storefront.schemas import Session
from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from reference_app.storefront.assets import Assets

_TEMPLATES: Final = Path(__file__).parent / "templates"
# Pages hold what is one visitor's own.
_KEPT: Final[Mapping[str, str]] = {"Cache-Control": "private, no-cache", "Vary": "Cookie, HX-Request"}
_NOTES: Final = {
    "added": "Added to your cart.",
    "changed": "Your cart was changed.",
    "removed": "Taken out of your cart.",
    "placed": "Thank you! Your order was placed.",
    "again": "This order was placed before; it was not placed twice.",
    "cancelled": "Your order was cancelled.",
    "too-late": "It is too late to cancel this order.",
    "uploaded": "Your file was uploaded.",
    "deleted": "Your file was deleted.",
}


@dataclass(frozen=True)
class Sorry:
    """What a page says instead of what it should show; *retry* is whether it may help to ask again."""

    status: HTTPStatus
    title: str
    sentence: str
    retry: bool = False
    retry_after: int | None = None


class Pages:
    """Makes pages."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            euros=domain.euros, size=domain.size, moment=domain.moment, latency=domain.latency
        )
        self._environment.globals.update(asset=assets.address, artwork=artwork.artwork, art=artwork)
        self._environment.tests["outage"] = lambda value: isinstance(value, Outage)

    def page(
        self,
        request: Request,
        template: str,
        *,
        session: Session | Outage | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **context: object,
    ) -> Response:
        """Return a whole page; *session* tells what the cart in its head holds."""
        trace = current_trace.get()
        text = self._environment.get_template(template).render(
            path=request.url.path,
            here=f"{request.url.path}?{request.url.query}".rstrip("?"),
            # What was sent cannot be sent again by a link.
            readable=request.method == "GET",
            note=_NOTES.get(request.query_params.get("did", "")),
            badge=Cart(tuple(session.cart)).badge if isinstance(session, Session) and session.cart else None,
            trace_id=trace.trace_id if trace else "",
            session=session,
            **context,
        )
        # The script swaps an error page in where it would otherwise leave a person without an answer.
        own = {**_KEPT, "X-Storefront": "page", **(headers or {})}
        return HTMLResponse(text, status_code=status, headers=own)

    def sorry(self, request: Request, sorry: Sorry, *, session: Session | Outage | None = None) -> Response:
        """Return the page that says what went wrong; where the script asked, the notice in it goes to the notices."""
        headers = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML", "HX-Reselect": "#problem"}
        retry = {} if sorry.retry_after is None else {"Retry-After": str(sorry.retry_after)}
        return self.page(
            request, "sorry.html", session=session, status=sorry.status, headers={**headers, **retry}, sorry=sorry
        )

    def part(self, template: str, **context: object) -> str:
        """Return a part of a page."""
        return self._environment.get_template(template).render(**context)
