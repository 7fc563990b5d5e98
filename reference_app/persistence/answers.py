"""What a caller hears while the database cannot be reached."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from reference_app.telemetry.answers import answer
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

_SECONDS_TO_COME_BACK = 2
UNAVAILABLE = (
    *(OperationalError, InterfaceError, PoolTimeoutError),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)
"""What comes out while the database is away, by SQLAlchemy or straight from the driver."""


def answer_unavailable(app: FastAPI) -> None:
    """Make *app* answer 503 with ``Retry-After`` where its database is away, too slow or has no connection free."""
    problem = Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service cannot reach its database just now; try again shortly.",
        kind="database-unavailable",
        headers={"Retry-After": str(_SECONDS_TO_COME_BACK)},
    )
    for unavailable in UNAVAILABLE:
        answer(app, unavailable, lambda _: problem)
