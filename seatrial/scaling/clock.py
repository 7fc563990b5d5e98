"""Times of two clocks beside each other: those that the API writes down, and those of whoever looks."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.kube.kinds import CONFIG_MAP
from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document

# The API writes RFC 3339 without a fraction (metav1.Time): what it says happened within the second that begins then.
_RESOLUTION = 1.0
_NARROW = timedelta(milliseconds=300)
_LOOKS_FOR = timedelta(seconds=3)


def stamp(text: str) -> Instant | None:
    """Return when that was which the API dates *text*, in seconds since 1970 of its clock; None when it is empty."""
    if not text:
        return None
    second = datetime.fromisoformat(text).timestamp()
    return Instant(second, second + _RESOLUTION)


def written(document: Document, *, part: str = "") -> Instant | None:
    """Return when *document*, or its subresource *part*, was last changed, as the API notes beside who did it."""
    times = [
        entry.text("time")
        for entry in document.documents("metadata.managedFields")
        if not part or entry.text("subresource") == part
    ]
    return stamp(max(filter(None, times), default=""))


def moved(instant: Instant, by: Instant) -> Instant:
    """Return *instant* by a clock that is ahead of its own by something between the ends of *by*."""
    return Instant(instant.earliest + by.earliest, instant.latest + by.latest)


def ahead(
    api: Api,
    namespace: str,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] | None = None,
) -> Instant:
    """Return by how many seconds the API's clock is ahead of *clock*, as the least and the most that it can be.

    The API dates an object that it is asked to make and does not keep (a dry run). Each answer bounds the difference to
    a second and the time it took; the turn of a second between two answers, to what lay between them. Raises Refused
    and Interrupted as the API does, Inconclusive when the answers contradict each other: a clock was set.
    """
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "clock-", "namespace": namespace}}
    path = api.path(CONFIG_MAP, namespace=namespace)
    known = Instant(float("-inf"), float("inf"))

    def look() -> Instant:
        nonlocal known
        asked = clock()
        said = stamp(api.ask("POST", path, body=body, query={"dryRun": "All"}).text("metadata.creationTimestamp"))
        if said is None:
            raise Inconclusive("the API does not date what it is asked to make", Missing.SAMPLE)
        known = within_both(known, Instant(said.earliest - clock(), said.latest - asked))
        return known

    waits = {} if pause is None else {"pause": pause}
    with suppress(NotObserved):
        eventually(
            look,
            until=lambda seen: seen.error * 2 <= _NARROW,
            within=_LOOKS_FOR,
            what="the clocks are compared",
            clock=clock,
            **waits,
        )
    return known


def within_both(one: Instant, other: Instant) -> Instant:
    """Return what both leave possible. Raises Inconclusive when that is nothing."""
    both = Instant(max(one.earliest, other.earliest), min(one.latest, other.latest))
    if both.earliest > both.latest:
        raise Inconclusive("the clocks of the API and of this machine do not run together: one was set", Missing.SAMPLE)
    return both
