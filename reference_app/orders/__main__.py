"""The command line of the order service: ``serve``, ``relay``, ``work``, ``migrate`` and ``seed``."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from reference_app.orders.app import create_app, create_relay, create_worker
from reference_app.orders.database import SCHEMA
from reference_app.orders.seed import plant
from reference_app.orders.settings import Settings
from reference_app.persistence.commands import Preparation
from reference_app.telemetry.configuration import load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.logs import configure_logs
from reference_app.telemetry.serving import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_log = logging.getLogger("orders")
_PROCESSES = {
    "serve": (create_app, "answer requests until SIGTERM"),
    "relay": (create_relay, "bring events from the database into the stream until SIGTERM"),
    "work": (create_worker, "reserve what was ordered, and give it back, until SIGTERM"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 if the database stayed away, 2 for wrong settings or arguments."""
    preparation = Preparation(SCHEMA, _seed)
    parser = argparse.ArgumentParser(
        prog="orders", description="Serves orders, carries their events, or prepares their database."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, purpose) in _PROCESSES.items():
        commands.add_parser(name, help=purpose)
    preparation.add_commands(commands)
    chosen = parser.parse_args(arguments)
    settings = load_settings(Settings)
    configure_logs(
        "orders" if chosen.command not in {"relay", "work"} else f"orders-{chosen.command}", settings.log_level
    )
    if chosen.command not in _PROCESSES:
        return preparation.run(chosen, settings)
    create, _ = _PROCESSES[chosen.command]
    instruments = Instruments.of(settings)
    serve(create(settings, instruments), instruments, settings)
    return 0


def _seed(connection: Connection) -> None:
    _log.info("seeded", extra={"orders": plant(connection)})


if __name__ == "__main__":
    sys.exit(main())
