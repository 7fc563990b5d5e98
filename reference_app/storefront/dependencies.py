"""What a route can ask for by type; each refuses the request with a problem if it cannot be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from reference_app.storefront import domain
from reference_app.storefront.assets import Assets
from reference_app.storefront.forms import Fields, read_fields
from reference_app.storefront.gateway import COOKIE, Gateway, Visit, request_id
from reference_app.storefront.guards import refuse_foreign_form
from reference_app.storefront.pages import Pages
from reference_app.storefront.pulse import Pulse
from reference_app.storefront.schemas import Order
from reference_app.telemetry.health import Health
from reference_app.telemetry.problems import Problem


@dataclass(frozen=True)
class Counters:
    """What the service counts about its business."""

    order_submitted: Callable[[str], None]
    file_uploaded: Callable[[str], None]
    stream_watched: Callable[[int], None]


@dataclass(frozen=True)
class Parts:
    """What one instance of the service is made of; lives as long as the application."""

    gateway: Gateway
    pulse: Pulse
    assets: Assets
    pages: Pages
    counters: Counters
    health: Health
    upload_limit: int


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


CurrentParts = Annotated[Parts, Depends(_parts)]


def _visit(request: Request, parts: CurrentParts) -> Visit:
    host = request.client.host if request.client else ""
    chain = ", ".join(filter(None, (request.headers.get("x-forwarded-for"), host)))
    # So that the gateway's limits count each visitor by itself.
    forwarded = {**({"X-Forwarded-For": chain} if chain else {}), **request_id(request.headers.get("x-request-id"))}
    visit = Visit(parts.gateway, cookie=request.cookies.get(COOKIE), forwarded=forwarded)
    # For the answer, whoever makes it: cookies that the gateway gave must reach the visitor.
    request.state.visit = visit
    return visit


def _pages(parts: CurrentParts) -> Pages:
    return parts.pages


CurrentVisit = Annotated[Visit, Depends(_visit)]
CurrentPages = Annotated[Pages, Depends(_pages)]


def _own_form(request: Request) -> None:
    refuse_foreign_form(request.method, request.headers)


OwnForm = Depends(_own_form)


async def _fields(request: Request) -> Fields:
    return await read_fields(request)


FormFields = Annotated[Fields, Depends(_fields)]


def _search(search: Annotated[str, Query()] = "") -> str:
    return domain.search_text(search)


def _category(category: Annotated[str, Query()] = "") -> str | None:
    return domain.slug(category)


Search = Annotated[str, Depends(_search)]
CategorySlug = Annotated[str | None, Depends(_category)]
Cursor = Annotated[str | None, Query(max_length=1000)]
UploadId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


async def own_order(order_id: UUID, visit: CurrentVisit) -> Order:
    """Return the order that the path names, if it is the visitor's own; raises a 404 problem for any other."""
    session = await visit.session()
    if session is not None:
        order = await visit.order(order_id)
        if order.customer == session.customer:
            return order
    raise Problem(HTTPStatus.NOT_FOUND, "There is no such order among yours.", kind="not-found")


OwnOrder = Annotated[Order, Depends(own_order)]
