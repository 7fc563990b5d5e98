"""Problem details (RFC 9457): the one shape in which the services report an error."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIA_TYPE = "application/problem+json"
_NOT_DESCRIBED = "about:blank"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one part of the request: *where* it is (``body/price_cents``) and *what* is wrong there."""

    where: str
    what: str


@dataclass(eq=False)
class Problem(Exception):
    """An error to answer with: status, one sentence of *detail*, and what a program needs to tell it from others.

    *kind* names the problem type and becomes ``urn:seatrial:problem:<kind>``; without it the type is ``about:blank``
    and the title is that of the status, as RFC 9457 section 4.2.1 says.
    """

    status: HTTPStatus
    detail: str
    kind: str | None = None
    title: str | None = None
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, instance: str) -> Response:
        """Return the answer; *instance* is the path of the request."""
        trace = current_trace.get()
        content = {
            "type": f"urn:seatrial:problem:{self.kind}" if self.kind else _NOT_DESCRIBED,
            "title": self.title or self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "instance": instance,
            **({"trace_id": trace.trace_id} if trace else {}),
            **(
                {"errors": [{"where": error.where, "what": error.what} for error in self.errors]} if self.errors else {}
            ),
        }
        # ASCII output, because a path or a field name may hold what UTF-8 cannot carry (a lone surrogate).
        return Response(json.dumps(content), status_code=self.status, media_type=MEDIA_TYPE, headers=dict(self.headers))


def from_http_exception(error: HTTPException) -> Problem:
    """Return the problem that a framework's own error stands for, such as an unknown path or an unreadable body."""
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing at this path.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This resource does not answer the method; see the Allow header.",
    }
    return Problem(status, details.get(status, str(error.detail)), headers=error.headers or {})
