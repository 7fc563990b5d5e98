"""What the services have in common in the OpenAPI documents that they publish: the shape of a problem, and links."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from reference_app.telemetry.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from fastapi.routing import APIRoute

CREATED_ID: Final = "$response.body#/id"
"""Where an answer tells the id of what was created."""
_SCHEMAS: Final = "#/components/schemas/"


class ProblemPart(BaseModel):
    """What is wrong with one part of a request."""

    where: str
    what: str


class ProblemShown(BaseModel):
    """Problem details, RFC 9457; *errors* is there where single parts of the request are to blame."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    trace_id: str
    errors: list[ProblemPart] = []


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, object]]:
    """Return what a route says of the problems that it answers with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}{ProblemShown.__name__}"}}}
    return {int(status): {"description": status.phrase, "content": content} for status in statuses}


def leads_to(parameter: str, value: str, *operations: str) -> dict[str, object]:
    """Return links from an answer to the operations that go on from what it tells: *value*, as their *parameter*."""
    return {operation: {"operationId": operation, "parameters": {parameter: value}} for operation in operations}


def operation_name(route: APIRoute) -> str:
    """Return the name by which links know the operation of *route*: that of its function."""
    return route.name


def describe_problems(app: FastAPI) -> None:
    """Put the shape of a problem, which `problems` refers to, into the document that *app* publishes."""
    written: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = written()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if ProblemShown.__name__ not in schemas:
            shape = ProblemShown.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
            schemas.update(shape.pop("$defs"), **{ProblemShown.__name__: shape})
        return document

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI has it extended
