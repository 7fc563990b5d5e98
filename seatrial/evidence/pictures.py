"""What a person would rather look at: when each request of a stretch of traffic was answered, and how soon."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.evidence.words import lasted
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.audit import ArtefactRecord, JudgementRecord
    from seatrial.load.record import Record

WIDTH, HEIGHT = 640, 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 8, 10, 20
_LARGEST = 32 * 2**20
_MOST_MARKS = 800
_TICKS = 5


@dataclass(frozen=True)
class Tick:
    """A line of the scale: where it is, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class LatencyPicture:
    """Requests as dots: across, when they were to start; upwards, how long they took, each line ten times the last.

    *answered* and *failed* are SVG paths; *limit* is the height of the objective, if it is one of latency. *caption*
    says the same in words.
    """

    answered: str
    failed: str
    across: tuple[Tick, ...]
    upwards: tuple[Tick, ...]
    limit: float | None
    limit_text: str
    caption: str


def latency_picture(judgement: JudgementRecord, artefact: ArtefactRecord | None, run: Path) -> LatencyPicture | str:
    """Draw the raw record that *judgement* was made from; where that cannot be done, return the sentence that says why.

    *artefact* is what was kept of it. A record that is not what was kept is not drawn.
    """
    file = run / judgement.record
    try:
        if artefact is None or not file.resolve().is_relative_to(run.resolve()):
            return "The raw record was not kept."
        if file.stat().st_size > _LARGEST:
            return "The raw record is too large to be drawn here."
        if hashlib.sha256(file.read_bytes()).hexdigest() != artefact.sha256:
            return "The raw record is not what was kept, so it is not drawn."
        from seatrial.load.record import Record  # noqa: PLC0415 (it takes a while to import, and few reports need it)

        return _draw(Record.read(file), judgement)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, Inconclusive) as error:
        return f"The raw record cannot be drawn ({type(error).__name__})."


def _draw(record: Record, judgement: JudgementRecord) -> LatencyPicture | str:
    if not record.requests:
        return "The raw record holds no request."
    start = min(request.intended for request in record.requests)
    long = max(max(request.intended for request in record.requests) - start, 0.001)
    times = sorted(max(request.latency.total_seconds(), 0.0001) for request in record.requests)
    limit = judgement.required if judgement.objective == "latency" else None
    edges = [times[0], times[-1], *([limit] if limit and limit > 0 else [])]
    low, high = math.floor(math.log10(min(edges))), math.ceil(math.log10(max(edges)))
    high = max(high, low + 1)

    def x(second: float) -> float:
        return _LEFT + second / long * (WIDTH - _LEFT - _RIGHT)

    def y(seconds: float) -> float:
        share = (math.log10(max(seconds, 0.0001)) - low) / (high - low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def places(*, succeeded: bool) -> list[tuple[float, float]]:
        return [
            (x(request.intended - start), y(request.latency.total_seconds()))
            for request in record.requests
            if request.succeeded is succeeded
        ]

    answered, failed = _thinned(places(succeeded=True)), _thinned(places(succeeded=False))
    failures = len(record.failures)
    middle, slow = times[(len(times) - 1) // 2], times[math.ceil(0.99 * len(times)) - 1]
    return LatencyPicture(
        answered="".join(f"{move}h0" for move in _moves(answered)),
        # A cross ends three to the left of and below its middle, where it began three above.
        failed="".join(f"{move}m-3-3l6 6m0-6l-6 6m3-3" for move in _moves(failed)),
        across=tuple(Tick(round(x(long * n / _TICKS), 1), _second(long * n / _TICKS)) for n in range(_TICKS + 1)),
        upwards=tuple(Tick(round(y(10.0**one), 1), power(one)) for one in range(low, high + 1)),
        limit=round(y(limit), 1) if limit else None,
        limit_text=f"limit {brief(limit)}" if limit else "",
        caption=(
            f"{len(times)} requests over {lasted(timedelta(seconds=long))}: half were over within {brief(middle)}, "
            f"99 % within {brief(slow)}, the slowest after {brief(times[-1])}; {failures} failed"
            + (" (crosses)." if failures else ".")
        ),
    )


def _thinned(places: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Return one place for each cell of a grid that holds any, the grid as fine as the number of marks allows."""
    cell = 1
    while True:
        found = {(round(across / cell), round(up / cell)) for across, up in places}
        if len(found) <= _MOST_MARKS:
            return sorted((across * cell, up * cell) for across, up in found)
        cell += 1


def _moves(places: list[tuple[int, int]]) -> list[str]:
    """Return the pen's way through *places*: there, then each from the one before, which takes fewer signs."""
    before = [(0, 0), *places[:-1]]
    return [f"m{across - last[0]} {up - last[1]}" for (across, up), last in zip(places, before, strict=True)]


def brief(seconds: float) -> str:
    """Return *seconds* in three figures, as milliseconds below one."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def power(exponent: int) -> str:
    """Return ten to the *exponent* seconds, as the scale of a picture says it."""
    return f"{10.0 ** (exponent + 3):g} ms" if exponent < 0 else f"{10.0**exponent:g} s"


def _second(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= _TICKS or not seconds else f"{seconds:.1f} s"
