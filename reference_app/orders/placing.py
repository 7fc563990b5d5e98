"""How an order is placed: once per idempotency key, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reference_app.orders.domain import Draft, KeyInFlight, KeyReused, Order
from reference_app.orders.schemas import OrderShown
from reference_app.orders.store import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from uuid import UUID

    from reference_app.orders.prices import Prices
    from reference_app.orders.store import Record, Store


@dataclass(frozen=True)
class Answer:
    """The body that answers a request to place an order, and whether it answered it before."""

    order_id: UUID
    body: str
    replayed: bool


class Placing:
    """Places orders; *ttl* is how long a key stands for the order that it placed."""

    def __init__(
        self,
        store: Store,
        prices: Prices,
        *,
        ttl: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._prices = prices
        self._ttl = ttl
        self._clock = clock
        self._in_flight: set[str] = set()

    async def place(self, request: Request, draft: Draft) -> Answer:
        """Place the order that *draft* asks for, or return the answer that the same request got before.

        Raises KeyInFlight while another request with the key is being served, KeyReused if the key belongs to another
        request, UnknownProducts, or CatalogUnavailable. A request that was refused did not use up its key.
        """
        if request.key in self._in_flight:
            raise KeyInFlight
        self._in_flight.add(request.key)
        try:
            return await self._place(request, draft)
        finally:
            self._in_flight.remove(request.key)

    async def _place(self, request: Request, draft: Draft) -> Answer:
        ids = [item.product_id for item in draft.items]
        products = self._prices.known(ids)
        if products is None:
            # An answer that was given once is given again even if the catalogue is away or has changed since.
            if (record := await self._store.record(request.key)) is not None:
                return _again(record, request)
            products = await self._prices.of(ids)
        order = Order.placed(draft, products, at=self._clock())
        body = OrderShown.text(order)
        while True:
            if await self._store.place(request, order, answer=body, ttl=self._ttl):
                return Answer(order.id, body, replayed=False)
            # Nothing here if the key expired between the two statements; then it is free now.
            if (record := await self._store.record(request.key)) is not None:
                return _again(record, request)


def _again(record: Record, request: Request) -> Answer:
    if record.fingerprint != request.fingerprint:
        raise KeyReused
    return Answer(record.order_id, record.answer, replayed=True)
