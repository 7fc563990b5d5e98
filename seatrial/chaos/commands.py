"""The commands ``seatrial undo`` and ``seatrial experiment``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FAILED = 1


def undo(
    everything: Annotated[
        bool, typer.Option("--all", help="also those whose owner still runs and would undo them itself")
    ] = False,
) -> None:
    """Undo the faults that were left behind on this machine, and prove that nothing of them is left."""
    from seatrial.chaos.injection import sweep  # noqa: PLC0415 (only this command needs it, and it takes a while to load)

    swept = sweep(everything=everything)
    for name in swept.undone:
        typer.echo(f"undone: {name}")
    for name in swept.held:
        typer.echo(f"left alone: {name}")
    for failure in swept.failures:
        typer.echo(f"failed: {failure}", err=True)
    if not (swept.undone or swept.held or swept.failures):
        typer.echo("There is no fault to undo.")
    if swept.failures:
        raise typer.Exit(_FAILED)


def experiment(
    file: Annotated[Path, typer.Argument(help="the experiment, such as those in infra/chaos/experiments")],
) -> None:
    """Run an experiment on the cluster of KUBECONFIG, or else the embedded one; 1 if the steady state did not hold."""
    from seatrial.chaos.engine import ExperimentFailed, run_file  # noqa: PLC0415 (as in undo)
    from seatrial.chaos.injection import CleanUpFailed  # noqa: PLC0415 (as in undo)
    from seatrial.verdict import Inconclusive  # noqa: PLC0415 (as in undo)

    try:
        outcome = run_file(file)
    except (ExperimentFailed, CleanUpFailed, Inconclusive) as error:
        typer.echo(f"seatrial: {error}", err=True)
        raise typer.Exit(_FAILED) from None
    typer.echo(str(outcome))
    for timeline in outcome.timelines:
        typer.echo(timeline.text())
    if not outcome.held:
        raise typer.Exit(_FAILED)
