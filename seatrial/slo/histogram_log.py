"""Histograms in files: HdrHistogram's log, whose lines hold histograms compressed and in base64 (its encoding V2).

Other programs of that family read them, such as HistogramLogAnalyzer. A line's tag names what was measured.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hdrh.codec import (  # type: ignore[import-untyped]
    HdrCookieException,
    HdrHistogramSettingsException,
    HdrLengthException,
)
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from seatrial.errors import UsageError
from seatrial.slo.histogram import HIGHEST, SIGNIFICANT_FIGURES, LatencyHistogram

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HIGHEST = round(HIGHEST.total_seconds() * 1_000_000_000)
_VERSION = "#[Histogram log format version 1.3]"
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
# The units of an interval's greatest value, as the log has it: milliseconds, where histograms have nanoseconds.
_MAXIMUM_RATIO = 1_000_000
_LINE = re.compile(r"Tag=(?P<tag>[^\s,]+),(?P<begin>[\d.]+),(?P<length>[\d.]+),[\d.]+,(?P<histogram>[A-Za-z0-9+/=]+)")
_TAG = re.compile(r"[^\s,]+")
_DAMAGED = (HdrCookieException, HdrHistogramSettingsException, HdrLengthException, zlib.error)


@dataclass(frozen=True)
class Interval:
    """What was measured of *tag* from *begin*, an aware time, for *length*. A tag holds no space and no comma."""

    tag: str
    begin: datetime
    length: timedelta
    histogram: LatencyHistogram


def encode(histogram: LatencyHistogram) -> str:
    """Return *histogram* in HdrHistogram's encoding V2, compressed and in base64."""
    hdr = HdrHistogram(1, _HIGHEST, SIGNIFICANT_FIGURES)
    for value, count in histogram.recorded():
        hdr.record_value(value, count)
    return str(hdr.encode(), "ascii")


def decode(text: str) -> LatencyHistogram:
    """Return the histogram that `encode`, or another program with nanoseconds, made *text* of.

    Raises ValueError for anything else.
    """
    try:
        hdr = HdrHistogram.decode(text.encode("ascii"))
        counts = {hdr.get_value_from_index(index): count for index, count in enumerate(hdr.counts) if count}
        return LatencyHistogram.of_counts(counts)
    except (*_DAMAGED, AssertionError, IndexError, OverflowError, RuntimeError, TypeError) as problem:
        raise ValueError(f"it is no histogram of latencies: {problem}") from problem


def write_log(file: Path, intervals: Sequence[Interval]) -> None:
    """Write *intervals*, in order of time, to *file*. Raises ValueError for a tag with a space or a comma in it."""
    lines = [_VERSION]
    if intervals:
        first = intervals[0].begin
        lines.append(f"#[StartTime: {first.timestamp():.3f} (seconds since epoch), {first.isoformat()}]")
    lines.append(_LEGEND)
    for one in intervals:
        if not _TAG.fullmatch(one.tag):
            raise ValueError(f"{one.tag!r} is no tag")
        greatest = max((value for value, _ in one.histogram.recorded()), default=0) / _MAXIMUM_RATIO
        times = f"{one.begin.timestamp():.3f},{one.length.total_seconds():.3f}"
        lines.append(f"Tag={one.tag},{times},{greatest:.3f},{encode(one.histogram)}")
    file.write_text("\n".join(lines) + "\n", encoding="ascii")


def read_log(file: Path) -> tuple[Interval, ...]:
    """Read what `write_log` wrote. Raises UsageError for a file that cannot be read or holds anything else."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise UsageError(f"The histograms in {file} cannot be read ({why}): name a file that can.") from problem
    if not lines or not lines[0].startswith("#[Histogram log format version 1."):
        raise UsageError(f"{file} is no log of histograms: name one that Seatrial or another HdrHistogram wrote.")
    return tuple(
        _interval(file, number, line)
        for number, line in enumerate(lines, start=1)
        if not line.startswith(("#", '"StartTimestamp"'))
    )


def _interval(file: Path, number: int, line: str) -> Interval:
    try:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("it is no tagged interval")  # noqa: TRY301 (one sentence says what is wrong, below)
        begin = datetime.fromtimestamp(float(found["begin"]), UTC)
        return Interval(found["tag"], begin, timedelta(seconds=float(found["length"])), decode(found["histogram"]))
    except (ValueError, OverflowError, OSError) as problem:
        raise UsageError(f"{file}, line {number} does not hold ({problem}): write the log anew.") from problem
