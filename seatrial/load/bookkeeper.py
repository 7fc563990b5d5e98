"""Reads what the services show of a run's orders: every page of the list, each history, each reservation, the stock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from seatrial.load.ledger import Books, Stock
from seatrial.load.orders import PENDING, Order, Reservation, Step
from seatrial.load.shop import NoAnswer, pause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping

    from seatrial.kube.document import Document
    from seatrial.load.shop import Counter, Shop

_PAGE = 100
_ASKED_AT_ONCE = 16
_IDS_AT_ONCE = 50
_TRIES = 20
_PAUSE_WHEN_BUSY = 1.0
T = TypeVar("T")


@dataclass(frozen=True)
class Bookkeeper:
    """Reads the orders of all customers whose names begin with *run*.

    *catalogue* is where reservations and stock are read, None where nobody can: the edge does not show them.
    """

    orders: Shop
    run: str
    catalogue: Shop | None = None

    def stock(self, products: Collection[str]) -> Mapping[str, int]:
        """Return how much there is of each of *products* now; without a catalogue to ask, nothing."""
        return asyncio.run(self._stock(products))

    def books(
        self, before: Mapping[str, int] | None = None, prices: Mapping[str, Collection[int]] | None = None
    ) -> Books:
        """Read everything now; *before* is the stock that there was before the first order.

        Raises AssertionError for an answer other than the one due, NoAnswer when there is none.
        """
        return asyncio.run(self._books(before, prices))

    def pending(self) -> int:
        """Return how many orders have not been decided upon."""
        return asyncio.run(self._pending())

    async def _books(self, before: Mapping[str, int] | None, prices: Mapping[str, Collection[int]] | None) -> Books:
        async with self.orders.opened() as counter:
            orders = tuple([order async for order in self._listed(counter, "")])
            histories = await _each((order.id for order in orders), lambda order: _history(counter, order))
        if self.catalogue is None:
            return Books(orders, histories, prices=prices)
        async with self.catalogue.opened() as counter:
            found = await _each((order.id for order in orders), lambda order: _reservation(counter, order))
        stock = None if before is None else Stock(before, await self._stock(before.keys()))
        return Books(orders, histories, {key: value for key, value in found.items() if value}, stock, prices)

    async def _pending(self) -> int:
        async with self.orders.opened() as counter:
            return len([order async for order in self._listed(counter, f"&status={PENDING}")])

    async def _listed(self, counter: Counter, narrowed: str) -> AsyncIterator[Order]:
        cursor = ""
        while True:
            page = await _read(counter, f"/orders?limit={_PAGE}{narrowed}{cursor}")
            for order in map(Order.read, page.documents("items")):
                if order.customer.startswith(f"{self.run}."):
                    yield order
            if not page.text("next_cursor"):
                return
            cursor = f"&cursor={page.text('next_cursor')}"

    async def _stock(self, products: Collection[str]) -> Mapping[str, int]:
        if self.catalogue is None:
            return {}
        wanted = sorted(products)
        stock: dict[str, int] = {}
        async with self.catalogue.opened() as counter:
            for begin in range(0, len(wanted), _IDS_AT_ONCE):
                query = "&".join(f"ids={product}" for product in wanted[begin : begin + _IDS_AT_ONCE])
                page = await _read(counter, f"/products?{query}")
                stock |= {one.text("id"): one.number("stock") for one in page.documents("items")}
        return stock


async def _history(counter: Counter, order: str) -> tuple[Step, ...]:
    return tuple(map(Step.read, (await _read(counter, f"/orders/{order}/history")).documents("items")))


async def _reservation(counter: Counter, order: str) -> Reservation | None:
    document = await _read(counter, f"/reservations/{order}", HTTPStatus.NOT_FOUND)
    return Reservation.read(document) if document.text("state") else None


async def _each(keys: Iterable[str], read: Callable[[str], Awaitable[T]]) -> dict[str, T]:
    """Return what *read* gives for each of *keys*, some at a time."""
    free = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def one(key: str) -> tuple[str, T]:
        async with free:
            return key, await read(key)

    return dict(await asyncio.gather(*map(one, keys)))


async def _read(counter: Counter, path: str, *also: int) -> Document:
    """Read *path*; what is too busy to answer is asked again. Raises AssertionError for a status not expected."""
    for turn in range(_TRIES):
        try:
            answer = await counter.ask("GET", path, turn=turn)
        except NoAnswer:
            if turn == _TRIES - 1:
                raise
            await pause(_PAUSE_WHEN_BUSY)
            continue
        if answer.status in (HTTPStatus.OK, *also):
            return answer.document
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            break
        await pause(_PAUSE_WHEN_BUSY)
    raise AssertionError(f"{path} was answered with status {answer.status}: {answer.body[:300]}")
