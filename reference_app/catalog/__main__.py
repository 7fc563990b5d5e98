"""The command line of the catalogue: ``serve``, ``migrate`` and ``seed``."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from reference_app.catalog.app import create_app
from reference_app.catalog.database import SCHEMA
from reference_app.catalog.seed import plant
from reference_app.catalog.settings import Settings
from reference_app.persistence.commands import Preparation
from reference_app.telemetry.configuration import load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.logs import configure_logs
from reference_app.telemetry.serving import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_log = logging.getLogger("catalog")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 if the database stayed away, 2 for wrong settings or arguments."""
    preparation = Preparation(SCHEMA, _seed)
    parser = argparse.ArgumentParser(prog="catalog", description="Serves the catalogue, or prepares its database.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve until SIGTERM")
    preparation.add_commands(commands)
    chosen = parser.parse_args(arguments)
    settings = load_settings(Settings)
    configure_logs("catalog", settings.log_level)
    if chosen.command != "serve":
        return preparation.run(chosen, settings)
    instruments = Instruments.of(settings)
    serve(create_app(settings, instruments), instruments, settings)
    return 0


def _seed(connection: Connection) -> None:
    planted = plant(connection)
    _log.info("seeded", extra={"categories": planted.categories, "products": planted.products})


if __name__ == "__main__":
    sys.exit(main())
