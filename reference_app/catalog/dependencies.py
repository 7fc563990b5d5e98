"""What a route can ask for by type; each refuses the request with a problem if it cannot be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Header, Query, Request

from reference_app.catalog import codec
from reference_app.catalog.cache import Answer, Cache
from reference_app.catalog.domain import Category, Expectation, NotFound, Position
from reference_app.catalog.reservations import Reservations
from reference_app.catalog.schemas import SearchText, Slug
from reference_app.catalog.store import Store
from reference_app.telemetry.answers import invalid
from reference_app.telemetry.problems import FieldError, Problem


@dataclass(frozen=True)
class Counters:
    """What the service counts about its business."""

    product_written: Callable[[str], None]
    reservation_asked: Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    """What one instance of the service is made of; lives as long as the application."""

    store: Store
    reservations: Reservations
    cache: Cache
    counters: Counters


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


CurrentParts = Annotated[Parts, Depends(_parts)]


def _store(parts: CurrentParts) -> Store:
    return parts.store


def _reservations(parts: CurrentParts) -> Reservations:
    return parts.reservations


def _cache(parts: CurrentParts) -> Cache:
    return parts.cache


def _counters(parts: CurrentParts) -> Counters:
    return parts.counters


CurrentStore = Annotated[Store, Depends(_store)]
CurrentReservations = Annotated[Reservations, Depends(_reservations)]
CurrentCache = Annotated[Cache, Depends(_cache)]
CurrentCounters = Annotated[Counters, Depends(_counters)]


def _json_only(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body must be application/json.",
            headers={"Accept": "application/json"},
        )


JsonOnly = Depends(_json_only)


def _expectation(if_match: Annotated[str | None, Header()] = None) -> Expectation:
    if if_match is None:
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "Send the entity tag of the version you read as If-Match, so that nobody's change is lost.",
            kind="precondition-required",
        )
    try:
        return Expectation.of_if_match(if_match)
    except ValueError:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "If-Match must be * or a list of entity tags in double quotes.",
            kind="malformed-precondition",
        ) from None


Expected = Annotated[Expectation, Depends(_expectation)]


def _position(cursor: Annotated[str | None, Query(max_length=1000)] = None) -> Position | None:
    return None if cursor is None else Position.of_cursor(cursor)


After = Annotated[Position | None, Depends(_position)]
Limit = Annotated[int, Query(ge=1, le=100)]
Search = Annotated[SearchText, Query()]
CategorySlug = Annotated[Slug | None, Query()]
ProductIds = Annotated[list[UUID] | None, Query(min_length=1, max_length=50)]


async def existing_category(category_id: UUID, store: CurrentStore) -> Category:
    """Return the category that the path names; raises NotFound."""
    return await store.category(category_id)


ExistingCategory = Annotated[Category, Depends(existing_category)]


@dataclass(frozen=True)
class FoundProduct:
    """A product as it is kept in the cache, and whether it came from there."""

    kept: codec.Kept
    answer: Answer


async def existing_product(request: Request) -> FoundProduct:
    """Return the product that the path of *request* names, through the cache; raises a 404 problem."""
    parts = _parts(request)
    try:
        product_id = UUID(request.path_params["product_id"])
    except ValueError:
        raise invalid(FieldError("path/product_id", "is not a UUID")) from None

    async def load() -> bytes:
        try:
            return codec.Kept.of(await parts.store.product(product_id)).entry
        except NotFound:
            return codec.NOTHING

    answer = await parts.cache.read(product_key(product_id), load)
    kept = codec.Kept.of_entry(answer.value)
    if kept is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"There is no product {product_id}.",
            kind="not-found",
            headers={"X-Cache": answer.origin},
        )
    return FoundProduct(kept, answer)


def product_key(product_id: UUID) -> str:
    """Return the key under which the cache keeps a product."""
    return f"product:{product_id}"
