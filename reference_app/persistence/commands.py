"""The commands that prepare a database: ``migrate`` and ``seed``."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from reference_app.persistence.engines import run_once_reachable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sqlalchemy import Connection

    from reference_app.persistence.schema import Schema
    from reference_app.persistence.settings import DatabaseSettings

_log = logging.getLogger(__name__)
_USAGE = 2
_UNREACHABLE = 1


@dataclass(frozen=True)
class Preparation:
    """What prepares the database of one service: its *schema*, and *plant*, which adds what the sample data lack."""

    schema: Schema
    plant: Callable[[Connection], None]

    def add_commands(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Let *commands* know ``migrate [REVISION] [--seed]`` and ``seed``."""
        migration = commands.add_parser("migrate", help="bring the schema to a revision, forwards or backwards")
        migration.add_argument("revision", nargs="?", default="head", help="its number, head, or previous")
        migration.add_argument(
            "--seed", action="store_true", help="then add what the sample data lack, in the same transaction"
        )
        seed = commands.add_parser("seed", help="add what the sample data lack")
        for command in (migration, seed):
            command.add_argument(
                "--wait", type=float, default=60, metavar="SECONDS", help="how long to wait for the database"
            )

    def run(self, chosen: argparse.Namespace, settings: DatabaseSettings) -> int:
        """Run the *chosen* one; returns the exit code: 0, 1 if the database stayed away, 2 for an unknown revision."""
        if chosen.command == "migrate" and not self.schema.knows(chosen.revision):
            sys.stderr.write(
                f"There is no revision {chosen.revision}: give one from the migrations folder, head, or previous.\n"
            )
            return _USAGE
        work = self.plant if chosen.command == "seed" else self._migration(chosen.revision, seed=chosen.seed)
        try:
            run_once_reachable(settings.database, work, within=timedelta(seconds=chosen.wait))
        except OperationalError as error:
            _log.error("the database cannot be used", extra={"error": str(error.orig)})
            return _UNREACHABLE
        return 0

    def _migration(self, revision: str, *, seed: bool) -> Callable[[Connection], None]:
        def run(connection: Connection) -> None:
            self.schema.migrate(connection, revision)
            _log.info("migrated", extra={"revision": revision})
            if seed:
                self.plant(connection)

        return run
