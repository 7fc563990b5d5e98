"""How each error of the catalogue is told to the caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from reference_app.catalog import domain
from reference_app.catalog.domain import entity_tag
from reference_app.telemetry.problems import FieldError, Problem, from_http_exception

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

_SECONDS_TO_COME_BACK = 2
Known = TypeVar("Known", bound=Exception)


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
    return _invalid(FieldError("body/category_id", "there is no such category"))


def _invalid_cursor(_error: domain.InvalidCursor) -> Problem:
    return _invalid(FieldError("query/cursor", "is not a cursor that a page gave out"))


def _validation(error: RequestValidationError) -> Problem:
    return _invalid(*(FieldError("/".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()))


def _invalid(*errors: FieldError) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request does not have the form that is asked for.",
        kind="validation",
        title="Invalid request",
        errors=errors,
    )


def _database_unavailable(_error: Exception) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The catalogue cannot reach its database just now; try again shortly.",
        kind="database-unavailable",
        headers={"Retry-After": str(_SECONDS_TO_COME_BACK)},
    )


def install(app: FastAPI) -> None:
    """Make *app* answer every error with problem details."""
    _on(app, HTTPException, from_http_exception)
    _on(app, RequestValidationError, _validation)
    _on(app, Problem, lambda problem: problem)
    _on(app, domain.NotFound, _not_found)
    _on(app, domain.VersionConflict, _version_conflict)
    _on(app, domain.AlreadyTaken, _already_taken)
    _on(app, domain.CategoryInUse, _category_in_use)
    _on(app, domain.UnknownCategory, _unknown_category)
    _on(app, domain.InvalidCursor, _invalid_cursor)
    for unavailable in (OperationalError, InterfaceError, PoolTimeoutError):
        _on(app, unavailable, _database_unavailable)


def _on(app: FastAPI, kind: type[Known], describe: Callable[[Known], Problem]) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        if not isinstance(error, kind):
            raise error
        return describe(error).response(request.url.path)

    app.add_exception_handler(kind, answer)
