"""What a request costs the generator, open loop and corrected, beside Locust's FastHttpUser; and how it keeps a rate.

The server is trivial and a process of its own. Processor time is that of the process that asks.
"""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.load.crew import Crew
from seatrial.load.judging import LATE, LoadRecord
from seatrial.load.openloop.plan import LoadPlan
from seatrial.load.schedule import Stage
from suites.bench.samples import Measurement, ratios
from suites.load.crews import peer, plain_locust

if TYPE_CHECKING:
    from seatrial.progress import Progress

COST_OVER_FAST = 1 / 1.5
MISSED = 0.001
_SECONDS = 5
_USERS = 8
_PATH = "/catalog/products?limit=20"
# About what FastHttpUser reaches at most on one processor, so that both do the same work in the same time.
_RATE = 5000
_KEPT = (100, 500, 1000, 2000)


@dataclass(frozen=True)
class _Sent:
    """What one generator did: how many requests for how much processor time, and which share went out late."""

    requests: int
    processor: float
    late: float = 0.0

    @property
    def cost(self) -> float:
        """Microseconds of processor time per request."""
        return self.processor / self.requests * 1e6


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Measure both in turn, against one server."""
    ours: list[float] = []
    fast: list[float] = []
    missed: dict[int, list[float]] = {rate: [] for rate in _KEPT}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, peer() as target, progress.phase("The load generator"):
        for _ in range(rounds):
            fast.append(_fast(target.url).cost)
            ours.append(_open_loop(target.url, _RATE, Path(folder)).cost)
            for rate in _KEPT:
                missed[rate].append(_open_loop(target.url, rate, Path(folder)).late)
    progress.say(f"The load on this machine was {load:.1f} before that.")
    return [
        Measurement(f"load generator: a request at {_RATE}/s, processor time", "us", tuple(ours)),
        Measurement("FastHttpUser: a request in a closed loop, as fast as it can, processor time", "us", tuple(fast)),
        Measurement("load generator over FastHttpUser", "x", ratios(ours, fast), COST_OVER_FAST),
        *(
            Measurement(
                f"load generator: of {rate}/s, not sent in time", "%", tuple(100 * one for one in found), 100 * MISSED
            )
            for rate, found in missed.items()
        ),
    ]


def _open_loop(url: str, rate: float, folder: Path) -> _Sent:
    stage = Stage("all", timedelta(seconds=_SECONDS), rate)
    plan = LoadPlan(url, folder / "requests.jsonl", (stage,), {"read": 1}, paths=(_PATH,))
    crew = Crew.start("the load generator", program="seatrial.load.openloop", plan=plan.written(), under_way="sending")
    try:
        crew.process.wait()
    finally:
        crew.kill()
    seen = LoadRecord.read(plan.file)
    begun = (seen.began, *(window.ended for window in seen.windows))
    used = sum(window.processor * (window.ended - before) for before, window in zip(begun, seen.windows, strict=False))
    in_time = sum(one.lag.total_seconds() <= LATE for one in seen.record.requests)
    return _Sent(len(seen.record.requests), used, 1 - in_time / seen.record.planned)


def _fast(url: str) -> _Sent:
    with plain_locust(url, users=_USERS) as plain:
        threading.Event().wait(_SECONDS)
        said = plain.stop()
    return _Sent(said.requests, said.processor)
