"""What a route can ask for by type; each refuses the request with a problem if it cannot be given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from reference_app.orders.domain import Order, Position, Status
from reference_app.orders.placing import Placing
from reference_app.orders.schemas import Customer
from reference_app.orders.store import Filter, Store
from reference_app.orders.streaming import Streaming
from reference_app.persistence.versions import ANY_VERSION, Expectation
from reference_app.telemetry.problems import Problem

Body = TypeVar("Body", bound=BaseModel)
_INLINE: Final = "{model}"
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True)
class Counters:
    """What the service counts about its business."""

    placed: Callable[[], None]
    replayed: Callable[[], None]
    moved: Callable[[Status], None]


@dataclass(frozen=True)
class Parts:
    """What one instance of the service is made of; lives as long as the application."""

    store: Store
    placing: Placing
    streaming: Streaming
    counters: Counters


def parts_of(request: Request) -> Parts:
    """Return the parts of the application that *request* came to."""
    return cast("Parts", request.app.state.parts)


async def _parts(request: Request) -> Parts:
    return parts_of(request)


CurrentParts = Annotated[Parts, Depends(_parts)]

KEY_PARAMETER: Final[Mapping[str, object]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Printable ASCII that no other order has.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def idempotency_key(request: Request) -> str:
    """Return the ``Idempotency-Key`` of *request*; raises a problem if it has none, or something else."""
    key = request.headers.get("idempotency-key")
    if not key:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "Send an Idempotency-Key that no other order has, so that the order can be repeated without harm.",
            kind="idempotency-key-missing",
        )
    if not _KEY.fullmatch(key):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
            kind="idempotency-key-malformed",
        )
    return key


def request_body(kind: type[BaseModel]) -> Mapping[str, object]:
    """Return how OpenAPI describes a body of *kind* that `json_body` reads."""
    schema = kind.model_json_schema(ref_template=_INLINE)
    definitions = schema.pop("$defs", {})
    return {"required": True, "content": {"application/json": {"schema": _inlined(schema, definitions)}}}


def _inlined(schema: object, definitions: Mapping[str, object]) -> object:
    if isinstance(schema, dict):
        if reference := schema.get("$ref"):
            return _inlined(definitions[reference], definitions)
        return {name: _inlined(value, definitions) for name, value in schema.items()}
    return [_inlined(one, definitions) for one in schema] if isinstance(schema, list) else schema


async def json_body(request: Request, kind: type[Body]) -> Body:
    """Return the body of *request*; raises a problem, or what the framework raises for one that is not of *kind*."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body must be application/json.",
            headers={"Accept": "application/json"},
        )
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        wrong = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from None


async def _expectation(if_match: Annotated[str | None, Header()] = None) -> Expectation:
    if if_match is None:
        return ANY_VERSION
    try:
        return Expectation.of_if_match(if_match)
    except ValueError:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "If-Match must be * or a list of entity tags in double quotes.",
            kind="malformed-precondition",
        ) from None


Expected = Annotated[Expectation, Depends(_expectation)]


async def _position(cursor: Annotated[str | None, Query(max_length=100)] = None) -> Position | None:
    return None if cursor is None else Position.of_cursor(cursor)


After = Annotated[Position | None, Depends(_position)]
Limit = Annotated[int, Query(ge=1, le=100)]


async def _filter(
    customer: Annotated[Customer | None, Query()] = None, status: Annotated[Status | None, Query()] = None
) -> Filter:
    return Filter(customer=customer, status=status)


Which = Annotated[Filter, Depends(_filter)]


async def existing_order(order_id: UUID, parts: CurrentParts) -> Order:
    """Return the order that the path names; raises NotFound."""
    return await parts.store.order(order_id)


ExistingOrder = Annotated[Order, Depends(existing_order)]


async def _last_event(last_event_id: Annotated[str | None, Header()] = None) -> int:
    # What no stream gave out counts as absent: the stream begins at the beginning, and nothing is missed.
    known = last_event_id is not None and re.fullmatch(r"[0-9]{1,9}", last_event_id)
    return int(last_event_id) if known and last_event_id else 0


LastEvent = Annotated[int, Depends(_last_event)]
