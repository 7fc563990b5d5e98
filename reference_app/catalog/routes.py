"""The resources of the catalogue over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from reference_app.catalog.dependencies import (
    After,
    CategorySlug,
    CurrentCache,
    CurrentCounters,
    CurrentStore,
    ExistingCategory,
    ExistingProduct,
    Expected,
    JsonOnly,
    Limit,
    Search,
    product_key,
)
from reference_app.catalog.domain import Category, Page, Product, entity_tag, tag_listed
from reference_app.catalog.schemas import (
    CategoryBody,
    CategoryShown,
    PageShown,
    ProblemShown,
    ProductBody,
    ProductShown,
)

_JSON = "application/json"


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, object]]:
    problem = {"schema": {"$ref": f"#/components/schemas/{ProblemShown.__name__}"}}
    listed = (*statuses, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
    return {
        int(status): {"description": status.phrase, "content": {"application/problem+json": problem}}
        for status in listed
    }


_READING = _problems(HTTPStatus.NOT_FOUND)
_CREATING = _problems(HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_CHANGING = _problems(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.PRECONDITION_REQUIRED,
)
router = APIRouter()


@router.get("/products", responses=_problems())
async def list_products(
    store: CurrentStore, after: After, search: Search = "", category: CategorySlug = None, limit: Limit = 20
) -> PageShown[ProductShown]:
    """List products by name; *search* takes words, "phrases", or, and -not."""
    return _shown_products(await store.products(search=search, category=category, after=after, limit=limit))


@router.post(
    "/products",
    status_code=HTTPStatus.CREATED,
    response_model=ProductShown,
    responses=_CREATING,
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


# ExistingProduct and ExistingCategory take the id from the path.
@router.get("/products/{product_id}", response_model=ProductShown, responses=_READING)  # noqa: FAST003
async def read_product(request: Request, found: ExistingProduct) -> Response:
    """Read a product; ``X-Cache`` says whether the cache knew it."""
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
    responses=_CREATING,
    dependencies=[JsonOnly],
)
async def create_category(request: Request, body: CategoryBody, store: CurrentStore) -> Response:
    """Create a category."""
    category = await store.create_category(body.draft())
    location = _location(request, "read_category", category_id=category.id)
    return _answer_category(category, HTTPStatus.CREATED, {"Location": location})


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
