"""The connection to PostgreSQL, and the state of its schema."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from reference_app.telemetry.health import NotReady

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_app.catalog.settings import Settings

# Any number will do as long as every runner uses the same; Jobs started together then run one after the other.
_LOCK = 7_305_941
_MIGRATIONS = Path(__file__).with_name("migrations")


def pooled_engine(settings: Settings) -> AsyncEngine:
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


def probe_engine(settings: Settings) -> AsyncEngine:
    """Return the engine that readiness uses.

    It has one connection of its own, so that load on the pool does not look like an outage.
    """
    return create_async_engine(settings.database, pool_size=1, max_overflow=0, pool_timeout=1, pool_pre_ping=True)


async def ask_database(engine: AsyncEngine) -> None:
    """Return if the database answers and its schema serves this release; raises NotReady or what the driver raises.

    A revision that this release does not know comes from a newer one, whose migrations run before it, and is no
    obstacle.
    """
    try:
        async with engine.connect() as connection:
            revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        reason = "the schema has not been created"
        raise NotReady(reason) from None
    known = _revisions()
    if revision != known[0] and (revision in known or revision is None):
        reason = f"the schema is at revision {revision or 'none'}, {known[0]} is needed"
        raise NotReady(reason)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to *revision*, forwards or backwards, inside the transaction of *connection*; repeatable."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = _alembic()
    config.attributes["connection"] = connection
    position = _revisions().index(_current(connection)) if _current(connection) in _revisions() else None
    target = 0 if revision == "head" else _revisions().index(revision)
    # Revisions are listed newest first, so a larger index is an older schema.
    if position is not None and target > position:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def known_revision(revision: str) -> bool:
    """Whether *revision* is one that `migrate` can go to."""
    return revision == "head" or revision in _revisions()


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


def _current(connection: Connection) -> str | None:
    if not connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


@cache
def _revisions() -> tuple[str, ...]:
    return tuple(script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions())
