"""The command line of the catalogue: ``serve``, ``migrate`` and ``seed``."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from reference_app.catalog.app import create_app
from reference_app.catalog.database import known_revision, migrate, run_once_reachable
from reference_app.catalog.seed import plant
from reference_app.catalog.settings import Settings
from reference_app.telemetry.configuration import load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.logs import configure_logs
from reference_app.telemetry.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

_log = logging.getLogger("catalog")
_USAGE = 2
_UNREACHABLE = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 if the database stayed away, 2 for wrong settings or arguments."""
    chosen = _parser().parse_args(arguments)
    settings = load_settings(Settings)
    configure_logs("catalog", settings.log_level)
    if chosen.command == "serve":
        instruments = Instruments.of(settings)
        serve(create_app(settings, instruments), instruments, settings)
        return 0
    if chosen.command == "migrate" and not known_revision(chosen.revision):
        sys.stderr.write(f"There is no revision {chosen.revision}: give one from the migrations folder, or head.\n")
        return _USAGE
    work: Callable[[Connection], None] = (
        _seed if chosen.command == "seed" else _migration(chosen.revision, seed=chosen.seed)
    )
    try:
        run_once_reachable(settings.database, work, within=timedelta(seconds=chosen.wait))
    except OperationalError as error:
        _log.error("the database cannot be used", extra={"error": str(error.orig)})
        return _UNREACHABLE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="catalog", description="Serves the catalogue, or prepares its database.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve until SIGTERM")
    migration = commands.add_parser("migrate", help="bring the schema to a revision, forwards or backwards")
    migration.add_argument("revision", nargs="?", default="head")
    migration.add_argument(
        "--seed", action="store_true", help="then add what the sample catalogue lacks, in the same transaction"
    )
    seed = commands.add_parser("seed", help="add what the sample catalogue lacks")
    for command in (migration, seed):
        command.add_argument(
            "--wait", type=float, default=60, metavar="SECONDS", help="how long to wait for the database"
        )
    return parser


def _migration(revision: str, *, seed: bool) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        migrate(connection, revision)
        _log.info("migrated", extra={"revision": revision})
        if seed:
            _seed(connection)

    return run


def _seed(connection: Connection) -> None:
    planted = plant(connection)
    _log.info("seeded", extra={"categories": planted.categories, "products": planted.products})


if __name__ == "__main__":
    sys.exit(main())
