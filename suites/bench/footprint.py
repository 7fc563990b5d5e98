"""What the control plane's node takes while nothing is asked of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import psutil

from seatrial.cluster import cgroups
from seatrial.cluster.layout import PLAN, Layout
from seatrial.cluster.supervisor import Supervisor
from suites.bench.samples import Measurement

RESIDENT_GIB = 1.0
CORE_SHARE = 0.10
SETTLE = timedelta(seconds=60)
WINDOW = timedelta(seconds=30)
_NANOSECONDS = 1e9
_MICROSECONDS = 1e6


def processor_seconds(group: cgroups.Group) -> float:
    """Return the processor time that *group* has used, in seconds, on either version of the hierarchy."""
    for tree in cgroups.hierarchies():
        folder = tree.mount / group.path
        if tree.unified:
            rows = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
            return int(rows["usage_usec"]) / _MICROSECONDS
        if "cpuacct" in tree.controllers:
            return int((folder / "cpuacct.usage").read_text()) / _NANOSECONDS
    raise LookupError("no hierarchy accounts for processor time")


@dataclass(frozen=True)
class Resident:
    """Resident memory of a group of processes, in bytes.

    *pages* counts a page that n processes share as 1/n for each (the kernel's PSS), so that each is counted once;
    *summed* is the sum of what `ps` shows (RSS), which counts it n times.
    """

    pages: int
    summed: int


def resident(group: cgroups.Group) -> Resident:
    """Return the resident memory of *group*'s processes."""
    pages = summed = 0
    for process in group.processes():
        try:
            found = psutil.Process(process).memory_full_info()
        except psutil.NoSuchProcess:
            continue
        pages += found.pss
        summed += found.rss
    return Resident(pages, summed)


def measure(layout: Layout, windows: int) -> list[Measurement]:
    """Let the cluster settle, then look at it over *windows* windows."""
    group = Supervisor(layout).node_group(PLAN[0])
    idle = threading.Event()
    idle.wait(SETTLE.total_seconds())
    memory: list[float] = []
    summed: list[float] = []
    share: list[float] = []
    for _ in range(windows):
        used, began = processor_seconds(group), time.monotonic()
        idle.wait(WINDOW.total_seconds())
        share.append((processor_seconds(group) - used) / (time.monotonic() - began))
        found = resident(group)
        memory.append(found.pages / 2**30)
        summed.append(found.summed / 2**30)
    return [
        Measurement("idle control-plane node: resident memory", "GiB", tuple(memory), RESIDENT_GIB),
        Measurement("idle control-plane node: the same, shared pages counted each time", "GiB", tuple(summed)),
        Measurement("idle control-plane node: share of one core", "cores", tuple(share), CORE_SHARE),
    ]
