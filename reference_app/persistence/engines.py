"""Connections to PostgreSQL: for requests, for readiness, and for work that waits until the database is there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_app.persistence.settings import DatabaseSettings


def pooled_engine(settings: DatabaseSettings) -> AsyncEngine:
    """Return the engine that requests use.

    A connection that died while it rested is replaced unnoticed; a request waits for a free one
    as long as for an answer.
    """
    return create_async_engine(
        settings.database,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_timeout.total_seconds(),
        pool_pre_ping=True,
    )


def probe_engine(settings: DatabaseSettings) -> AsyncEngine:
    """Return the engine that readiness uses.

    It has one connection of its own, so that load on the pool does not look like an outage.
    """
    return create_async_engine(settings.database, pool_size=1, max_overflow=0, pool_timeout=1, pool_pre_ping=True)


def run_once_reachable(url: URL, work: Callable[[Connection], None], *, within: timedelta) -> None:
    """Run *work* in one transaction, waiting for the database to come up for at most *within*.

    Raises OperationalError once that time has passed.
    """
    engine: Engine = create_engine(url)
    attempts = Retrying(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_delay(within),
        wait=wait_exponential(multiplier=0.1, max=2),
        reraise=True,
    )
    try:
        for attempt in attempts:
            with attempt, engine.begin() as connection:
                work(connection)
    finally:
        engine.dispose()
