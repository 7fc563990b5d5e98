"""How each error of the catalogue is told to the caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from reference_app.catalog import domain
from reference_app.catalog.domain import entity_tag
from reference_app.persistence.answers import answer_unavailable
from reference_app.telemetry.answers import answer, answer_problems, invalid
from reference_app.telemetry.problems import FieldError, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI


def _not_found(error: domain.NotFound) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no {error.noun} {error.id}.", kind="not-found")


def _version_conflict(error: domain.VersionConflict) -> Problem:
    return Problem(
        HTTPStatus.PRECONDITION_FAILED,
        f"The {error.noun} has changed since you read it; read it again and repeat your change.",
        kind="version-conflict",
        headers={"ETag": entity_tag(error.current)},
    )


def _already_taken(error: domain.AlreadyTaken) -> Problem:
    return Problem(HTTPStatus.CONFLICT, f"Another {error.noun} has this {error.field}.", kind="already-taken")


def _category_in_use(_error: domain.CategoryInUse) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT, "The category still has products; move or delete them first.", kind="category-in-use"
    )


def _unknown_category(_error: domain.UnknownCategory) -> Problem:
    return invalid(FieldError("body/category_id", "there is no such category"))


def _unknown_products(error: domain.UnknownProducts) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "There are no such products.",
        kind="unknown-product",
        errors=[FieldError(f"product/{product_id}", "there is no such product") for product_id in error.ids],
    )


def _insufficient_stock(error: domain.InsufficientStock) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "There are fewer pieces in stock than asked for; nothing was reserved.",
        kind="insufficient-stock",
        errors=[
            FieldError(f"product/{short.product_id}", f"{short.asked} asked for, {short.left} in stock")
            for short in error.shortages
        ],
    )


def _reservation_conflict(_error: domain.ReservationConflict) -> Problem:
    return Problem(HTTPStatus.CONFLICT, "The reservation holds other items.", kind="reservation-conflict")


def _reservation_released(_error: domain.ReservationReleased) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "The reservation was released and cannot be made again.",
        kind="reservation-released",
    )


def _invalid_cursor(_error: domain.InvalidCursor) -> Problem:
    return invalid(FieldError("query/cursor", "is not a cursor that a page gave out"))


def install(app: FastAPI) -> None:
    """Make *app* answer every error with problem details."""
    answer_problems(app)
    answer_unavailable(app)
    answer(app, domain.NotFound, _not_found)
    answer(app, domain.VersionConflict, _version_conflict)
    answer(app, domain.AlreadyTaken, _already_taken)
    answer(app, domain.CategoryInUse, _category_in_use)
    answer(app, domain.UnknownCategory, _unknown_category)
    answer(app, domain.InvalidCursor, _invalid_cursor)
    answer(app, domain.UnknownProducts, _unknown_products)
    answer(app, domain.InsufficientStock, _insufficient_stock)
    answer(app, domain.ReservationConflict, _reservation_conflict)
    answer(app, domain.ReservationReleased, _reservation_released)
