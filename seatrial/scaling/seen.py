"""What was seen of an autoscaler, its replicas and what was measured of them, each with when it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.scaling.clock import moved
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from seatrial.kube.document import Document
    from seatrial.kube.watching import Objects

    T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """What a look found that was taken at some time of the looker's clock between *begun* and *ended*."""

    begun: float
    ended: float
    objects: Objects


@dataclass
class Seen:
    """All that was seen, in the order of seeing.

    *autoscaler*, *pods* and *slices* (what customers are routed to) hold the objects after each change, as the API
    reported it; *samples* (of the metrics API) and *routes* are looks, one after the other. *ahead* is what the API's
    clock is ahead of the looker's by, *began* and *ended* are when the load did, by the looker's clock. None is what
    was not seen; *lost* says why.
    """

    autoscaler: list[Document] = field(default_factory=list)
    pods: list[Objects] = field(default_factory=list)
    slices: list[Objects] = field(default_factory=list)
    samples: list[Look] = field(default_factory=list)
    routes: list[Look] = field(default_factory=list)
    ahead: Instant | None = None
    began: Instant | None = None
    ended: Instant | None = None
    lost: list[str] = field(default_factory=list)

    def known(self, what: T | None, name: str) -> T:
        """Return *what*. Raises Inconclusive when it is None: *name*, as in "when it was *name*", was not seen."""
        if what is None:
            because = f": {'; '.join(self.lost)}" if self.lost else ""
            raise Inconclusive(f"it was not seen {name}{because}", Missing.SAMPLE)
        return what

    def by_api(self, instant: Instant) -> Instant:
        """Return *instant*, which is by the looker's clock, by the API's. Raises Inconclusive."""
        return moved(instant, self.known(self.ahead, "what the API's clock says"))


def first_shown(looks: Iterable[Look], shows: Callable[[Look], bool]) -> Instant | None:
    """Return when that began which a look *shows*: since the last look without it began, until the first with it ended.

    None when none shows it, or none was taken before it.
    """
    before: Look | None = None
    for look in looks:
        if shows(look):
            return Instant(before.begun, look.ended) if before else None
        before = look
    return None


def routed(slices: Objects) -> frozenset[str]:
    """Return the uids of the pods that customers are sent to: ready in at least one EndpointSlice."""
    return frozenset(
        endpoint.text("targetRef.uid")
        for piece in slices
        for endpoint in piece.documents("endpoints")
        if endpoint.flag("conditions.ready")
    )
