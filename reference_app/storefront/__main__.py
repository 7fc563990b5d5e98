"""The command line of the storefront: ``serve``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reference_app.storefront.app import create_app
from reference_app.storefront.settings import Settings
from reference_app.telemetry.configuration import load_settings
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.logs import configure_logs
from reference_app.telemetry.serving import serve

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for wrong settings or arguments."""
    parser = argparse.ArgumentParser(prog="storefront", description="Serves the pages of the shop.")
    parser.add_subparsers(dest="command", required=True).add_parser("serve", help="serve until SIGTERM")
    parser.parse_args(arguments)
    settings = load_settings(Settings)
    configure_logs("storefront", settings.log_level)
    instruments = Instruments.of(settings)
    serve(create_app(settings, instruments), instruments, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
