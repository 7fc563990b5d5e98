"""Following an autoscaler: by the API's own news, and by looks from outside, for as long as it takes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.kube.api import Expired, Interrupted, Refused, Selection
from seatrial.kube.kinds import AUTOSCALER, ENDPOINT_SLICE, POD
from seatrial.kube.watching import watched
from seatrial.kube.workload import selector
from seatrial.scaling.clock import ahead
from seatrial.scaling.growing import grown
from seatrial.scaling.seen import Look, Seen
from seatrial.scaling.shrinking import shrunk
from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from seatrial.kube.api import Api
    from seatrial.kube.autoscaler import Autoscaler
    from seatrial.kube.watching import Objects
    from seatrial.load import Record
    from seatrial.scaling.reaction import Reaction

# What two looks may not see is the error of what only looks can date.
_BETWEEN_LOOKS = timedelta(seconds=1)
# How long a watch outlives the following, at most.
_ONE_WATCH = timedelta(seconds=10)
_FIRST_NEWS = timedelta(seconds=30)
_REMEMBERED = 5
_SERVERS_FAULT = 500
_LATER = 429


@dataclass
class Following:
    """An autoscaler that is followed, the *labels* (as a selector) of its replicas, and what was *seen* of it."""

    api: Api
    name: str
    namespace: str
    labels: str
    seen: Seen = field(default_factory=Seen)
    clock: Callable[[], float] = time.monotonic
    _over: threading.Event = field(default_factory=threading.Event)
    _broken: threading.Event = field(default_factory=threading.Event)

    def loaded_by(self, record: Record) -> None:
        """Note that the requests of *record* were the load on it: from when the first was sent to the last's end."""
        first = min(request.started for request in record.requests)
        last = max(record.requests, key=lambda request: request.started)
        self.seen.began, self.seen.ended = Instant(first, first), Instant(last.started, last.ended)

    @contextmanager
    def loading(self, load: AbstractContextManager[object]) -> Iterator[None]:
        """Have *load* on it until the block ends, and note when it began and ended."""
        asked = self.clock()
        with load:
            self.seen.began = Instant(asked, self.clock())
            yield
            asked = self.clock()
        self.seen.ended = Instant(asked, self.clock())

    def growing(self) -> Reaction:
        """Return how it added replicas, and tell it. Raises Inconclusive, which names what was not seen."""
        return grown(self.seen).tell()

    def shrinking(self) -> Reaction:
        """Return how it removed the first replica after the load, and tell it. Raises Inconclusive likewise."""
        return shrunk(self.seen).tell()

    def start(self, within: timedelta = _FIRST_NEWS) -> None:
        """Begin; return once something is known of each source.

        Raises Inconclusive when one is refused, or nothing is known of it *within* that time.
        """
        end = time.monotonic() + within.total_seconds()
        begun = [
            self._beside(self._watch, Selection.one(AUTOSCALER, self.name, self.namespace), self.heard),
            self._beside(self._watch, Selection(POD, self.namespace, self.labels), self.seen.pods.append),
            self._beside(self._watch, Selection(ENDPOINT_SLICE, self.namespace), self.seen.slices.append),
            self._beside(self._look),
        ]
        if not all(known.wait(max(0.0, end - time.monotonic())) for known in begun) or self._broken.is_set():
            said = "; ".join(self.seen.lost) or "the API does not answer"
            raise Inconclusive(f"autoscaler {self.name} cannot be followed: {said}", Missing.ANSWER)

    def stop(self) -> None:
        """Take no more looks, and hear no more news after the watches that are under way."""
        self._over.set()

    def heard(self, objects: Objects) -> None:
        """Keep what the API says of the autoscaler; a state of which there is news twice, once."""
        kept = self.seen.autoscaler
        kept.extend(state for state in objects if not kept or kept[-1].version != state.version)

    def _beside(self, follow: Callable[..., None], *what: object) -> threading.Event:
        """Follow one source in a thread; the event says that something of it is known, if only that it broke."""
        known = threading.Event()

        def guarded() -> None:
            try:
                follow(*what, known)
            except (Refused, Interrupted, Expired, Inconclusive) as error:
                self.seen.lost.append(str(error))
                self._broken.set()
                known.set()

        threading.Thread(target=guarded, name=f"following {self.name}", daemon=True).start()
        return known

    def _watch(self, selection: Selection, keep: Callable[[Objects], object], known: threading.Event) -> None:
        def look(objects: Objects) -> bool:
            keep(objects)
            known.set()
            return self._over.is_set()

        while not self._over.is_set():
            with suppress(NotObserved):
                watched(self.api, selection, until=look, within=_ONE_WATCH, what="the following ends")

    def _look(self, known: threading.Event) -> None:
        self.seen.ahead = ahead(self.api, self.namespace, self.clock)
        while True:
            try:
                self.seen.samples.append(self._looked(self._samples))
                self.seen.routes.append(self._looked(self._routes))
            except (Refused, Interrupted) as error:
                # An API that is away for a while costs the looks of that while; one that says no will go on to.
                if isinstance(error, Refused) and error.status < _SERVERS_FAULT and error.status != _LATER:
                    raise
                self.seen.lost[:] = [*self.seen.lost[:_REMEMBERED], str(error)]
            else:
                known.set()
            if self._over.wait(_BETWEEN_LOOKS.total_seconds()):
                return

    def _samples(self) -> Objects:
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self.namespace}/pods"
        return self.api.ask("GET", path, query={"labelSelector": self.labels}).documents("items")

    def _routes(self) -> Objects:
        return self.api.list(Selection(ENDPOINT_SLICE, self.namespace)).items

    def _looked(self, look: Callable[[], Objects]) -> Look:
        begun = self.clock()
        objects = look()
        return Look(begun, self.clock(), objects)


@contextmanager
def following(autoscaler: Autoscaler) -> Iterator[Following]:
    """Follow *autoscaler* until the block ends. Raises Inconclusive when it cannot be followed."""
    labels = selector(autoscaler.workload.labels)
    followed = Following(autoscaler.api, autoscaler.name, autoscaler.namespace, labels)
    try:
        followed.start()
        yield followed
    finally:
        followed.stop()
