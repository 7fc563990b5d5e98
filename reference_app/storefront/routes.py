"""The pages over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse, StreamingResponse

from reference_app.storefront import answers, live
from reference_app.storefront.dependencies import (
    CategorySlug,
    CurrentPages,
    CurrentParts,
    CurrentVisit,
    Cursor,
    FormFields,
    OwnForm,
    OwnOrder,
    Search,
    UploadId,
)
from reference_app.storefront.domain import CANCELLABLE, FINAL, Cart, Submission, product_named, way, whole_number
from reference_app.storefront.forms import let_run_out, read_file
from reference_app.storefront.gateway import Outage, Part, Placed, Refusal, Visit, attempt
from reference_app.storefront.schemas import Category, Link, Order, PageOf, Product, Session, Step, Upload
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    import aiohttp
    from starlette.types import Receive, Scope, Send

    from reference_app.storefront.dependencies import Parts
    from reference_app.storefront.pages import Pages

router = APIRouter(dependencies=[OwnForm])
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Disposition", "ETag", "Last-Modified")
_IN_FLIGHT = "idempotency-key-in-flight"
_KEY_REUSED = "idempotency-key-reused"
_PAUSE_WHILE_IN_FLIGHT = timedelta(milliseconds=300)
_TRIES_WHILE_IN_FLIGHT = 5
_CHUNK = 64 * 1024


@router.get("/")
async def show_catalogue(
    request: Request,
    visit: CurrentVisit,
    pages: CurrentPages,
    search: Search,
    category: CategorySlug,
    cursor: Cursor = None,
) -> Response:
    """Show products: all, those of a category, those that match a search."""
    session, categories, products = await asyncio.gather(
        attempt(visit.session()),
        attempt(visit.categories()),
        attempt(visit.products(search=search, category=category, cursor=cursor)),
    )
    following = None
    if isinstance(products, PageOf) and products.next_cursor:
        following = _address("/", search=search, category=category or "", cursor=products.next_cursor)
    return pages.page(
        request,
        "catalogue.html",
        session=session,
        status=_status(products),
        headers=_retry(products),
        search=search,
        category=category,
        categories=categories,
        slugs=_slugs(categories),
        products=products,
        following=following,
        continued=cursor is not None,
    )


@router.get("/products/{product_id}")
async def show_product(request: Request, product_id: UUID, visit: CurrentVisit, pages: CurrentPages) -> Response:
    """Show one product."""
    session, categories, product = await asyncio.gather(
        attempt(visit.session()), attempt(visit.categories()), attempt(visit.product(product_id))
    )
    if isinstance(product, Outage):
        return pages.sorry(request, answers.outage(product), session=session)
    category = None
    if not isinstance(categories, Outage):
        category = next((one for one in categories if one.id == product.category_id), None)
    return pages.page(request, "product.html", session=session, product=product, category=category)


@router.get("/cart")
async def show_cart(request: Request, visit: CurrentVisit, pages: CurrentPages) -> Response:
    """Show the cart, and the button that orders what is in it."""
    session, categories = await asyncio.gather(attempt(visit.session()), attempt(visit.categories()))
    if isinstance(session, Outage):
        return pages.sorry(request, answers.outage(session), session=session)
    cart = Cart(tuple(session.cart)) if session else Cart()
    products = await attempt(visit.products_of(cart))
    return pages.page(
        request,
        "cart.html",
        session=session,
        cart=cart,
        products=products,
        slugs=_slugs(categories),
        submission=_submission(cart, products),
        total=_total(cart, products),
    )


@router.post("/cart")
async def change_cart(visit: CurrentVisit, fields: FormFields) -> Response:
    """Put more of a product into the cart, set how many of it there are, or take it out."""
    product_id = product_named(fields.one("product_id"))
    action = fields.one("action", "add")
    quantity = 0 if action == "remove" else whole_number(fields.one("quantity", "1"))
    session = await visit.begun_session()
    cart = Cart(tuple(session.cart))
    cart = cart.with_more(product_id, quantity) if action == "add" else cart.with_exactly(product_id, quantity)
    await visit.put_cart(cart)
    did = "added" if action == "add" else "changed" if quantity else "removed"
    return _see_other("/cart", did=did)


@router.post("/checkout")
async def check_out(
    request: Request, visit: CurrentVisit, pages: CurrentPages, parts: CurrentParts, fields: FormFields
) -> Response:
    """Order what the form lists: once, however often it is sent."""
    submission = Submission.of_form(fields.one("key"), fields.all("item"))
    session = await attempt(visit.begun_session())
    if isinstance(session, Outage):
        return _unconfirmed(request, pages, submission, session)
    try:
        placed = await _placed(visit, submission, session.customer)
    except Outage as outage:
        parts.counters.order_submitted("unconfirmed")
        return _unconfirmed(request, pages, submission, outage, session)
    except Refusal as refusal:
        parts.counters.order_submitted("refused")
        if refusal.kind == _IN_FLIGHT:
            return _unconfirmed(request, pages, submission, Outage(Part.ORDERS), session)
        if refusal.kind == _KEY_REUSED:
            raise Problem(
                HTTPStatus.CONFLICT,
                "This form was sent before, with other contents. Look at your orders before you order again.",
                kind=_KEY_REUSED,
            ) from refusal
        raise
    parts.counters.order_submitted("replayed" if placed.replayed else "placed")
    left = Cart(tuple(session.cart)).without(submission.cart)
    if len(left.lines) != len(session.cart):
        # The order stands; a cart that could not be emptied must not look as if it did not.
        with contextlib.suppress(Outage, Refusal):
            await visit.put_cart(left)
    return _see_other(f"/history/{placed.order.id}", did="again" if placed.replayed else "placed")


@router.get("/history")
async def show_history(request: Request, visit: CurrentVisit, pages: CurrentPages, cursor: Cursor = None) -> Response:
    """Show the visitor's orders, newest first."""
    session = await attempt(visit.session())
    if isinstance(session, Outage):
        return pages.sorry(request, answers.outage(session), session=session)
    orders: PageOf[Order] | Outage = PageOf[Order](items=[])
    if session is not None:
        orders = await attempt(visit.orders(session.customer, cursor))
    following = None
    if isinstance(orders, PageOf) and orders.next_cursor:
        following = _address("/history", cursor=orders.next_cursor)
    return pages.page(
        request,
        "history.html",
        session=session,
        status=_status(orders),
        headers=_retry(orders),
        orders=orders,
        following=following,
    )


# OwnOrder takes the id from the path.
@router.get("/history/{order_id}")  # noqa: FAST003
async def show_order(request: Request, order: OwnOrder, visit: CurrentVisit, pages: CurrentPages) -> Response:
    """Show one order, with its status as it changes."""
    session, steps = await asyncio.gather(attempt(visit.session()), attempt(visit.steps(order.id)))
    known: list[Step] = [] if isinstance(steps, Outage) else steps
    return pages.page(
        request,
        "order.html",
        session=session,
        order=order,
        steps=known,
        marks=way(order, [step.status for step in known]),
        cancellable=order.status in CANCELLABLE,
        live=order.status not in FINAL,
    )


@router.get("/history/{order_id}/events")  # noqa: FAST003
async def follow_order(order: OwnOrder, visit: CurrentVisit, parts: CurrentParts) -> Response:
    """Stream an order's status as parts of its page."""

    async def watched() -> AsyncIterator[bytes]:
        parts.counters.stream_watched(1)
        try:
            async for event in live.follow(visit, parts.pages, order.id, lambda: parts.health.draining):
                yield event
        finally:
            parts.counters.stream_watched(-1)

    return StreamingResponse(watched(), media_type="text/event-stream", headers=dict(live.HEADERS))


@router.post("/history/{order_id}/cancel")  # noqa: FAST003
async def cancel_order(order: OwnOrder, visit: CurrentVisit) -> Response:
    """Cancel an order that has not been sent yet."""
    try:
        await visit.cancel(order.id)
    except Refusal as refusal:
        if refusal.status is not HTTPStatus.CONFLICT:
            raise
        return _see_other(f"/history/{order.id}", did="too-late")
    return _see_other(f"/history/{order.id}", did="cancelled")


@router.get("/files")
async def show_files(request: Request, visit: CurrentVisit, pages: CurrentPages, parts: CurrentParts) -> Response:
    """Show the visitor's files, and the form that uploads another."""
    return await _files(request, visit, pages, parts)


@router.post("/files")
async def upload_file(request: Request, visit: CurrentVisit, parts: CurrentParts) -> Response:
    """Pass a file on to the gateway while it comes in."""
    try:
        sent = await read_file(request, limit=parts.upload_limit)
        await visit.begun_session()
        await visit.upload(sent.name, sent.content_type, sent.data)
    except Exception as error:
        parts.counters.file_uploaded("refused" if isinstance(error, Refusal) else "failed")
        await let_run_out(request)
        raise
    parts.counters.file_uploaded("kept")
    return _see_other("/files", did="uploaded")


@router.get("/files/{upload_id}")
async def download_file(upload_id: UploadId, visit: CurrentVisit) -> Response:
    """Pass one of the visitor's files on to the browser."""
    held = AsyncExitStack()
    answer = await held.enter_async_context(visit.download(upload_id))
    return _PassedOn(answer, held)


@router.post("/files/{upload_id}/delete")
async def delete_file(upload_id: UploadId, visit: CurrentVisit) -> Response:
    """Remove one of the visitor's files."""
    await visit.delete_upload(upload_id)
    return _see_other("/files", did="deleted")


@router.post("/files/{upload_id}/link")
async def share_file(
    request: Request, upload_id: UploadId, visit: CurrentVisit, pages: CurrentPages, parts: CurrentParts
) -> Response:
    """Show a link to one of the visitor's files that works for everybody, for a while."""
    link = await visit.link(upload_id)
    return await _files(request, visit, pages, parts, link=link, linked=upload_id)


@router.get("/dashboard")
async def show_dashboard(request: Request, visit: CurrentVisit, pages: CurrentPages, parts: CurrentParts) -> Response:
    """Show how the services do."""
    session, board = await asyncio.gather(attempt(visit.session()), parts.pulse.board())
    return pages.page(request, "dashboard.html", session=session, board=board, seen=board.summary)


@router.get("/dashboard/state")
async def show_state(request: Request, pages: CurrentPages, parts: CurrentParts, seen: str = "") -> Response:
    """Show the part of the dashboard that changes; *seen* is the summary that the browser shows already."""
    board = await parts.pulse.board()
    return pages.page(request, "_state.html", board=board, seen=seen)


@router.get("/static/{path:path}")
async def show_asset(request: Request, path: str, parts: CurrentParts) -> Response:
    """Give out the style sheet, the scripts and the pictures."""
    answer = parts.assets.answer(path, request)
    if answer is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is nothing at this path.")
    return answer


class _PassedOn(StreamingResponse):
    """A file on its way from the gateway to the browser; *held* is let go when it is over."""

    def __init__(self, answer: aiohttp.ClientResponse, held: AsyncExitStack) -> None:
        headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        # Never shown in the shop's own name, whatever the gateway says.
        if not headers.get("Content-Disposition", "").startswith("attachment"):
            headers["Content-Disposition"] = "attachment"
        super().__init__(answer.content.iter_chunked(_CHUNK), headers={**headers, "Cache-Control": "private, no-store"})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


async def _placed(visit: Visit, submission: Submission, customer: str) -> Placed:
    """Place the order; while an earlier submit of the same form is still on its way, wait for that one."""
    for _ in range(_TRIES_WHILE_IN_FLIGHT - 1):
        try:
            return await visit.place(submission, customer)
        except Refusal as refusal:
            if refusal.kind != _IN_FLIGHT:
                raise
        await asyncio.sleep(_PAUSE_WHILE_IN_FLIGHT.total_seconds())
    return await visit.place(submission, customer)


def _unconfirmed(
    request: Request,
    pages: Pages,
    submission: Submission,
    outage: Outage,
    session: Session | Outage | None = None,
) -> Response:
    return pages.page(
        request,
        "unconfirmed.html",
        session=session,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(outage.retry_after)},
        submission=submission,
        outage=outage,
    )


async def _files(
    request: Request,
    visit: Visit,
    pages: Pages,
    parts: Parts,
    *,
    link: Link | None = None,
    linked: str | None = None,
) -> Response:
    session = await attempt(visit.session())
    uploads: list[Upload] | Outage = []
    if session is not None:
        uploads = await attempt(visit.uploads())
    return pages.page(
        request,
        "files.html",
        session=session,
        status=_status(uploads),
        headers=_retry(uploads),
        uploads=uploads,
        limit=parts.upload_limit,
        link=link,
        linked=linked,
    )


def _see_other(path: str, *, did: str) -> Response:
    return RedirectResponse(_address(path, did=did), HTTPStatus.SEE_OTHER)


def _address(path: str, **parameters: str) -> str:
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path


def _status(part: object) -> HTTPStatus:
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(part, Outage) else HTTPStatus.OK


def _retry(part: object) -> Mapping[str, str]:
    return {"Retry-After": str(part.retry_after)} if isinstance(part, Outage) else {}


def _slugs(categories: list[Category] | Outage) -> Mapping[UUID, str]:
    return {} if isinstance(categories, Outage) else {one.id: one.slug for one in categories}


def _submission(cart: Cart, products: Mapping[UUID, Product] | Outage) -> Submission | None:
    """Return what the order button stands for: all of the cart that still exists, under a key of its own."""
    if isinstance(products, Outage):
        return None
    orderable = Cart(tuple(line for line in cart.lines if line.product_id in products))
    return Submission(key=str(uuid.uuid4()), cart=orderable) if orderable.lines else None


def _total(cart: Cart, products: Mapping[UUID, Product] | Outage) -> int | None:
    if isinstance(products, Outage):
        return None
    return sum(
        line.quantity * products[line.product_id].price_cents for line in cart.lines if line.product_id in products
    )
