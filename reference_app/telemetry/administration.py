"""The administration port: metrics, and the fault switch where the deployment enables it. Never behind the ingress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from reference_app.telemetry.problems import from_http_exception

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reference_app.telemetry.faults import FaultSwitch
    from reference_app.telemetry.metrics import Metrics


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return from_http_exception(error).response(request.url.path)


def create_administration(metrics: Metrics, faults: FaultSwitch) -> Starlette:
    """Return the application of the administration port: ``/metrics``, and ``/fault`` if *faults* is enabled."""
    routes = [Route("/metrics", metrics.scrape)]
    if faults.enabled:
        routes.append(Route("/fault", faults.serve, methods=["GET", "PUT", "DELETE"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _answer_http_exception})
