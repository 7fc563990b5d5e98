"""Waiting on the API's own news: a list, then a watch from that version on, for as long as it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from seatrial.kube.api import Expired, Interrupted, Refused
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.kube.api import Event, Listing, Lists, Selection
    from seatrial.kube.document import Document

Objects: TypeAlias = "tuple[Document, ...]"

_TRY_AGAIN = frozenset({0, 429, 500, 502, 503, 504})
_ONE_ANSWER = timedelta(seconds=10)
_BREATH = timedelta(milliseconds=50)
_LONGEST_BREATH = timedelta(seconds=1)
_SHORTEST_WATCH = 0.5


def named(objects: Objects) -> str:
    """Write *objects* on one line, by kind and name."""
    return ", ".join(map(str, objects)) or "none"


def watched(
    lists: Lists,
    selection: Selection,
    *,
    until: Callable[[Objects], bool],
    within: timedelta,
    what: str,
    shown: Callable[[Objects], object] = named,
) -> Objects:
    """Return the objects of *selection* as soon as *until* holds for all of them together.

    Looks once, then at each change that the API reports, without a pause between the news and the next look. A watch
    that ends, breaks or has expired is taken up again; an API that is away for a while is waited for.

    Raises NotObserved, carrying what *shown* makes of the last objects seen, once *within* has passed; Refused when the
    API does not allow the look.
    """
    return _Watch(lists, selection, until, within, what, shown, time.monotonic() + within.total_seconds()).result()


@dataclass
class _Watch:
    lists: Lists
    selection: Selection
    until: Callable[[Objects], bool]
    within: timedelta
    what: str
    shown: Callable[[Objects], object]
    deadline: float
    last: object = None
    broken: int = 0

    def result(self) -> Objects:
        while True:
            listing = self._listed()
            known = {document.uid: document for document in listing.items}
            if self._holds(known):
                return tuple(known.values())
            if self._followed(known, listing.version):
                return tuple(known.values())

    def _remaining(self) -> timedelta:
        left = timedelta(seconds=self.deadline - time.monotonic())
        if left <= timedelta(0):
            raise NotObserved(self.what, last=self.last, within=self.within)
        return left

    def _holds(self, known: dict[str, Document]) -> bool:
        objects = tuple(known.values())
        self.last = self.shown(objects)
        return self.until(objects)

    def _followed(self, known: dict[str, Document], version: str) -> bool:
        """Keep *known* up to date; return True once what is waited for holds, False when a fresh list is needed."""
        while True:
            self._breathe()
            opened = time.monotonic()
            try:
                for event in self.lists.watch(self.selection, since=version, within=self._remaining()):
                    self.broken = 0
                    version = event.object.version or version
                    if _taken_in(event, known) and self._holds(known):
                        return True
                    self._remaining()
            except Expired:
                return False
            except Interrupted:
                self.broken += 1
                return False
            except Refused as error:
                self._tolerate(error)
                return False
            # A watch ends by itself every few minutes; one that ends at once is a server in trouble.
            if time.monotonic() - opened < _SHORTEST_WATCH:
                self.broken += 1

    def _tolerate(self, error: Refused) -> None:
        if error.status not in _TRY_AGAIN:
            raise error
        self.broken += 1

    def _listed(self) -> Listing:
        """List, again and again while the API is away."""

        def attempt() -> tuple[Listing | None, str]:
            try:
                return self.lists.list(self.selection, within=min(self._remaining(), _ONE_ANSWER)), ""
            except Refused as error:
                self._tolerate(error)
                return None, f"the API does not answer ({error})"
            except (Interrupted, Expired) as error:
                return None, f"the API does not answer ({error})"

        try:
            listing, _ = eventually(
                attempt, until=lambda seen: seen[0] is not None, within=self._remaining(), what=self.what
            )
        except NotObserved as error:
            reason = error.last[1] if isinstance(error.last, tuple) else error.last
            raise NotObserved(self.what, last=self.last or reason, within=self.within) from error
        if listing is None:
            raise NotObserved(self.what, last=self.last, within=self.within)
        return listing

    def _breathe(self) -> None:
        """Leave a server alone for a moment that keeps breaking its watches."""
        if not self.broken:
            return
        end = time.monotonic() + min(_BREATH * self.broken, _LONGEST_BREATH, self._remaining()).total_seconds()
        eventually(time.monotonic, until=lambda now: now >= end, within=_LONGEST_BREATH * 2, what=self.what)


def _taken_in(event: Event, known: dict[str, Document]) -> bool:
    """Bring *known* up to date with *event*; say whether that changed anything."""
    if event.type == "BOOKMARK":
        return False
    if event.type == "DELETED":
        known.pop(event.object.uid, None)
    else:
        known[event.object.uid] = event.object
    return True
