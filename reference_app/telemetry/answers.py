"""How a service tells its errors to the caller: each kind of exception becomes problem details."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reference_app.telemetry.documents import describe_problems
from reference_app.telemetry.problems import FieldError, Problem, from_http_exception

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

Known = TypeVar("Known", bound=Exception)


def invalid(*errors: FieldError) -> Problem:
    """Return the problem of a request that does not have the form asked for."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request does not have the form that is asked for.",
        kind="validation",
        title="Invalid request",
        errors=errors,
    )


def answer_problems(app: FastAPI) -> None:
    """Make *app* answer what the framework refuses, and every `Problem`, with problem details, and document them."""
    answer(app, HTTPException, from_http_exception)
    answer(app, RequestValidationError, _validation)
    answer(app, Problem, lambda problem: problem)
    describe_problems(app)


def answer(app: FastAPI, kind: type[Known], describe: Callable[[Known], Problem]) -> None:
    """Make *app* answer an exception of *kind* with the problem that *describe* makes of it."""

    async def respond(request: Request, error: Exception) -> Response:
        if not isinstance(error, kind):
            raise error
        return describe(error).response(request.url.path)

    app.add_exception_handler(kind, respond)


def _validation(error: RequestValidationError) -> Problem:
    return invalid(*(FieldError("/".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()))
