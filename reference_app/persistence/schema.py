"""The schema of a service's database: the migrations that it comes from, and whether they have been run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from reference_app.telemetry.health import NotReady

# Any number will do as long as every runner uses the same; Jobs started together then run one after the other.
_LOCK = 7_305_941


@dataclass(frozen=True)
class Schema:
    """A schema that comes from the Alembic revisions in the folder *migrations*."""

    migrations: Path

    async def ask(self, engine: AsyncEngine) -> None:
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
        known = self.revisions
        if revision != known[0] and (revision in known or revision is None):
            reason = f"the schema is at revision {revision or 'none'}, {known[0]} is needed"
            raise NotReady(reason)

    def migrate(self, connection: Connection, revision: str = "head") -> None:
        """Bring the schema to *revision*, forwards or backwards, in the transaction of *connection*; repeatable.

        ``head`` is the newest revision, ``previous`` the one before it.
        """
        revision = self._named(revision)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = self._alembic()
        config.attributes["connection"] = connection
        current = _current(connection)
        position = self.revisions.index(current) if current in self.revisions else None
        target = self.revisions.index(revision)
        # Revisions are listed newest first, so a larger index is an older schema.
        if position is not None and target > position:
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)

    def knows(self, revision: str) -> bool:
        """Whether *revision* is one that `migrate` can go to."""
        return self._named(revision) in self.revisions

    @cached_property
    def revisions(self) -> tuple[str, ...]:
        """The revisions, newest first."""
        return tuple(script.revision for script in ScriptDirectory.from_config(self._alembic()).walk_revisions())

    def _named(self, revision: str) -> str:
        newest, *older = self.revisions
        return {"head": newest, "previous": older[0] if older else "none"}.get(revision, revision)

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.migrations))
        return config


def _current(connection: Connection) -> str | None:
    if not connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
