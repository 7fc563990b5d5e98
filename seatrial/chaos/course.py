"""The course of a fault: what happened when, from the customers' records first, each instant with its error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.chaos.lookout import seen_since
from seatrial.chaos.naming import COURSE_FORMAT
from seatrial.chaos.times import Instant
from seatrial.load.bins import Bins, binned
from seatrial.load.indicators import series
from seatrial.slo.definition import Indicator
from seatrial.slo.paging import PAGE, Paged, paged, scaled_page
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seatrial.chaos.lookout import Look, Seen
    from seatrial.chaos.times import Timeline
    from seatrial.load.record import Record, Request
    from seatrial.slo.definition import Objective

# For how long all must go well at the end before a service is called steady.
CALM = timedelta(seconds=5)
_STEP = timedelta(milliseconds=250)
_OVER_AT_ONCE = {"pod-kill": "there is nothing to undo: it was over at once"}
_FAULT, _CUSTOMERS, _PLATFORM = "the fault", "customers", "platform"


class Known(StrEnum):
    """Whether something happened, did not, or cannot be told."""

    HAPPENED = "happened"
    NEVER = "never"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Mark:
    """Something that a fault has or has not: its *name*, who tells of it (*source*), when it was, and what to know."""

    name: str
    source: str
    known: Known
    instant: Instant | None
    said: str


@dataclass(frozen=True)
class Customers:
    """How the customers' requests fared: in all, and how many were bad that were over before the fault began."""

    requests: int
    failed: int
    slow: int
    bad_before: int
    rate: float
    limit: timedelta | None


@dataclass(frozen=True)
class Course:
    """The course of *fault* on *target*: *marks* in the order in which they are to be read, and *customers*' requests.

    *zero* is the middle of the injection on the clock of all instants. *span* is for how long it was there: up to None
    where it was still there when the customers left; None in all where it was over at once.
    """

    fault: str
    target: str
    zero: float
    marks: tuple[Mark, ...]
    span: tuple[float, float | None] | None
    customers: Customers
    alerts: tuple[Paged, ...]
    bins: Bins

    def text(self) -> str:
        """Return the marks, one line each, counted from the injection, and how the customers fared."""
        one = self.customers
        limit = "" if one.limit is None else f", {one.slow} took longer than {one.limit.total_seconds():g} s"
        lines = [f"{self.fault} on {self.target}, in seconds from the injection:"]
        lines += [f"{mark.name}: {self._when(mark)}{mark.said} ({mark.source})" for mark in self.marks]
        lines.append(
            f"{one.requests} requests at {one.rate:g} per second: {one.failed} failed{limit}; "
            f"{one.bad_before} of these before the fault"
        )
        return "\n".join(lines)

    def _when(self, mark: Mark) -> str:
        if mark.instant is None:
            return f"{mark.known}: "
        error = mark.instant.error.total_seconds()
        more = ", " if mark.said else ""
        return f"{mark.instant.at - self.zero:+.3f} s, error at most {error:.3f} s{more}"

    def data(self) -> dict[str, object]:
        """Return it as JSON holds it; times are in seconds from the injection."""
        bins = asdict(self.bins) | {"start": round(self.bins.start - self.zero, 6)}
        limit = self.customers.limit
        return {
            "format": COURSE_FORMAT,
            "fault": self.fault,
            "target": self.target,
            "span": None if self.span is None else [None if at is None else self._from_zero(at) for at in self.span],
            "customers": asdict(self.customers) | {"limit": None if limit is None else limit.total_seconds()},
            "marks": [
                {
                    "name": mark.name,
                    "source": mark.source,
                    "known": str(mark.known),
                    "earliest": self._from_zero(mark.instant.earliest) if mark.instant else None,
                    "latest": self._from_zero(mark.instant.latest) if mark.instant else None,
                    "said": mark.said,
                }
                for mark in self.marks
            ],
            "alerts": [
                {
                    "objective": alert.objective,
                    "threshold": alert.alert.rate,
                    "long": alert.alert.long.total_seconds(),
                    "short": alert.alert.short.total_seconds(),
                    "scale": alert.alert.scale,
                    "due": alert.due is not None,
                }
                for alert in self.alerts
            ],
            "bins": bins,
        }

    def _from_zero(self, at: float) -> float:
        return round(at - self.zero, 6)


def course_of(timeline: Timeline, record: Record, looks: Sequence[Look], objectives: Iterable[Objective]) -> Course:
    """Put together what *timeline* says of a fault, *record* of the customers meanwhile, and *looks* of the platform.

    A request is bad if it failed or took longer than the strictest latency objective of *objectives* allows. Raises
    Inconclusive when there is no request; KeyError when no fault was injected.
    """
    injected = timeline.instants["injected"]
    if not record.requests:
        raise Inconclusive("no request was sent, so customers cannot tell of the fault")
    counting = [one for one in objectives if one.indicator is not Indicator.FRESHNESS]
    limit = min((one.limit for one in counting if one.limit is not None), default=None)
    bad = sorted(
        (one for one in record.requests if not one.succeeded or (limit is not None and one.latency > limit)),
        key=lambda request: request.intended,
    )
    hit = [request for request in bad if request.ended > injected.earliest]
    seen = seen_since(looks, injected)
    alert_worthy, alerts = _alert_worthy(record, counting, injected)
    recovered = _recovered(record, hit, seen)
    marks = (
        _noted("injected", timeline, "it was not done"),
        _noted("effective", timeline, "nobody looked for the effect itself"),
        _felt(hit, injected, limit),
        _detected(seen),
        alert_worthy,
        _noted(
            "undone", timeline, _OVER_AT_ONCE.get(timeline.fault, "it was there when the customers left"), of="clean"
        ),
        recovered,
        _steady(record, timeline, recovered, seen, felt=bool(hit)),
    )
    customers = Customers(
        requests=len(record.requests),
        failed=len(record.failures),
        slow=len(bad) - len(record.failures),
        bad_before=len(bad) - len(hit),
        rate=record.rate,
        limit=limit,
    )
    bins = binned(record.requests, limit)
    return Course(timeline.fault, timeline.target, injected.at, marks, _span(timeline), customers, alerts, bins)


def _span(timeline: Timeline) -> tuple[float, float | None] | None:
    clean = timeline.instants.get("clean")
    if clean is None and timeline.fault in _OVER_AT_ONCE:
        return None
    return timeline.instants["injected"].earliest, None if clean is None else clean.latest


def _noted(name: str, timeline: Timeline, otherwise: str, *, of: str | None = None) -> Mark:
    instant = timeline.instants.get(of or name)
    if instant is None:
        return Mark(name, _FAULT, Known.UNKNOWN, None, otherwise)
    return Mark(name, _FAULT, Known.HAPPENED, instant, "")


def _felt(hit: Sequence[Request], injected: Instant, limit: timedelta | None) -> Mark:
    if not hit:
        longer = "" if limit is None else f" or took longer than {limit.total_seconds():g} s"
        return Mark("felt", _CUSTOMERS, Known.NEVER, None, f"no request failed{longer}")
    first = min(hit, key=lambda request: request.ended)
    instant = Instant(max(first.intended, injected.earliest), first.ended)
    return Mark("felt", _CUSTOMERS, Known.HAPPENED, instant, f"the first of {len(hit)} bad requests")


def _detected(seen: Seen) -> Mark:
    if not seen.compares:
        why = "the platform answered no look before the fault" if seen.before is None else "it answered none after it"
        return Mark("detected", _PLATFORM, Known.UNKNOWN, None, why)
    if seen.missed is None:
        gaps = f"; {seen.unanswered} looks got no answer" if seen.unanswered else ""
        return Mark("detected", _PLATFORM, Known.NEVER, None, f"no replica was taken out{gaps}")
    return Mark("detected", _PLATFORM, Known.HAPPENED, seen.missed, "a replica takes no requests any more")


def _alert_worthy(record: Record, objectives: Sequence[Objective], injected: Instant) -> tuple[Mark, tuple[Paged, ...]]:
    """Say when the page would have been due first, for any of *objectives*, and whether that of service would."""
    name, start = "alert-worthy", min(request.intended for request in record.requests)
    since = timedelta(seconds=max(injected.earliest - start, 0.0))
    scaled: list[Paged] = []
    in_service: list[Paged] = []
    try:
        for one in objectives:
            page, finely, coarsely = scaled_page(one, record.rate), series(record, one, step=_STEP), series(record, one)
            scaled.append(paged(one, finely, page, rate=record.rate, since=since))
            in_service.append(paged(one, coarsely, PAGE, rate=record.rate, since=since))
    except Inconclusive as problem:
        return Mark(name, _CUSTOMERS, Known.UNKNOWN, None, str(problem)), ()
    if not scaled:
        return Mark(name, _CUSTOMERS, Known.UNKNOWN, None, "there is no objective for this service"), ()
    windows = f"{PAGE.long.total_seconds() / 3600:g} h and {PAGE.short.total_seconds() / 60:g} min"
    called = ", ".join(one.objective for one in in_service if one.due is not None)
    service = f"with the windows of service, {windows}: {called or 'never'}"
    alerts = (*scaled, *in_service)
    due = [(one.due, one) for one in scaled if one.due is not None]
    if not due:
        none = " or ".join(dict.fromkeys(str(one.alert) for one in scaled))
        return Mark(name, _CUSTOMERS, Known.NEVER, None, f"no {none}; {service}"), alerts
    (earliest, latest), first = min(due, key=lambda pair: pair[0][1])
    begin = max(start + earliest.total_seconds(), injected.earliest)
    instant = Instant(begin, max(begin, start + latest.total_seconds()))
    return Mark(name, _CUSTOMERS, Known.HAPPENED, instant, f"{first.objective}, {first.alert}; {service}"), alerts


def _recovered(record: Record, hit: Sequence[Request], seen: Seen) -> Mark:
    """Say from when on whoever asked was served well; where customers felt nothing, when all replicas were back."""
    if hit:
        last = hit[-1].intended
        after = min((one.intended for one in record.requests if one.intended > last), default=None)
        if after is None:
            return Mark("recovered", _CUSTOMERS, Known.NEVER, None, "the last request was bad")
        return Mark(
            "recovered", _CUSTOMERS, Known.HAPPENED, Instant(last, after), "whoever asked later was served well"
        )
    if not seen.compares:
        return Mark(
            "recovered", _PLATFORM, Known.UNKNOWN, None, "customers felt nothing, and the platform said nothing"
        )
    if seen.missed is None:
        return Mark("recovered", _CUSTOMERS, Known.NEVER, None, "there was nothing to recover from")
    if seen.back is None:
        return Mark("recovered", _PLATFORM, Known.NEVER, None, "not all replicas were back at the last look")
    return Mark("recovered", _PLATFORM, Known.HAPPENED, seen.back, "customers felt nothing; all replicas were back")


def _steady(record: Record, timeline: Timeline, recovered: Mark, seen: Seen, *, felt: bool) -> Mark:
    """Say from when on all was well: no bad request, no replica too few, nothing of the fault left."""
    name, source = "steady", f"{_CUSTOMERS} and {_PLATFORM}" if seen.compares else _CUSTOMERS
    if felt and recovered.instant is None:
        return Mark(name, source, Known.NEVER, None, "the last request was bad")
    if seen.missed is not None and seen.back is None:
        return Mark(name, source, Known.NEVER, None, "not all replicas were back at the last look")
    ends = [timeline.instants[one] for one in ("injected", "effective", "clean") if one in timeline.instants]
    ends += [one for one in (recovered.instant, seen.back) if one is not None]
    last = max(ends, key=lambda instant: instant.latest)
    calm = max(request.intended for request in record.requests) - last.latest
    if calm < CALM.total_seconds():
        said = f"customers came for {max(calm, 0):.1f} s more only, and {CALM.total_seconds():g} s are needed"
        return Mark(name, source, Known.UNKNOWN, None, said)
    return Mark(name, source, Known.HAPPENED, last, f"and so it stayed for {calm:.1f} s")
