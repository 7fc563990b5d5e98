"""The command ``seatrial undo``."""

from __future__ import annotations

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
