"""The course of a fault as a picture: how the customers fared over time, and what happened when."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.chaos.naming import COURSE_TITLE
from seatrial.evidence.course_form import MOST_MARKS, KeptCourse
from seatrial.evidence.pictures import Tick, brief, power

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from seatrial.audit import ArtefactRecord

WIDTH = 640
_LEFT, _RIGHT = 60, 8
_ROW = 15
_RATES, _GAP, _LATENCIES, _BELOW = 90, 22, 80, 22
_NARROWEST = 14
_LARGEST = 2**18
_SHORTEST = 0.0001
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_MOST_TICKS = 9

_CAPTION = (
    "Upwards: requests that were served well, in stretches of {width}; downwards: the others. Below: how long they "
    "took, from the median to the longest (band) and what 99 % kept to (line). Shaded: while the fault was there. "
    "Times are counted from its injection."
)


@dataclass(frozen=True)
class DrawnMark:
    """A mark across the picture: its number, where it is, within which bounds it happened, and its label's height."""

    number: int
    at: int
    left: int
    width: int
    label: int


@dataclass(frozen=True)
class Row:
    """What the table beside the picture says of a mark; *number* is empty for what is not in the picture."""

    number: str
    name: str
    when: str
    said: str


@dataclass(frozen=True)
class CoursePicture:
    """Requests over time, and below them how long they took, each line ten times the last.

    Paths are SVG's: *good* rises from the *base* line, *bad* falls from it; *band* is between the median and the
    longest, *high* the 99 % quantile. *span* is for how long the fault was there: where it begins, and how wide it is.
    *top* and *bottom* are the ends of the marks.
    *title*, *said* and *rows* say all of it in words; *caption* says how to read the picture.
    """

    height: int
    top: int
    bottom: int
    base: int
    good: str
    bad: str
    band: str
    high: str
    limit: int | None
    span: tuple[int, int] | None
    marks: tuple[DrawnMark, ...]
    rates: tuple[Tick, ...]
    latencies: tuple[Tick, ...]
    across: tuple[Tick, ...]
    title: str
    said: str
    caption: str
    rows: tuple[Row, ...]


def is_course(artefact: ArtefactRecord) -> bool:
    """Whether *artefact* is the course of a fault that can be drawn."""
    return artefact.title == COURSE_TITLE and artefact.path.endswith(".json")


def course_picture(artefact: ArtefactRecord, run: Path) -> CoursePicture | str:
    """Draw the course that was kept as *artefact* of the run in the folder *run*; else return why that cannot be."""
    file = run / artefact.path
    try:
        if not file.resolve().is_relative_to(run.resolve()) or file.stat().st_size > _LARGEST:
            return "The course of the fault is too large to be drawn here."
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != artefact.sha256:
            return "The course of the fault is not what was kept, so it is not drawn."
        course = KeptCourse.model_validate_json(content)
        lengths = {len(one) for one in vars(course.bins).values() if isinstance(one, list)}
        if len(lengths) != 1 or not course.bins.good:
            return "The course of the fault cannot be drawn: it holds no requests."
        return _Drawing(course).picture()
    except (OSError, ValueError, OverflowError) as error:
        return f"The course of the fault cannot be drawn ({type(error).__name__})."


class _Drawing:
    """Where everything is."""

    def __init__(self, course: KeptCourse) -> None:
        self.course = course
        bins = course.bins
        count = len(bins.good)
        happened = [one for one in course.marks if one.earliest is not None and one.latest is not None]
        edges = [at for one in happened for at in (one.earliest, one.latest) if at is not None]
        self.begin = min(bins.start, *edges)
        self.end = max(bins.start + count * bins.width, *edges)
        self.marks = tuple(self._marks())
        rows = max((one.label for one in self.marks), default=0) // _ROW + 1
        self.top = rows * _ROW + 4
        self.middle = self.top + _RATES
        self.latency_top = self.middle + _GAP
        self.bottom = self.latency_top + _LATENCIES
        self.bad = [slow + failed for slow, failed in zip(bins.slow, bins.failed, strict=True)]
        most_good, most_bad = max(bins.good), max(self.bad)
        self.per_pixel = max(most_good + most_bad, 1) / _RATES
        self.base = round(self.top + most_good / self.per_pixel)
        known = [max(one, _SHORTEST) for part in (bins.middle, bins.longest) for one in part if one is not None]
        limit = course.customers.limit
        known += [max(limit, _SHORTEST)] if limit is not None and limit > 0 else []
        self.low = math.floor(math.log10(min(known, default=_SHORTEST)))
        self.tall = max(math.ceil(math.log10(max(known, default=1))), self.low + 1)

    def picture(self) -> CoursePicture:
        bins, limit = self.course.bins, self.course.customers.limit
        return CoursePicture(
            height=self.bottom + _BELOW,
            top=self.top,
            bottom=self.bottom,
            base=self.base,
            good=self._bars(bins.good, -1),
            bad=self._bars(self.bad, 1),
            band="".join(self._bands()),
            high="".join(self._lines()),
            limit=self._height(limit) if limit is not None and limit > 0 else None,
            span=self._span(),
            marks=self.marks,
            rates=tuple(self._rates()),
            latencies=tuple(Tick(self._height(10.0**one), power(one)) for one in range(self.low, self.tall + 1)),
            across=tuple(self._seconds()),
            title=f"{self.course.fault} on {self.course.target}",
            said=self._said(),
            caption=_CAPTION.format(width=f"{bins.width:g} s"),
            rows=tuple(self._rows()),
        )

    def _x(self, at: float) -> int:
        share = (min(max(at, self.begin), self.end) - self.begin) / max(self.end - self.begin, 0.001)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT))

    def _edge(self, number: int) -> int:
        return self._x(self.course.bins.start + number * self.course.bins.width)

    def _height(self, seconds: float) -> int:
        share = (math.log10(max(seconds, _SHORTEST)) - self.low) / (self.tall - self.low)
        return round(self.bottom - share * _LATENCIES)

    def _marks(self) -> Iterator[DrawnMark]:
        """Place each mark, and its label where it covers no other."""
        taken: dict[int, int] = {}
        number = 0
        for one in self.course.marks:
            if one.earliest is None or one.latest is None:
                continue
            number += 1
            at = self._x((one.earliest + one.latest) / 2)
            left = self._x(one.earliest)
            row = next(row for row in range(MOST_MARKS) if row not in taken or abs(at - taken[row]) >= _NARROWEST)
            taken[row] = at
            yield DrawnMark(number, at, left, max(self._x(one.latest) - left, 1), (row + 1) * _ROW - 2)

    def _bars(self, counts: Sequence[int], direction: int) -> str:
        if not any(counts):
            return ""
        heights = [self.base + direction * round(count / self.per_pixel) for count in counts]
        edges = [self._edge(number) for number in range(len(counts) + 1)]
        return f"M{edges[0]} {self.base}{_stairs(self.base, heights, edges)}V{self.base}Z"

    def _runs(self, values: Sequence[float | None]) -> Iterator[tuple[int, int]]:
        """Yield where stretches with a value begin and end."""
        begin: int | None = None
        for number, value in enumerate((*values, None)):
            if value is not None and begin is None:
                begin = number
            if value is None and begin is not None:
                yield begin, number
                begin = None

    def _way(self, values: Sequence[float | None], begin: int, end: int) -> str:
        """Return the way along *values* from the edge before *begin* to the one before *end*, forth or back."""
        places = range(begin, end) if end > begin else range(begin - 1, end - 1, -1)
        heights = [self._height(values[one] or 0) for one in places]
        edges = [self._edge(begin), *(self._edge(one + (end > begin)) for one in places)]
        return f"{edges[0]} {heights[0]}{_stairs(heights[0], heights, edges)}"

    def _bands(self) -> Iterator[str]:
        bins = self.course.bins
        for begin, end in self._runs(bins.longest):
            yield f"M{self._way(bins.longest, begin, end)}L{self._way(bins.middle, end, begin)}Z"

    def _lines(self) -> Iterator[str]:
        for begin, end in self._runs(self.course.bins.high):
            yield f"M{self._way(self.course.bins.high, begin, end)}"

    def _span(self) -> tuple[int, int] | None:
        if self.course.span is None:
            return None
        begin, end = self.course.span[0], self.course.span[1]
        left = self._x(begin)
        return left, max(self._x(self.end if end is None else end) - left, 1)

    def _rates(self) -> Iterator[Tick]:
        """The most that were served well, and the most that were served badly, each per second."""
        width = self.course.bins.width
        for most, direction in ((max(self.course.bins.good), -1), (max(self.bad), 1)):
            if most:
                yield Tick(self.base + direction * round(most / self.per_pixel), f"{most / width:.3g}/s")

    def _seconds(self) -> Iterator[Tick]:
        length = self.end - self.begin
        step = next((one for one in _STEPS if length / one <= _MOST_TICKS), length / _MOST_TICKS)
        for number in range(math.ceil(self.begin / step), math.floor(self.end / step) + 1):
            yield Tick(self._x(number * step), f"{number * step:+g} s" if number else "0 s")

    def _rows(self) -> Iterator[Row]:
        number = 0
        for one in self.course.marks:
            said = f"{one.said} ({one.source})" if one.said else f"({one.source})"
            if one.earliest is None or one.latest is None:
                yield Row("", one.name, one.known, said)
                continue
            number += 1
            at, error = (one.earliest + one.latest) / 2, (one.latest - one.earliest) / 2
            yield Row(str(number), one.name, f"{at:+.2f}\xa0s ±\xa0{max(error, 0.005):.2f}\xa0s", said)

    def _said(self) -> str:
        one = self.course.customers
        slow = "" if one.limit is None else f", {one.slow} took longer than {brief(one.limit)}"
        return (
            f"{one.requests} requests at {one.rate:g} per second: {one.failed} failed{slow}; "
            f"{one.bad_before} of these before the fault."
        )


def _stairs(height: int, heights: Sequence[int], edges: Sequence[int]) -> str:
    """Return the pen's way from *height* and the first of *edges* over stairs of *heights*; flat ones are one move."""
    path, across = [], 0
    for number, now in enumerate(heights):
        if now != height:
            path.append(f"h{across}v{now - height}" if across else f"v{now - height}")
            height, across = now, 0
        across += edges[number + 1] - edges[number]
    return "".join((*path, f"h{across}"))
