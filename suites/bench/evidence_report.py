"""How long a report takes to be built from the journal of a run of many scenarios."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from seatrial.evidence.store import load_run
from suites.unit.evidence.samples import sample_run


def measure_report(scenarios: int) -> float:
    """Return the seconds from a journal of so many *scenarios* to all files that are made from it, report.html first.

    Each fifth scenario has the records of 1200 requests, of which pictures are drawn; the run is compared with one of
    the same size before it.
    """
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        sample_run(runs, scenarios)
        directory = sample_run(runs, scenarios)
        begin = perf_counter()
        directory.write(load_run(directory.path))
        return perf_counter() - begin
