"""The catalogue with one bug planted, each a control that was forgotten: a change made in the process that runs it.

Mounted into the pods as it stands, so it imports what is in their image alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from reference_app.catalog import seed
from reference_app.catalog.cache import Answer, Cache, Origin
from reference_app.catalog.tables import ProductRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sqlalchemy import Connection

_LATE = 1.5


def _plant(place: object, name: str, bug: object) -> None:
    assert hasattr(place, name), name
    setattr(place, name, bug)


def keep_what_was_changed() -> None:
    """What was changed stays in the cache as it was."""

    async def invalidate(_cache: Cache, *_keys: str) -> None:
        return

    _plant(Cache, "invalidate", invalidate)


def load_each_time() -> None:
    """Each read asks the database."""

    async def read(_cache: Cache, _key: str, load: Callable[[], Awaitable[bytes]]) -> Answer:
        return Answer(await load(), Origin.MISS)

    _plant(Cache, "read", read)


def answer_late() -> None:
    """Each read of a product takes longer than was agreed."""
    read = Cache.read

    async def late(self: Cache, key: str, load: Callable[[], Awaitable[bytes]]) -> Answer:
        await asyncio.sleep(_LATE)
        return await read(self, key, load)

    _plant(Cache, "read", late)


def lose_a_product() -> None:
    """Each run of the migrations takes a sample product out; the next sound one puts all of them back."""

    def lose(connection: Connection) -> seed.Planted:
        books = select(ProductRow.id).where(ProductRow.sku.like("BOOKS-%")).order_by(ProductRow.sku).limit(1)
        connection.execute(delete(ProductRow).where(ProductRow.id.in_(books)))
        return seed.Planted(categories=0, products=0)

    _plant(seed, "plant", lose)


BUGS: Mapping[str, Callable[[], None]] = {
    bug.__name__: bug for bug in (answer_late, keep_what_was_changed, load_each_time, lose_a_product)
}
