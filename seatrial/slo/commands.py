"""`seatrial objective`: what was recorded, held against objectives and against what it was before."""

from __future__ import annotations

import hashlib
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from seatrial.errors import UsageError
from seatrial.evidence.environment import describe_environment
from seatrial.load.indicators import blocks
from seatrial.slo.check import check, events_in, record_in
from seatrial.slo.comparison import compare
from seatrial.slo.reading import objectives_of, read_objectives
from seatrial.slo.traffic_baseline import (
    Kind,
    Provenance,
    TrafficBaseline,
    check_kind,
    read_traffic_baseline,
    write_traffic_baseline,
)
from seatrial.truth import TruthLabel
from seatrial.verdict import Inconclusive, Verdict

if TYPE_CHECKING:
    from seatrial.load import Record
    from seatrial.slo.definition import Objective

app = typer.Typer(no_args_is_help=True, help="Objectives: check a record of traffic, set a baseline, compare with it.")

_MOST_BLOCKS = 240
_KEPT = ("project commit", "project changes", "operating system", "kernel", "python", "package seatrial")

_Record = Annotated[Path, typer.Option("--record", help="The traffic: requests.jsonl, as a run keeps it.")]
_Service = Annotated[str, typer.Option(help="The service that the traffic was for.")]
_Label = Annotated[TruthLabel, typer.Option("--on", help="What the traffic was observed on.")]


@app.command("check")
def check_objectives(
    file: Annotated[Path, typer.Argument(help="A file of objectives, or a folder of them.")],
    record: Annotated[Path | None, typer.Option(help="The traffic: requests.jsonl, as a run keeps it.")] = None,
    service: Annotated[str | None, typer.Option(help="The service whose objectives are to be checked.")] = None,
    events: Annotated[
        Path | None, typer.Option(help="Events for freshness: JSON lines, each with a time `at`.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When the newest event's age counts: a time; now if none is given.")
    ] = None,
    scale: Annotated[float | None, typer.Option(help="Look for alerts too, with windows times this: 0.01.")] = None,
) -> None:
    """Judge what was recorded; exit with 0 if each objective is kept, with 1 if one is missed or nobody can tell."""
    if record is None and events is None:
        raise UsageError("There is nothing to be judged: give --record with traffic or --events with events.")
    if scale is not None and not 0 < scale < math.inf:
        raise UsageError(f"--scale {scale:g} is no factor for windows: give one above 0, such as 0.01.")
    chosen = _of_one_service(_start() / file, service)
    found = check(
        chosen,
        record=None if record is None else record_in(_start() / record),
        events=None if events is None else events_in(_start() / events),
        now=_time(at),
        scale=scale,
    )
    console = Console(highlight=False)
    for one in found:
        console.print(f"{one.verdict:<13} {one.said}", soft_wrap=True, markup=False)
        for line in one.more:
            console.print(f"{'':<13} {line}", soft_wrap=True, markup=False)
    raise typer.Exit(0 if Verdict.worst(one.verdict for one in found).opens_gate else 1)


@app.command()
def baseline(
    record: _Record,
    service: _Service,
    label: _Label,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("traffic-baseline.json"),
) -> None:
    """Write down how a service fared, so that later traffic can be compared with it."""
    file = _start() / record
    traffic = record_in(file)
    seconds = max(1, math.ceil(len(traffic.requests) / traffic.rate / _MOST_BLOCKS))
    try:
        parts = blocks(traffic.sound(), length=timedelta(seconds=seconds))
    except Inconclusive as problem:
        raise UsageError(f"The traffic in {file} sets no baseline ({problem.reason}): record it anew.") from problem
    if not parts:
        raise UsageError(
            f"The traffic in {file} lasts less than {seconds} s, so it sets no baseline: record more of it."
        )
    environment = describe_environment(Path.cwd(), ())
    provenance = Provenance(
        made=datetime.now(UTC),
        record_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        environment={name: environment[name] for name in _KEPT},
    )
    kind = _kind(traffic, service, label)
    write_traffic_baseline(
        TrafficBaseline.of(parts, seconds=seconds, kind=kind, provenance=provenance), _start() / output
    )
    said = f"The baseline of {service} is in {_start() / output}: {len(parts)} blocks of {seconds} s."
    Console(highlight=False).print(said, soft_wrap=True, markup=False)


@app.command("compare")
def compare_traffic(
    file: Annotated[Path, typer.Argument(metavar="BASELINE", help="A baseline of traffic.")],
    record: _Record,
    service: _Service,
    label: _Label,
) -> None:
    """Hold traffic against a baseline; exit with 0 if nothing is worse beyond noise, with 1 if so or unknown."""
    known = read_traffic_baseline(_start() / file)
    traffic = record_in(_start() / record)
    check_kind(known, _kind(traffic, service, label), file=_start() / file)
    console = Console(highlight=False)
    try:
        found = compare(known.opened(), blocks(traffic.sound(), length=timedelta(seconds=known.seconds)))
    except Inconclusive as problem:
        console.print(f"Nobody can tell: {problem.reason}.", soft_wrap=True, markup=False)
        raise typer.Exit(1) from problem
    for line in (*map(str, found.differences), *found.unknown):
        console.print(f"{line[0].upper()}{line[1:]}.", soft_wrap=True, markup=False)
    if found.verdict is Verdict.PASSED:
        console.print("No worse than the baseline.")
    raise typer.Exit(0 if found.verdict.opens_gate else 1)


def _start() -> Path:
    # nox starts its commands in the project's folder, whatever folder the person was in.
    return Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."))


def _of_one_service(file: Path, service: str | None) -> tuple[Objective, ...]:
    objectives = read_objectives(file)
    services = sorted({objective.service for objective in objectives})
    if service is None and len(services) > 1:
        raise UsageError(
            f"{file} holds objectives of {', '.join(services)}: say with --service whose are to be checked."
        )
    return objectives if service is None else objectives_of(service, file)


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageError(f"--at {text} is no time: give one such as 2031-05-04T12:00:00+00:00.") from problem
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _kind(traffic: Record, service: str, label: TruthLabel) -> Kind:
    machine = describe_environment(Path.cwd(), ())
    return Kind(
        service=service,
        rate=traffic.rate,
        label=label,
        architecture=machine["architecture"],
        processors=machine["processors"],
    )
