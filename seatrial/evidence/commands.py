"""Reading past runs from the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from seatrial.evidence.store import latest_run, load_run
from seatrial.evidence.terminal import print_summary, print_tree


def report(
    run: Annotated[Path | None, typer.Argument(help="The folder of a run; the last one if none is given.")] = None,
    runs: Annotated[Path, typer.Option(help="The folder that holds the runs.")] = Path("reports"),
) -> None:
    """Print a run as it was printed at its end; exit with 0 if it passed, else with 1."""
    # nox starts its commands in the project's folder, whatever folder the person was in.
    start = Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."))
    directory = (start / run) if run else latest_run(runs)
    record = load_run(directory)
    console = Console(highlight=False)
    print_tree(record, console)
    print_summary(record, console)
    console.print(f"Run {record.id} in {directory}", soft_wrap=True)
    raise typer.Exit(0 if record.opens_gate else 1)
