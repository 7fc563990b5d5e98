"""The `seatrial` command."""

from __future__ import annotations

import os
import sys

import typer

from seatrial.chaos.commands import experiment, undo
from seatrial.cluster.command import CommandFailed
from seatrial.cluster.commands import app as cluster_app
from seatrial.ending import GoodOrder, end_with
from seatrial.errors import UsageError
from seatrial.evidence.commands import baseline, bundle, key, report, runs_app, verify
from seatrial.load.commands import load
from seatrial.slo.commands import app as objective_app
from seatrial.toolchain import BuildFailed
from seatrial.toolchain.commands import app as toolchain_app
from seatrial.waiting import NotObserved

app = typer.Typer(
    name="seatrial",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Proves that a Kubernetes platform is fit for service.",
)
app.add_typer(cluster_app, name="cluster")
app.add_typer(toolchain_app, name="toolchain")
app.add_typer(runs_app, name="runs")
app.add_typer(objective_app, name="objective")
app.command()(report)
app.command()(baseline)
app.command()(bundle)
app.command()(key)
app.command()(load)
app.command()(undo)
app.command()(experiment)
# One description of its options serves here and where there is nothing but the standard library.
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(verify)

_FAILED = 1
_BAD_INPUT = 2


def main() -> None:
    """Run the command line.

    A UsageError is one sentence on stderr and exit code 2, a failure names what went wrong and ends with 1, an
    interruption (Ctrl-C, SIGTERM, or the death of the launcher that the environment names) cleans up and ends with 130.
    """
    end_with(int(os.environ.get("SEATRIAL_LAUNCHER", "0")))
    GoodOrder(say=lambda text: print(f"seatrial: {text}", file=sys.stderr)).install()  # noqa: T201
    try:
        # Typer makes exit code 130 of an interruption.
        app()
    except UsageError as problem:
        print(f"seatrial: {problem}", file=sys.stderr)  # noqa: T201 - the one place that speaks for the command line
        raise SystemExit(_BAD_INPUT) from None
    except BuildFailed as failure:
        print(f"seatrial: {failure}", file=sys.stderr)  # noqa: T201
        raise SystemExit(_FAILED) from None
    except (CommandFailed, NotObserved) as failure:
        print(f"seatrial: {failure}", file=sys.stderr)  # noqa: T201
        raise SystemExit(_FAILED) from None
