"""Connections to PostgreSQL: for requests, for readiness, and for work that waits until the database is there."""

from __future__ import annotations

import select
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

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


def brisk_engine(settings: DatabaseSettings) -> AsyncEngine:
    """Return an engine each statement of which is a transaction of its own, and which costs no round trip beside it.

    Nothing is sent to begin and end a transaction, nor to find out whether a connection that rested is still alive:
    its socket tells. One to a machine that has vanished breaks after the time that an answer is waited for.
    """
    engine = create_async_engine(
        settings.database,
        isolation_level="AUTOCOMMIT",
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_timeout.total_seconds(),
        pool_reset_on_return=None,
        pool_use_lifo=True,
        connect_args={"tcp_user_timeout": int(settings.database_timeout.total_seconds() * 1000)},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(_: DBAPIConnection, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
    connection = entry.driver_connection
    if not isinstance(connection, psycopg.AsyncConnection):
        raise TypeError(connection)
    # Nobody has asked anything, so what can be read is the end of the connection or a word about it.
    resting = select.poll()
    try:
        resting.register(connection.fileno(), select.POLLIN)
        dead = bool(resting.poll(0))
    except psycopg.OperationalError:
        dead = True
    if dead:
        raise DisconnectionError


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
