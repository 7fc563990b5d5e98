"""`seatrial toolchain`: see, build, remove and carry the upstream programs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.toolchain.archive import export_archive, import_archive
from seatrial.toolchain.build import Toolchain, build
from seatrial.toolchain.store import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.progress import PhaseTime
    from seatrial.toolchain.build import Built
    from seatrial.toolchain.store import Identity

app = typer.Typer(
    name="toolchain",
    no_args_is_help=True,
    help="Upstream programs: built once, kept by content, shared by all checkouts.",
)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"


@app.command("list")
def list_programs(
    *,
    verify: Annotated[bool, typer.Option(help="Read each binary and compare its SHA-256.")] = False,
) -> None:
    """Show each pinned program, whether it is built, and what it took; exit 1 if one is damaged."""
    toolchain = Toolchain.here()
    table = Table("program", "version", "Go", "state", "size", "build time", "entry", box=None)
    damaged = False
    for pin in toolchain.pins.chosen():
        identity = toolchain.pins.identity(pin)
        state = toolchain.store.state(identity, thorough=verify)
        damaged = damaged or state is State.DAMAGED
        manifest = toolchain.store.find(identity)
        size, time = (_mib(manifest.size), _seconds(manifest.duration)) if manifest else ("", "")
        table.add_row(pin.name, pin.version, pin.go, state.value, size, time, identity.folder)
    _wide(Console()).print(table)
    if damaged:
        raise typer.Exit(1)


@app.command("build")
def build_programs(
    names: Annotated[list[str] | None, typer.Argument(help="Programs to build; all if none is named.")] = None,
    *,
    install: Annotated[
        bool, typer.Option("--install/--no-install", help="Install missing Debian packages, or stop with their list.")
    ] = True,
) -> None:
    """Build what is missing, one program after another, and print where the time went."""
    progress = open_progress()
    toolchain = Toolchain.here()
    built = build(toolchain, names or (), progress=progress, install=install)
    _wide(Console()).print(_time_table(built, progress.finished))


def _time_table(built: Sequence[Built], phases: Sequence[PhaseTime]) -> Table:
    table = Table("where the time went", "time", "binaries", "disk while building", box=None, show_footer=True)
    fresh = {f"Building {each.program.name} {each.program.version}": each.manifest for each in built if each.fresh}
    for phase in phases:
        manifest = fresh.get(phase.title)
        sizes = (_mib(manifest.size), _mib(manifest.disk)) if manifest else ("", "")
        table.add_row(phase.title, _seconds(phase.duration), *sizes)
    for each in built:
        if not each.fresh:
            table.add_row(f"{each.program.name} {each.program.version}: was there", "", _mib(each.manifest.size), "")
    table.columns[0].footer = "together"
    table.columns[1].footer = _seconds(sum((phase.duration for phase in phases), timedelta()))
    table.columns[2].footer = _mib(sum(each.manifest.size for each in built))
    return table


@app.command("prune")
def prune_store() -> None:
    """Remove what no pin of this checkout refers to, and what killed builds left."""
    toolchain = Toolchain.here()
    pruned = toolchain.store.prune(toolchain.wanted())
    for identity in pruned.entries:
        typer.echo(f"removed {identity.folder}")
    for leftover in pruned.leftovers:
        typer.echo(f"removed the leftovers of a build of {leftover}")
    typer.echo(f"{_mib(pruned.freed)} freed")


@app.command("export")
def export_store(
    file: Annotated[
        Path, typer.Argument(help="The archive to write; gzipped unless its name ends in .tar.", dir_okay=False)
    ],
) -> None:
    """Write all pinned programs that are built to one archive, for a CI system's cache or another machine."""
    toolchain = Toolchain.here()
    present: list[Identity] = []
    absent: list[Identity] = []
    for pin in toolchain.pins.chosen():
        identity = toolchain.pins.identity(pin)
        (present if toolchain.store.find(identity) else absent).append(identity)
    if not present:
        raise UsageError(
            "No pinned program is built yet, so there is nothing to export: run `seatrial toolchain build` first."
        )
    with open_progress().phase(f"Exporting {len(present)} programs"):
        export_archive(toolchain.store, present, file)
    if absent:
        typer.echo(f"not built, so not in it: {', '.join(identity.name for identity in absent)}")
    typer.echo(f"{file}: {_mib(file.stat().st_size)}")


@app.command("import")
def import_store(file: Annotated[Path, typer.Argument(help="An archive that `export` wrote.", dir_okay=False)]) -> None:
    """Add the programs in an archive to the store; each file's SHA-256 is checked first."""
    progress = open_progress()
    with progress.phase("Importing"):
        imported = import_archive(Toolchain.here().store, file, progress.say)
    for identity in imported.new:
        typer.echo(f"added {identity.folder}")
    for identity in imported.known:
        typer.echo(f"was there: {identity.folder}")


def _wide(console: Console) -> Console:
    # Into a file or a pipe a row is one line, whatever the width of a terminal that is not there.
    return console if console.is_terminal else Console(width=200)
