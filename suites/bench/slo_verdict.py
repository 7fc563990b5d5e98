"""What it costs to record a latency, and how true a verdict over ten million of them is."""

from __future__ import annotations

import math
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from seatrial.slo.histogram import HIGHEST, SIGNIFICANT_FIGURES, LatencyHistogram
from suites.bench.samples import Measurement, ratios

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.progress import Progress

RECORDED_WITHIN = 1.0
WRONG_BY = 0.1
_RECORDED = 500_000
_JUDGED = 10_000_000
_SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999)
_PER_SECOND = 1_000_000_000


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Record the same latencies with ours and with hdrh, in turn; then judge many beside an exact sort of them."""
    ours: list[float] = []
    hdrh: list[float] = []
    with progress.phase("Recording latencies"):
        for number in range(rounds):
            latencies = _latencies(_RECORDED, seed=number)
            ours.append(_recorded_by_us(latencies))
            hdrh.append(_recorded_by_hdrh(latencies))
    with progress.phase(f"Judging {_JUDGED:,} latencies", expected=timedelta(seconds=25 * rounds)):
        judged = [_judged(_latencies(_JUDGED, seed=number)) for number in range(rounds)]
    errors, verdicts, sorts = zip(*judged, strict=True)
    return [
        Measurement("recording a latency, processor time", "us", tuple(ours), RECORDED_WITHIN),
        Measurement("recording a latency by hdrh, processor time", "us", tuple(hdrh)),
        Measurement("recording a latency, ours over hdrh", "x", ratios(ours, hdrh), 1.0),
        Measurement(f"a verdict over {_JUDGED} latencies, off an exact sort at most", "%", errors, WRONG_BY),
        Measurement(f"a verdict over {_JUDGED} latencies, recorded, processor time", "ms", verdicts),
        Measurement(f"a verdict over {_JUDGED} latencies, by an exact sort, processor time", "ms", sorts),
    ]


def _latencies(count: int, *, seed: int) -> list[float]:
    """Seconds with a long tail: a median of 18 ms, a 99 % quantile of 94 ms, and one in a thousand that stalls."""
    draw = random.Random(seed)  # noqa: S311 (a measurement's numbers come again)
    logarithmic, uniform = draw.lognormvariate, draw.random
    return [logarithmic(-4, 0.7) + (uniform() if uniform() < 0.001 else 0) for _ in range(count)]


def _recorded_by_us(latencies: Sequence[float]) -> float:
    histogram = LatencyHistogram()
    begin = time.process_time()
    for latency in latencies:
        histogram.record(latency)
    took = time.process_time() - begin
    _expect(histogram.total, latencies)
    return took / len(latencies) * 1e6


def _recorded_by_hdrh(latencies: Sequence[float]) -> float:
    histogram = HdrHistogram(1, round(HIGHEST.total_seconds() * _PER_SECOND), SIGNIFICANT_FIGURES)
    begin = time.process_time()
    for latency in latencies:
        histogram.record_value(int(latency * _PER_SECOND))
    took = time.process_time() - begin
    _expect(histogram.get_total_count(), latencies)
    return took / len(latencies) * 1e6


def _expect(total: int, latencies: Sequence[float]) -> None:
    if total != len(latencies):
        raise AssertionError(f"{total} of {len(latencies)} latencies were recorded")


def _judged(latencies: Sequence[float]) -> tuple[float, float, float]:
    """Return by how many percent the worst of our quantiles is off, and the milliseconds that we and a sort take."""
    histogram = LatencyHistogram.of(latencies)
    begin = time.process_time()
    for share in _SHARES:
        histogram.judge(share=share, at_most=timedelta(minutes=1))
    ours = time.process_time() - begin
    begin = time.process_time()
    ordered = sorted(latencies)
    sort = time.process_time() - begin
    # As seatrial.slo.quantile has it, which would sort them again for each share.
    exact = [ordered[math.ceil(round(share * len(ordered), 9)) - 1] for share in _SHARES]
    found = [histogram.quantile(share) for share in _SHARES]
    worst = max(abs(own / true - 1) for own, true in zip(found, exact, strict=True))
    return worst * 100, ours * 1000, sort * 1000
