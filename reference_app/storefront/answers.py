"""How each error is told: as a page to people, as problem details to programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reference_app.storefront.domain import Unusable
from reference_app.storefront.forms import TooLarge
from reference_app.storefront.gateway import Outage, Part, Refusal
from reference_app.storefront.pages import Pages, Sorry
from reference_app.telemetry.problems import Problem, from_http_exception

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

Known = TypeVar("Known", bound=Exception)
_TITLES = {
    HTTPStatus.BAD_REQUEST: "That did not work",
    HTTPStatus.UNAUTHORIZED: "Your visit has expired",
    HTTPStatus.FORBIDDEN: "Not from here",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "That did not work",
    HTTPStatus.CONFLICT: "That is not possible now",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "That kind of content is not accepted",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That did not work",
    HTTPStatus.TOO_MANY_REQUESTS: "One moment, please",
    HTTPStatus.SERVICE_UNAVAILABLE: "We will be right back",
}
_EXPLAINED = {
    HTTPStatus.UNAUTHORIZED: "Nothing was in use for a while, so the shop forgot it. Go on with a new cart.",
    HTTPStatus.NOT_FOUND: "What you are looking for is not here, or not here any more.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The file is larger than the shop accepts.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Files can be PNG, JPEG, WebP or GIF pictures, PDF documents or plain text, and"
    " what is in them has to be what they say they are.",
    HTTPStatus.TOO_MANY_REQUESTS: "That was a lot at once. Wait a little, then try again.",
}


def outage(error: Outage) -> Sorry:
    """Return what to say while a part of the shop does not answer."""
    sentence = f"Just now {error.part} cannot be reached. Nothing is lost; please try again in a moment."
    if error.undecided:
        sentence = (
            f"Just now {error.part} did not answer in time, so we cannot say whether that was done. "
            "Please look before you do it again."
        )
    return Sorry(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _TITLES[HTTPStatus.SERVICE_UNAVAILABLE],
        sentence,
        retry=True,
        retry_after=error.retry_after,
    )


def refusal(error: Refusal) -> Sorry:
    """Return what to say where the gateway refused."""
    if error.part is Part.CATALOGUE and error.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        return _sorry(HTTPStatus.NOT_FOUND, "This address does not lead to a page of the catalogue.")
    sentence = _EXPLAINED.get(error.status) or error.problem.detail or "The shop could not do that."
    return _sorry(error.status, sentence, retry_after=error.retry_after)


def _problem(error: Problem) -> Sorry:
    return _sorry(error.status, error.detail)


def _http_exception(error: HTTPException) -> Sorry:
    problem = from_http_exception(error)
    return _sorry(problem.status, _EXPLAINED.get(problem.status, problem.detail))


def _validation(error: RequestValidationError) -> Sorry:
    # An address with an id that is none leads nowhere; what else can be wrong is a parameter of a list.
    path = any(one["loc"][0] == "path" for one in error.errors())
    status = HTTPStatus.NOT_FOUND if path else HTTPStatus.UNPROCESSABLE_ENTITY
    return _sorry(status, _EXPLAINED[HTTPStatus.NOT_FOUND])


def _unusable(error: Unusable) -> Sorry:
    return _sorry(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


def _too_large(_error: TooLarge) -> Sorry:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return _sorry(status, _EXPLAINED[status])


def _sorry(status: HTTPStatus, sentence: str, *, retry_after: int | None = None) -> Sorry:
    retry = status is HTTPStatus.TOO_MANY_REQUESTS
    return Sorry(status, _TITLES.get(status, "That did not work"), sentence, retry=retry, retry_after=retry_after)


def install(app: FastAPI, pages: Pages) -> None:
    """Make *app* answer every error with a page that says so, or with problem details to whoever asks for no page."""

    def answer(kind: type[Known], describe: Callable[[Known], Sorry]) -> None:
        async def respond(request: Request, error: Exception) -> Response:
            if not isinstance(error, kind):
                raise error
            return _tell(pages, request, describe(error), error)

        app.add_exception_handler(kind, respond)

    answer(HTTPException, _http_exception)
    answer(RequestValidationError, _validation)
    answer(Problem, _problem)
    answer(Outage, outage)
    answer(Refusal, refusal)
    answer(Unusable, _unusable)
    answer(TooLarge, _too_large)


def _tell(pages: Pages, request: Request, sorry: Sorry, error: Exception) -> Response:
    if "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers:
        return pages.sorry(request, sorry)
    kind = error.kind if isinstance(error, Problem | Refusal) else "part-unavailable" if sorry.retry else None
    headers = {} if sorry.retry_after is None else {"Retry-After": str(sorry.retry_after)}
    if isinstance(error, HTTPException):
        headers.update(error.headers or {})
    return Problem(sorry.status, sorry.sentence, kind=kind, headers=headers).response(request.url.path)
