"""How each error of the order service is told to the caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from reference_app.orders import domain
from reference_app.persistence.answers import answer_unavailable
from reference_app.persistence.versions import entity_tag
from reference_app.telemetry.answers import answer, answer_problems, invalid
from reference_app.telemetry.problems import FieldError, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI


def _not_found(error: domain.NotFound) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no order {error.id}.", kind="not-found")


def _version_conflict(error: domain.VersionConflict) -> Problem:
    return Problem(
        HTTPStatus.PRECONDITION_FAILED,
        "The order has changed since you read it; read it again and repeat your change.",
        kind="version-conflict",
        headers={"ETag": entity_tag(error.current)},
    )


def _transition_refused(error: domain.TransitionRefused) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        f"An order that is {error.current} cannot become {error.asked}.",
        kind="transition-refused",
    )


def _unknown_products(error: domain.UnknownProducts) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "There are no such products.",
        kind="unknown-product",
        errors=[FieldError(f"product/{product_id}", "there is no such product") for product_id in error.ids],
    )


def _key_reused(_error: domain.KeyReused) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The Idempotency-Key belongs to another request; use a new one for a new order.",
        kind="idempotency-key-reused",
    )


def _key_in_flight(_error: domain.KeyInFlight) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "The first request with this Idempotency-Key has not been answered yet; repeat this one shortly.",
        kind="idempotency-key-in-flight",
        headers={"Retry-After": "1"},
    )


def _catalog_unavailable(_error: domain.CatalogUnavailable) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The catalogue cannot be asked for prices just now; try again shortly, with the same Idempotency-Key.",
        kind="catalog-unavailable",
        headers={"Retry-After": "2"},
    )


def _invalid_cursor(_error: domain.InvalidCursor) -> Problem:
    return invalid(FieldError("query/cursor", "is not a cursor that a page gave out"))


def install(app: FastAPI) -> None:
    """Make *app* answer every error with problem details."""
    answer_problems(app)
    answer_unavailable(app)
    answer(app, domain.NotFound, _not_found)
    answer(app, domain.VersionConflict, _version_conflict)
    answer(app, domain.TransitionRefused, _transition_refused)
    answer(app, domain.UnknownProducts, _unknown_products)
    answer(app, domain.KeyReused, _key_reused)
    answer(app, domain.KeyInFlight, _key_in_flight)
    answer(app, domain.CatalogUnavailable, _catalog_unavailable)
    answer(app, domain.InvalidCursor, _invalid_cursor)
