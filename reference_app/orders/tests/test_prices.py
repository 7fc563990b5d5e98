"""Prices are asked for once, kept for a moment, and never older than promised."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reference_app.orders.domain import CatalogUnavailable, Product
from reference_app.orders.prices import Prices

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

_A, _B, _UNKNOWN = (uuid.UUID(int=number) for number in range(3))


@dataclass
class Shelf:
    """A catalogue whose answers wait until they are let go."""

    price: int = 100
    asked: list[set[UUID]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    failing: bool = False
    now: float = 0.0

    def __post_init__(self) -> None:
        self.open.set()

    async def fetch(self, ids: Collection[UUID]) -> Mapping[UUID, Product]:
        self.asked.append(set(ids))
        price = self.price
        await self.open.wait()
        if self.failing:
            raise CatalogUnavailable
        return {one: Product(one, "SKU", "Thing", price) for one in ids if one != _UNKNOWN}

    def prices(self) -> Prices:
        return Prices(self.fetch, timedelta(seconds=2), clock=lambda: self.now)


def test_what_is_known_is_not_asked_for_again() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        prices = shelf.prices()
        assert prices.known([_A]) is None

        found = await prices.of([_A, _UNKNOWN])
        assert set(found) == {_A}
        assert await prices.of([_A]) == found == prices.known([_A])
        assert prices.known([_A, _B]) is None
        await prices.of([_A, _B])

        assert shelf.asked == [{_A, _UNKNOWN}, {_B}]

    asyncio.run(scenario())


def test_a_crowd_asks_once() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        prices = shelf.prices()
        shelf.open.clear()
        crowd = [asyncio.create_task(prices.of([_A, _B] if number % 2 else [_B])) for number in range(50)]
        await asyncio.sleep(0)
        crowd[0].cancel()
        await asyncio.sleep(0)
        shelf.open.set()
        answers = await asyncio.gather(*crowd[1:])

        assert [len(answer) for answer in answers] == [2, *[1, 2] * 24]
        assert sorted(map(len, shelf.asked)) == [1, 1]

    asyncio.run(scenario())


def test_a_price_is_never_older_than_promised() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        prices = shelf.prices()
        shelf.open.clear()
        flight = asyncio.create_task(prices.of([_A]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        shelf.now, shelf.price = 1.5, 200
        shelf.open.set()
        await flight
        # Counted from the question and not from the answer.
        shelf.now = 2.0

        assert prices.known([_A]) is None
        assert (await prices.of([_A]))[_A].price_cents == 200

    asyncio.run(scenario())


def test_what_ages_is_fetched_anew_while_it_serves() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        prices = shelf.prices()
        await prices.of([_A])
        shelf.now, shelf.price = 1.0, 200

        old = [prices.known([_A]) for _ in range(3)]
        for _ in range(3):
            await asyncio.sleep(0)
        new = prices.known([_A])

        assert [one[_A].price_cents for one in old if one] == [100, 100, 100]
        assert new is not None
        assert new[_A].price_cents == 200
        assert shelf.asked == [{_A}, {_A}]

    asyncio.run(scenario())


def test_a_catalogue_that_fails_is_asked_again() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        prices = shelf.prices()
        shelf.failing = True
        with pytest.raises(CatalogUnavailable):
            await prices.of([_A])
        shelf.failing = False
        assert set(await prices.of([_A])) == {_A}

        shelf.now, shelf.failing = 1.5, True
        kept = prices.known([_A])
        for _ in range(3):
            await asyncio.sleep(0)

        assert kept is not None
        assert prices.known([_A]) == kept

    asyncio.run(scenario())
