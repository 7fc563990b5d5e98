"""Names and prices of products, at most a moment old, so that orders do not wait for the catalogue one by one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from datetime import timedelta
    from uuid import UUID

    from reference_app.orders.domain import Product

    Fetch = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, Product]]]
_MOST: Final = 10_000


@dataclass(frozen=True)
class _Kept:
    product: Product
    renew_from: float
    until: float


class Prices:
    """Keeps what *fetch* returned for *ttl*, counted from before it was asked; one question per product at a time.

    What is asked for in the second half of that time is fetched anew meanwhile, so that hardly anybody waits. That a
    product does not exist is not kept.
    """

    def __init__(self, fetch: Fetch, ttl: timedelta, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._clock = clock
        self._kept: dict[UUID, _Kept] = {}
        self._flights: dict[UUID, asyncio.Task[Mapping[UUID, Product]]] = {}

    def known(self, ids: Collection[UUID]) -> Mapping[UUID, Product] | None:
        """Return the products *ids* if all of them are kept."""
        found = self._fresh(ids)
        if len(found) < len(ids):
            return None
        now = self._clock()
        if ageing := [one for one in ids if self._kept[one].renew_from <= now and one not in self._flights]:
            self._depart(ageing)
        return found

    async def of(self, ids: Collection[UUID]) -> Mapping[UUID, Product]:
        """Return those of the products *ids* that exist; raises what *fetch* raises."""
        found = self._fresh(ids)
        missing = [one for one in ids if one not in found]
        if asked := [one for one in missing if one not in self._flights]:
            self._depart(asked)
        for flight in {self._flights[one] for one in missing}:
            # Shielded, because others may wait for it when this caller has gone.
            found |= await asyncio.shield(flight)
        return {one: found[one] for one in ids if one in found}

    def _depart(self, ids: Collection[UUID]) -> asyncio.Task[Mapping[UUID, Product]]:
        flight = asyncio.create_task(self._load(ids))
        flight.add_done_callback(_heard)
        self._flights.update(dict.fromkeys(ids, flight))
        return flight

    def _fresh(self, ids: Collection[UUID]) -> dict[UUID, Product]:
        now = self._clock()
        return {one: kept.product for one in ids if (kept := self._kept.get(one)) is not None and kept.until > now}

    async def _load(self, ids: Collection[UUID]) -> Mapping[UUID, Product]:
        asked, ttl = self._clock(), self._ttl.total_seconds()
        try:
            found = await self._fetch(ids)
        finally:
            for one in ids:
                del self._flights[one]
        if len(self._kept) + len(found) > _MOST:
            self._kept.clear()
        self._kept.update({one: _Kept(product, asked + ttl / 2, asked + ttl) for one, product in found.items()})
        return found


def _heard(flight: asyncio.Task[Mapping[UUID, Product]]) -> None:
    # Whoever waits hears of a failure; where nobody does any more, it is nothing to report as forgotten.
    if not flight.cancelled():
        flight.exception()
