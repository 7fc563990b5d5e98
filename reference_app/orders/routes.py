"""The resources of the order service over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from reference_app.orders import store
from reference_app.orders.dependencies import (
    KEY_PARAMETER,
    After,
    CurrentParts,
    ExistingOrder,
    Expected,
    LastEvent,
    Limit,
    Parts,
    Which,
    idempotency_key,
    json_body,
    parts_of,
    request_body,
)
from reference_app.orders.domain import Order, Status
from reference_app.orders.schemas import EntryShown, HistoryShown, OrderBody, OrderShown, PageShown
from reference_app.persistence.versions import Expectation, entity_tag, tag_listed
from reference_app.telemetry.documents import CREATED_ID, leads_to, operation_name, problems

_JSON: Final = "application/json"
_FIRST: Final = entity_tag(1)


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, object]]:
    return problems(*statuses, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


_READING: Final = _problems(HTTPStatus.NOT_FOUND)
_CHANGING: Final = _problems(
    HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED
)


class _Direct(APIRoute):
    """A route whose function takes the request and returns the answer, with no work of the framework between.

    For what many call at once: having its parts injected costs as much processor time as placing an order.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return the function itself."""
        return self.endpoint


_direct = APIRouter(route_class=_Direct, generate_unique_id_function=operation_name)
router = APIRouter(generate_unique_id_function=operation_name)
# What can be done with an order, in the order in which it makes sense.
_READ: Final = ("read_order", "read_history")
_MOVED: Final = ("cancel_order", "ship_order", "deliver_order")


@_direct.post(
    "/orders",
    status_code=HTTPStatus.CREATED,
    response_model=OrderShown,
    responses={
        **_problems(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        HTTPStatus.CREATED: {
            "description": "It was placed, now or by an earlier request with the same key.",
            "links": {
                **leads_to("order_id", CREATED_ID, *_READ, *_MOVED),
                **leads_to("customer", "$response.body#/customer", "list_orders"),
            },
        },
    },
    openapi_extra={"parameters": [KEY_PARAMETER], "requestBody": request_body(OrderBody)},
)
async def place_order(request: Request) -> Response:
    """Place an order at today's prices; repeated with the same ``Idempotency-Key``, it is answered as before."""
    parts = parts_of(request)
    key = idempotency_key(request)
    body = await json_body(request, OrderBody)
    answer = await parts.placing.place(store.Request(key, body.fingerprint), body.draft())
    headers = {"Location": f"/orders/{answer.order_id}", "ETag": _FIRST, "Cache-Control": "no-store"}
    if answer.replayed:
        parts.counters.replayed()
        headers["Idempotent-Replayed"] = "true"
    else:
        parts.counters.placed()
    return Response(answer.body, status_code=HTTPStatus.CREATED, media_type=_JSON, headers=headers)


@router.get(
    "/orders",
    responses={
        **_problems(),
        HTTPStatus.OK: {
            "description": "One page.",
            "links": {
                **leads_to("order_id", "$response.body#/items/0/id", *_READ, *_MOVED),
                "place_order": {
                    "operationId": "place_order",
                    "requestBody": {"customer": "$response.body#/items/0/customer"},
                },
            },
        },
    },
    response_model=PageShown,
)
async def list_orders(parts: CurrentParts, which: Which, after: After, limit: Limit = 20) -> Response:
    """List orders, the newest first."""
    page = PageShown.of(await parts.store.orders(which, after=after, limit=limit))
    return Response(page.model_dump_json(), media_type=_JSON, headers={"Cache-Control": "no-cache"})


# ExistingOrder takes the id from the path.
@router.get("/orders/{order_id}", response_model=OrderShown, responses=_READING)  # noqa: FAST003
async def read_order(request: Request, order: ExistingOrder) -> Response:
    """Read an order."""
    tag = entity_tag(order.version)
    if tag_listed(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return _answer(order)


@router.get("/orders/{order_id}/history", responses=_READING)  # noqa: FAST003
async def read_history(order: ExistingOrder, parts: CurrentParts) -> HistoryShown:
    """Read what became of an order, the oldest first."""
    entries = await parts.store.history(order.id)
    return HistoryShown(items=[EntryShown.model_validate(entry) for entry in entries])


@router.post(
    "/orders/{order_id}/cancel",
    response_model=OrderShown,
    responses={
        **_CHANGING,
        HTTPStatus.OK: {
            "description": "It is cancelled.",
            "links": leads_to("order_id", CREATED_ID, *_READ, "ship_order"),
        },
    },
)
async def cancel_order(order_id: UUID, expected: Expected, parts: CurrentParts) -> Response:
    """Cancel an order that has not been shipped; its pieces go back to the stock."""
    return await _moved(parts, order_id, Status.CANCELLED, expected, reason="cancelled by the customer")


@router.post("/orders/{order_id}/ship", response_model=OrderShown, responses=_CHANGING)
async def ship_order(order_id: UUID, expected: Expected, parts: CurrentParts) -> Response:
    """Say that a confirmed order is on its way."""
    return await _moved(parts, order_id, Status.SHIPPED, expected)


@router.post("/orders/{order_id}/deliver", response_model=OrderShown, responses=_CHANGING)
async def deliver_order(order_id: UUID, expected: Expected, parts: CurrentParts) -> Response:
    """Say that a shipped order has arrived."""
    return await _moved(parts, order_id, Status.DELIVERED, expected)


_STREAM: Final[Mapping[int | str, dict[str, object]]] = {
    HTTPStatus.OK: {
        "description": "The history, entry by entry, as it comes about.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    HTTPStatus.NO_CONTENT: {"description": "Nothing will come after what the caller has; no need to ask again."},
}


@router.get("/orders/{order_id}/events", response_class=StreamingResponse, responses={**_READING, **_STREAM})  # noqa: FAST003
async def follow_order(order: ExistingOrder, after: LastEvent, parts: CurrentParts) -> Response:
    """Follow an order: what became of it since ``Last-Event-ID``, then each change as it comes."""
    if order.status.final and after >= order.version:
        # Browsers connect again after the end of a stream, except when they are told this.
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return StreamingResponse(
        parts.streaming.follow(order.id, after=after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


ROUTES: Final = (*_direct.routes, *router.routes)


async def _moved(
    parts: Parts, order_id: UUID, status: Status, expected: Expectation, *, reason: str | None = None
) -> Response:
    order, now = await parts.store.transition(order_id, status, reason=reason, expectation=expected)
    if now:
        parts.counters.moved(status)
    return _answer(order)


def _answer(order: Order) -> Response:
    return Response(
        OrderShown.text(order),
        media_type=_JSON,
        headers={"ETag": entity_tag(order.version), "Cache-Control": "no-cache"},
    )
