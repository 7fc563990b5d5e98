"""The resources of the catalogue over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from reference_app.catalog.dependencies import (
    After,
    CategorySlug,
    CurrentCache,
    CurrentCounters,
    CurrentReservations,
    CurrentStore,
    ExistingCategory,
    Expected,
    JsonOnly,
    Limit,
    ProductIds,
    Search,
    existing_product,
    product_key,
)
from reference_app.catalog.domain import (
    Category,
    InsufficientStock,
    Page,
    Product,
    Reservation,
    ReservationConflict,
    ReservationReleased,
    ReservationState,
    UnknownProducts,
    entity_tag,
    tag_listed,
)
from reference_app.catalog.schemas import (
    CategoryBody,
    CategoryShown,
    PageShown,
    ProductBody,
    ProductShown,
    ReservationBody,
    ReservationShown,
)
from reference_app.telemetry.documents import CREATED_ID, leads_to, operation_name, problems

_JSON = "application/json"


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, object]]:
    return problems(*statuses, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


_READING = _problems(HTTPStatus.NOT_FOUND)
_SENDING = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
_CREATING = _problems(HTTPStatus.CONFLICT, *_SENDING)
_CHANGING = _problems(
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.PRECONDITION_REQUIRED,
    *_SENDING,
)


class _Direct(APIRoute):
    """A route whose function takes the request and returns the answer, with no work of the framework between.

    For what is asked most: having its parts injected costs as much processor time as answering from the cache.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return the function itself."""
        return self.endpoint


_direct = APIRouter(route_class=_Direct, generate_unique_id_function=operation_name)
router = APIRouter(generate_unique_id_function=operation_name)


@router.get(
    "/products",
    responses={
        **_problems(),
        HTTPStatus.OK: {
            "description": "One page.",
            "links": {
                **leads_to("product_id", "$response.body#/items/0/id", "read_product"),
                "hold_stock": {
                    "operationId": "hold_stock",
                    "requestBody": {"items": [{"product_id": "$response.body#/items/0/id", "quantity": 1}]},
                },
            },
        },
    },
)
async def list_products(
    store: CurrentStore,
    after: After,
    search: Search = "",
    category: CategorySlug = None,
    limit: Limit = 20,
    ids: ProductIds = None,
) -> PageShown[ProductShown]:
    """List products by name; *search* takes words, "phrases", or, and -not.

    With *ids*, those of them that exist are the only page, and the other parameters do not count.
    """
    if ids is not None:
        return _shown_products(await store.products_among(ids))
    return _shown_products(await store.products(search=search, category=category, after=after, limit=limit))


@router.post(
    "/products",
    status_code=HTTPStatus.CREATED,
    response_model=ProductShown,
    responses={
        **_CREATING,
        HTTPStatus.CREATED: {
            "description": "It was created.",
            "links": leads_to("product_id", CREATED_ID, "read_product", "replace_product", "delete_product"),
        },
    },
    dependencies=[JsonOnly],
)
async def create_product(
    request: Request, body: ProductBody, store: CurrentStore, cache: CurrentCache, counters: CurrentCounters
) -> Response:
    """Create a product."""
    product = await store.create_product(body.draft())
    await cache.invalidate(product_key(product.id))
    counters.product_written("create")
    return _answer_product(
        product, HTTPStatus.CREATED, {"Location": _location(request, "read_product", product_id=product.id)}
    )


@_direct.get(
    "/products/{product_id}",  # noqa: FAST003 - existing_product takes it from the request
    response_model=ProductShown,
    responses=_READING,
    openapi_extra={
        "parameters": [
            {"name": "product_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        ]
    },
)
async def read_product(request: Request) -> Response:
    """Read a product; ``X-Cache`` says whether the cache knew it."""
    found = await existing_product(request)
    tag = entity_tag(found.kept.version)
    headers = {"ETag": tag, "X-Cache": found.answer.origin, "Cache-Control": "no-cache"}
    if tag_listed(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.kept.body, media_type=_JSON, headers=headers)


@router.put("/products/{product_id}", response_model=ProductShown, responses=_CHANGING, dependencies=[JsonOnly])
async def replace_product(
    product_id: UUID,
    body: ProductBody,
    expected: Expected,
    store: CurrentStore,
    cache: CurrentCache,
    counters: CurrentCounters,
) -> Response:
    """Replace a product in the version that ``If-Match`` names."""
    product = await store.replace_product(product_id, body.draft(), expected)
    await cache.invalidate(product_key(product_id))
    counters.product_written("replace")
    return _answer_product(product, HTTPStatus.OK, {})


@router.delete("/products/{product_id}", status_code=HTTPStatus.NO_CONTENT, responses=_CHANGING)
async def delete_product(
    product_id: UUID, expected: Expected, store: CurrentStore, cache: CurrentCache, counters: CurrentCounters
) -> None:
    """Delete a product in the version that ``If-Match`` names."""
    await store.delete_product(product_id, expected)
    await cache.invalidate(product_key(product_id))
    counters.product_written("delete")


@router.get("/categories", responses=_problems())
async def list_categories(store: CurrentStore, after: After, limit: Limit = 20) -> PageShown[CategoryShown]:
    """List categories by name."""
    page = await store.categories(after=after, limit=limit)
    return PageShown(items=[CategoryShown.model_validate(item) for item in page.items], next_cursor=_next(page))


@router.post(
    "/categories",
    status_code=HTTPStatus.CREATED,
    response_model=CategoryShown,
    responses={
        **_CREATING,
        HTTPStatus.CREATED: {
            "description": "It was created.",
            "links": {
                **leads_to("category_id", CREATED_ID, "read_category", "replace_category", "delete_category"),
                "create_product": {"operationId": "create_product", "requestBody": {"category_id": CREATED_ID}},
            },
        },
    },
    dependencies=[JsonOnly],
)
async def create_category(request: Request, body: CategoryBody, store: CurrentStore) -> Response:
    """Create a category."""
    category = await store.create_category(body.draft())
    location = _location(request, "read_category", category_id=category.id)
    return _answer_category(category, HTTPStatus.CREATED, {"Location": location})


# ExistingCategory takes the id from the path.
@router.get("/categories/{category_id}", response_model=CategoryShown, responses=_READING)  # noqa: FAST003
async def read_category(category: ExistingCategory) -> Response:
    """Read a category."""
    return _answer_category(category, HTTPStatus.OK, {})


@router.put("/categories/{category_id}", response_model=CategoryShown, responses=_CHANGING, dependencies=[JsonOnly])
async def replace_category(category_id: UUID, body: CategoryBody, expected: Expected, store: CurrentStore) -> Response:
    """Replace a category in the version that ``If-Match`` names."""
    return _answer_category(await store.replace_category(category_id, body.draft(), expected), HTTPStatus.OK, {})


@router.delete("/categories/{category_id}", status_code=HTTPStatus.NO_CONTENT, responses=_CHANGING)
async def delete_category(category_id: UUID, expected: Expected, store: CurrentStore) -> None:
    """Delete a category without products in the version that ``If-Match`` names."""
    await store.delete_category(category_id, expected)


@router.put(
    "/reservations/{reservation_id}",
    response_model=ReservationShown,
    responses={
        **_problems(HTTPStatus.CONFLICT, *_SENDING),
        HTTPStatus.OK: {"description": "The reservation was made earlier, with the same items."},
        HTTPStatus.CREATED: {
            "description": "The items were taken out of the stock.",
            "model": ReservationShown,
            "links": leads_to("reservation_id", CREATED_ID, "read_reservation", "hold_stock", "release_stock"),
        },
    },
    dependencies=[JsonOnly],
)
async def hold_stock(
    reservation_id: UUID,
    body: ReservationBody,
    reservations: CurrentReservations,
    cache: CurrentCache,
    counters: CurrentCounters,
) -> Response:
    """Take items out of the stock under an id, all or none; repeatable."""
    items = body.quantities()
    try:
        made = await reservations.hold(reservation_id, items)
    except (UnknownProducts, InsufficientStock, ReservationConflict, ReservationReleased):
        counters.reservation_asked("refused")
        raise
    # A repeat too: it may come because the first attempt died between its commit and this line.
    await cache.invalidate(*map(product_key, items))
    counters.reservation_asked("held" if made else "repeated")
    return Response(
        ReservationShown.of(Reservation(reservation_id, ReservationState.HELD, items)).model_dump_json(),
        status_code=HTTPStatus.CREATED if made else HTTPStatus.OK,
        media_type=_JSON,
    )


@router.get("/reservations/{reservation_id}", responses=_READING)
async def read_reservation(reservation_id: UUID, reservations: CurrentReservations) -> ReservationShown:
    """Read a reservation."""
    return ReservationShown.of(await reservations.reservation(reservation_id))


@router.delete("/reservations/{reservation_id}", status_code=HTTPStatus.NO_CONTENT, responses=_problems())
async def release_stock(
    reservation_id: UUID, reservations: CurrentReservations, cache: CurrentCache, counters: CurrentCounters
) -> None:
    """Give the stock back, once; a reservation that was not made yet cannot be made afterwards."""
    released = await reservations.release(reservation_id)
    # A repeat too, for the reason above.
    await cache.invalidate(*map(product_key, released.items))
    counters.reservation_asked("released")


ROUTES: Final = (*_direct.routes, *router.routes)


def _shown_products(page: Page[Product]) -> PageShown[ProductShown]:
    return PageShown(items=[ProductShown.model_validate(item) for item in page.items], next_cursor=_next(page))


def _next(page: Page[Product] | Page[Category]) -> str | None:
    return page.following.cursor if page.following else None


def _location(request: Request, route: str, **ids: UUID) -> str:
    # Without scheme and host, which belong to whatever proxy the caller sees.
    path = request.app.url_path_for(route, **{name: str(value) for name, value in ids.items()})
    return f"{request.scope.get('root_path', '')}{path}"


def _answer_product(product: Product, status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    return _answer(ProductShown.model_validate(product), product.version, status, headers)


def _answer_category(category: Category, status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    return _answer(CategoryShown.model_validate(category), category.version, status, headers)


def _answer(
    shown: ProductShown | CategoryShown, version: int, status: HTTPStatus, headers: Mapping[str, str]
) -> Response:
    return Response(
        shown.model_dump_json(),
        status_code=status,
        media_type=_JSON,
        headers={"ETag": entity_tag(version), "Cache-Control": "no-cache", **headers},
    )
