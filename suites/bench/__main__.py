"""`python -m suites.bench [NAME ...]`: measure, print a table, keep the raw samples."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from seatrial import cluster
from seatrial.cluster.layout import Layout
from seatrial.progress import open_progress
from suites.bench import (
    catalog_reads,
    cold_start,
    evidence_report,
    evidence_verify,
    footprint,
    gateway_cost,
    generator_cost,
    orders_throughput,
    plugin_cost,
    slo_verdict,
    waking,
)
from suites.bench.samples import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "reference" / "benchmarks.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
CLUSTER_NAMES = ("start", "waking", "footprint")
SERVICES = {
    "catalog": catalog_reads.measure,
    "gateway": gateway_cost.measure,
    "orders": orders_throughput.measure,
    "generator": generator_cost.measure,
    "choices": catalog_reads.measure_choices,
    "slo": slo_verdict.measure,
}
NAMES = (*CLUSTER_NAMES, "evidence", *SERVICES)
VERIFIED_EVENTS, VERIFIED_WITHIN = 100_000, 2.0
REPORTED_SCENARIOS, REPORTED_WITHIN = 500, 5.0


def main() -> int:
    """Run the benchmarks named on the command line (all of them if none); 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (all if none is given)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (default 3)")
    parser.add_argument("--events", type=int, default=300, help="events to wait for (default 300)")
    parser.add_argument("--windows", type=int, default=4, help="idle windows of half a minute (default 4)")
    parser.add_argument("--write", action="store_true", help="write the table and the samples into docs/reference")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    names = chosen.names or NAMES
    progress = open_progress()
    found: list[Measurement] = []
    if set(names) & set(CLUSTER_NAMES):
        found += _on_a_cluster(names, chosen, progress)
    if "evidence" in names:
        found += _of_evidence(chosen.rounds, progress)
    for name, measure in SERVICES.items():
        if name in names:
            found += measure(progress, chosen.rounds)
    _show(found)
    samples = {item.name: list(item.samples) for item in found}
    kept = ROOT / "reports" / "bench" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(samples, indent=1))
    print(f"Raw samples: {kept.relative_to(ROOT)}")  # noqa: T201 (this is a command line)
    if chosen.write:
        _write(found)
        earlier = json.loads(TABLE.with_suffix(".json").read_text())
        TABLE.with_suffix(".json").write_text(json.dumps(earlier | samples) + "\n")
    return 0 if all(item.kept is not False for item in found) else 1


def _of_evidence(rounds: int, progress: Progress) -> list[Measurement]:
    """Measure what evidence costs and how fast it is read; no cluster is needed."""
    found = plugin_cost.measure(progress, rounds)
    found += plugin_cost.measure_share(ROOT / "reports" / "latest", rounds)
    with progress.phase("Verifying and reporting"):
        verified = tuple(evidence_verify.measure_verify(VERIFIED_EVENTS) for _ in range(rounds))
        reported = tuple(evidence_report.measure_report(REPORTED_SCENARIOS) for _ in range(rounds))
    return [
        *found,
        Measurement(f"verifying {VERIFIED_EVENTS} events, processor time", "s", verified, VERIFIED_WITHIN),
        Measurement(f"all reports of {REPORTED_SCENARIOS} scenarios", "s", reported, REPORTED_WITHIN),
    ]


def _on_a_cluster(names: Sequence[str], chosen: argparse.Namespace, progress: Progress) -> list[Measurement]:
    layout = Layout()
    found: list[Measurement] = []
    with cluster.lock(layout, say=progress.say):
        if "start" in names:
            found += cold_start.measure(layout, progress, chosen.rounds)
        running = cluster.up(layout=layout, progress=progress)
        if "waking" in names:
            found += waking.measure(running.kubeconfig, chosen.events)
        if "footprint" in names:
            with progress.phase("Idle control plane", expected=footprint.SETTLE + chosen.windows * footprint.WINDOW):
                found += footprint.measure(layout, chosen.windows)
    return found


def _figure(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _rows(found: Sequence[Measurement]) -> list[tuple[str, ...]]:
    words = {None: "", True: "kept", False: "not kept"}
    return [
        (
            item.name,
            f"{_figure(item.value)} {item.unit}",
            f"{_figure(min(item.samples))} to {_figure(max(item.samples))}",
            str(len(item.samples)),
            "" if item.limit is None else f"at most {item.limit:g} {item.unit}",
            words[item.kept],
        )
        for item in found
    ]


_HEADINGS = ("what", "median or quantile", "range", "samples", "target", "")


def _show(found: Sequence[Measurement]) -> None:
    table = Table(*_HEADINGS)
    for row in _rows(found):
        table.add_row(*row)
    Console(width=None if os.isatty(1) else 150).print(table)


def _write(found: Sequence[Measurement]) -> None:
    """Put what was found into the table; what was not measured this time stays as it was."""
    before, _, rest = TABLE.read_text().partition(_BEGIN)
    table, _, after = rest.partition(_END)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    rows = {name: line for line in table.splitlines() if (name := _name(line)) not in ("", _HEADINGS[0])}
    for row in _rows(found):
        rows[row[0]] = "| " + " | ".join((*row, today)) + " |"
    lines = [
        f"Measured on {os.cpu_count()} processors, the last on Linux {platform.release()}.",
        "",
        "| " + " | ".join((*_HEADINGS, "measured")) + " |",
        "|" + "---|" * (len(_HEADINGS) + 1),
        *rows.values(),
    ]
    TABLE.write_text(f"{before}{_BEGIN}\n" + "\n".join(lines) + f"\n{_END}{after}")


def _name(line: str) -> str:
    """Return what a row of the table is about; nothing of a line that is no row."""
    return line.split("|")[1].strip() if line.startswith("| ") else ""


if __name__ == "__main__":
    raise SystemExit(main())
