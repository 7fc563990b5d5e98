"""Each service answers as its OpenAPI document says, whatever it is asked; a service that does not is noticed."""

from __future__ import annotations

import contextlib
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from pydantic import BaseModel, Field
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from schemathesis import BaseSchema, CheckFunction

    from suites.running import Lend, Serve

    AnyCase = schemathesis.Case[Any]

_CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Of each service, what must come about when operations follow each other.
_FOLLOWED: Mapping[str, frozenset[str]] = {
    "catalog": frozenset({"POST /categories", "GET /categories/{category_id}", "GET /products"}),
    "orders": frozenset({"POST /orders", "GET /orders/{order_id}", "POST /orders/{order_id}/cancel"}),
    "gateway": frozenset({"PUT /api/session/cart", "POST /api/uploads", "GET /api/uploads/{upload_id}"}),
}
_SERVICES = tuple(_FOLLOWED)
# The same examples in every run: a failure is one of the service and not of the day.
_REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=8,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
_PATIENCE_SECONDS = 20


def _document(address: str) -> BaseSchema:
    # A stream of events has no end to check.
    return schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path_regex="/events$")


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


@pytest.mark.parametrize("service", _SERVICES)
def test_all_that_a_document_refers_to_is_in_it(lent: Lend, service: str) -> None:
    document = httpx.get(f"{lent(service).address}/openapi.json").json()
    operations = {one["operationId"] for path in document["paths"].values() for one in path.values()}

    references = set(_references(document))
    linked = {
        link["operationId"]
        for path in document["paths"].values()
        for one in path.values()
        for answer in one["responses"].values()
        for link in answer.get("links", {}).values()
    }

    prefix = "#/components/schemas/"
    assert f"{prefix}ProblemShown" in references
    assert {reference.removeprefix(prefix) for reference in references} <= set(document["components"]["schemas"])
    assert linked
    assert linked <= operations


def _no_cookies() -> Mapping[str, str]:
    return {}


def _check_each_operation(document: BaseSchema, enter: Callable[[], Mapping[str, str]] = _no_cookies) -> int:
    """Ask each operation, in its form and out of it, as a new visitor; returns how many answers were checked."""
    checked = 0
    for found in document.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @_REPEATABLE
            @given(case=operation.as_strategy(mode))
            def ask(case: AnyCase) -> None:
                nonlocal checked
                case.cookies.update(enter())
                case.call_and_validate(checks=_CHECKS, timeout=_PATIENCE_SECONDS)
                checked += 1

            # Nothing can be out of form where nothing is sent.
            with contextlib.suppress(*((Unsatisfiable,) if mode is GenerationMode.NEGATIVE else ())):
                ask()
    return checked


@pytest.mark.parametrize("service", _SERVICES)
def test_every_operation_answers_as_documented(lent: Lend, service: str) -> None:
    lent_service = lent(service)
    document = _document(lent_service.address)

    checked = _check_each_operation(document, lent_service.enter)

    assert checked > 8 * len(list(document.get_all_operations()))


@pytest.mark.parametrize("service", _SERVICES)
def test_operations_that_follow_each_other_answer_as_documented(lent: Lend, service: str) -> None:
    came_about: Counter[str] = Counter()
    lent_service = lent(service)
    visitor: dict[str, str] = {}

    def begin(_self: object) -> None:
        # Each sequence begins with the same data, without which no two runs would be the same.
        lent_service.reset()
        visitor.update(lent_service.enter())

    def make_sense(_self: object, case: AnyCase) -> None:
        """Name a product that exists, and send a file that is what it says it is, as the visitor."""
        case.cookies.update(visitor)
        if case.method == "POST" and case.operation.path == "/api/uploads":
            case.media_type, case.body, case.query = "text/plain", "It floats.", {"name": "boat.txt"}
        items = case.body.get("items") if isinstance(case.body, dict) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and "product_id" in item:
                item["product_id"] = lent_service.product

    def validate(_self: object, response: schemathesis.Response, case: AnyCase, **_: object) -> None:
        if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            came_about[f"{case.method} {case.operation.path}"] += 1
        case.validate_response(response, checks=_CHECKS)

    hooks = {"setup": begin, "before_call": make_sense, "validate_response": validate}
    sequences: Any = type("Sequences", (_document(lent_service.address).as_state_machine(),), hooks)
    sequences.run(settings=settings(_REPEATABLE, max_examples=20, stateful_step_count=5))

    # A sequence that never gets beyond being refused would say nothing.
    assert set(came_about) >= _FOLLOWED[service]


class _Thing(BaseModel):
    size: Annotated[int, Field(ge=1)]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Response(status_code=HTTPStatus.INTERNAL_SERVER_ERROR), "Server error"),
        (Response(status_code=HTTPStatus.IM_A_TEAPOT), "Undocumented status code"),
        (Response('{"size": 1}', media_type="text/html"), "Undocumented Content-Type"),
        (Response('{"size": 0}', media_type="application/json"), "Response violates schema"),
        (Response('{"size": 1}', media_type="application/json"), None),
    ],
    ids=["a server error", "a status", "a content type", "a body", "nothing"],
)
def test_what_is_not_documented_is_noticed(serve: Serve, answer: Response, name: str | None) -> None:
    app = FastAPI()

    @app.get("/things", response_model=_Thing)
    async def read(size: int = 1) -> Response:  # noqa: ARG001 - something to get wrong
        return answer

    document = _document(serve(lambda: app).address)
    if name is None:
        assert _check_each_operation(document)
        return
    with pytest.raises(FailureGroup) as noticed:
        _check_each_operation(document)
    assert name in {failure.title for failure in noticed.value.exceptions if hasattr(failure, "title")}
