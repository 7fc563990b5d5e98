"""Reading past runs from the command line."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from seatrial.audit import RunRecord
from seatrial.audit.__main__ import main as verify_bundle
from seatrial.audit.bundle import make_bundle
from seatrial.audit.files import replace_file
from seatrial.audit.keys import key_id, public_pem, signing_key
from seatrial.errors import UsageError
from seatrial.evidence.baseline import write_baseline
from seatrial.evidence.compare import compare
from seatrial.evidence.formats import FORMATS
from seatrial.evidence.html import html
from seatrial.evidence.store import (
    RunDirectory,
    changes_since,
    latest_run,
    load_run,
    retained,
    run_before,
)
from seatrial.evidence.terminal import print_changes, print_run_line, print_summary, print_surroundings, print_tree

runs_app = typer.Typer(no_args_is_help=True, help="Look at past runs.")


class Format(StrEnum):
    """The formats in which a run can be shown: the terminal's, and those of the run directory."""

    TERMINAL = "terminal"
    HTML = "html"
    JUNIT = "junit"
    CUCUMBER = "cucumber"
    SARIF = "sarif"
    MARKDOWN = "markdown"


_Runs = Annotated[Path, typer.Option("--runs", help="The folder that holds the runs.")]


def report(
    run: Annotated[
        Path | None, typer.Argument(help="The folder of a run, or its id; the last one if none is given.")
    ] = None,
    runs: _Runs = Path("reports"),
    form: Annotated[Format, typer.Option("--format", help="How it is to be shown.")] = Format.TERMINAL,
    output: Annotated[
        Path | None,
        typer.Option(help="The file to write; if none is given, report.html in the run's folder, or standard output."),
    ] = None,
) -> None:
    """Show a run again, in the terminal or in the format given.

    In the terminal, as it was printed at its end; exit with 0 if it ended well, as a pipeline sees it, else with 1. Of
    a run that was killed, the files that are made at a run's end are made now. In another format, exit with 0 once it
    is written.
    """
    directory = _found(run, runs)
    record = load_run(directory)
    _complete(directory, record)
    if form is not Format.TERMINAL:
        _export(directory, record, str(form), None if output is None else _start() / output)
        return
    if output is None:
        _print(record, directory, Console(highlight=False))
    else:
        with _writable(_start() / output).open("w", encoding="utf-8") as file:
            _print(record, directory, Console(file=file, highlight=False, width=160))
    raise typer.Exit(0 if record.ends_well else 1)


def _start() -> Path:
    # nox starts its commands in the project's folder, whatever folder the person was in.
    return Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."))


def _found(run: Path | None, runs: Path) -> Path:
    """Return the folder of *run*, which is one, or an id in *runs*; of the last run if none is given."""
    if run is None:
        return latest_run(runs)
    given = _start() / run
    found = given if given.exists() or not (runs / run).exists() else runs / run
    # The name of the folder is the run's; a link such as "latest" has another.
    return found.resolve() if found.is_symlink() else found


def _complete(directory: Path, record: RunRecord) -> None:
    """Write what the end of a run writes, where the run did not come so far; a folder that takes nothing is let be."""
    made = RunDirectory(directory)
    if (not made.written or record.ended is None) and os.access(directory, os.W_OK):
        made.write(record)


def _print(record: RunRecord, directory: Path, console: Console) -> None:
    print_tree(record, console)
    print_summary(record, console)
    console.print(f"Run {record.id} in {directory}", soft_wrap=True)


def _export(directory: Path, record: RunRecord, name: str, output: Path | None) -> None:
    changes = changes_since(directory, record)
    if name == "html":
        output = output or directory / FORMATS["html"].file
        replace_file(_writable(output), html(record, changes, directory.absolute(), shown_in=output.absolute().parent))
        Console(highlight=False).print(f"The report of run {record.id} is in {output}.", soft_wrap=True)
        return
    content = FORMATS[name].make(record, changes, directory)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        replace_file(_writable(output), content)


def _writable(file: Path) -> Path:
    if file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise UsageError(f"{file} cannot be written: give --output a file in a folder that exists and takes files.")
    return file


@runs_app.command("list")
def list_runs(runs: _Runs = Path("reports")) -> None:
    """List the runs that are kept, the newest last."""
    console = Console(highlight=False)
    found = retained(runs)
    if not found:
        raise UsageError(f"There is no run in {runs} yet: run the features first, with ./nox -s e2e.")
    for directory in found:
        try:
            print_run_line(load_run(directory), console)
        except UsageError as problem:
            console.print(f"! {directory.name}  cannot be read: {problem}", soft_wrap=True, markup=False)


@runs_app.command("show")
def show_run(
    run: Annotated[
        Path | None, typer.Argument(help="The folder of a run, or its id; the last one if none is given.")
    ] = None,
    runs: _Runs = Path("reports"),
) -> None:
    """Show a run, what it ran on and with, and what was kept of it."""
    directory = _found(run, runs)
    record = load_run(directory)
    console = Console(highlight=False)
    _print(record, directory, console)
    print_surroundings(record, console)


@runs_app.command("compare")
def compare_runs(
    before: Annotated[
        Path | None, typer.Argument(help="The earlier run; the one before the later, on its target, if none is given.")
    ] = None,
    after: Annotated[Path | None, typer.Argument(help="The later run; the last one if none is given.")] = None,
    runs: _Runs = Path("reports"),
) -> None:
    """Say what changed from one run to another; exit with 1 if something passed that does not any more, else with 0."""
    later = _found(after, runs)
    record = load_run(later)
    earlier = load_run(_found(before, runs)) if before is not None else run_before(later, record)
    if earlier is None:
        raise UsageError(f"There is no run before {record.id} on the target {record.target}: name two runs.")
    changes = compare(earlier, record)
    print_changes(changes, record, Console(highlight=False))
    raise typer.Exit(1 if changes.worse else 0)


def baseline(
    run: Annotated[Path | None, typer.Argument(help="The folder of a run; the last one if none is given.")] = None,
    runs: Annotated[Path, typer.Option(help="The folder that holds the runs.")] = Path("reports"),
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("baseline.json"),
) -> None:
    """Write down what a run came to, so that later runs can be held against it with --baseline."""
    record = load_run(_found(run, runs))
    write_baseline(record, _start() / output)
    Console(highlight=False).print(f"The baseline set by run {record.id} is in {_start() / output}.", soft_wrap=True)


def bundle(
    run: Annotated[
        Path | None, typer.Argument(help="The folder of a run, or its id; the last one if none is given.")
    ] = None,
    runs: _Runs = Path("reports"),
    output: Annotated[
        Path | None, typer.Option(help="The file to write; RUN.seatrial in the run's folder if none is given.")
    ] = None,
) -> None:
    """Put all evidence of a run into one file, signed with your key, that anybody can verify offline."""
    signer = signing_key()
    file = make_bundle(_found(run, runs), signer, None if output is None else _writable(_start() / output))
    console = Console(highlight=False)
    console.print(f"The bundle is {file}, signed by the key {key_id(signer.public_key())}.", soft_wrap=True)


def verify(context: typer.Context) -> None:
    """Verify a bundle offline: who signed it, that nothing was changed, and that each verdict follows."""
    raise typer.Exit(verify_bundle(context.args, "seatrial verify"))


def key() -> None:
    """Print the public half of your signing key, for those who are to trust it, and its id; make it if need be."""
    public = signing_key().public_key()
    sys.stdout.write(f"Key {key_id(public)}\n{public_pem(public)}")
