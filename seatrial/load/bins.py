"""Requests over time, in a bounded number of stretches: how many were served well, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.slo import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from seatrial.load.record import Request

MOST = 120
_WIDTHS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True)
class Bins:
    """Stretches of *width* seconds from *start* on, a request in the one in which it was to start.

    In each *good* requests succeeded in time, *slow* ones succeeded later than that, *failed* ones did not succeed.
    Half were over within *middle* seconds, 99 % within *high*, all within *longest*; None where none was to start.
    """

    start: float
    width: float
    good: tuple[int, ...]
    slow: tuple[int, ...]
    failed: tuple[int, ...]
    middle: tuple[float | None, ...]
    high: tuple[float | None, ...]
    longest: tuple[float | None, ...]


def binned(requests: Sequence[Request], limit: timedelta | None, *, most: int = MOST) -> Bins:
    """Sort *requests* into at most *most* stretches; in time means within *limit*, whenever that is where it is None.

    Raises ValueError for no requests.
    """
    start = min(request.intended for request in requests)
    length = max(request.intended for request in requests) - start
    width = next((one for one in _WIDTHS if length / one < most), length / most * 1.001)
    sorted_in: list[list[Request]] = [[] for _ in range(int(length / width) + 1)]
    for request in requests:
        sorted_in[int((request.intended - start) / width)].append(request)
    times = [[request.latency.total_seconds() for request in one] for one in sorted_in]
    slow = [sum(request.succeeded and not _in_time(request, limit) for request in one) for one in sorted_in]
    failed = [sum(not request.succeeded for request in one) for one in sorted_in]

    def within(share: float) -> tuple[float | None, ...]:
        return tuple(round(quantile(one, share), 6) if one else None for one in times)

    return Bins(
        start,
        width,
        tuple(len(one) - late - lost for one, late, lost in zip(sorted_in, slow, failed, strict=True)),
        tuple(slow),
        tuple(failed),
        within(0.5),
        within(0.99),
        within(1),
    )


def _in_time(request: Request, limit: timedelta | None) -> bool:
    return limit is None or request.latency <= limit
