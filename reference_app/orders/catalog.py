"""What the order service asks of the catalogue: products, and stock to be set aside for an order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import UUID

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from reference_app.orders.domain import CatalogUnavailable, Item, Product
from reference_app.telemetry.calls import calling
from reference_app.telemetry.connections import connector, forget_address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_CONNECT: Final = timedelta(milliseconds=300)
_ATTEMPTS: Final = 3
_CONNECTIONS: Final = 32
_RESERVATION: Final = "/reservations/{reservation_id}"
_PROBLEM: Final = "urn:seatrial:problem:"
_REFUSALS: Final = {
    (HTTPStatus.CONFLICT, "insufficient-stock"): "insufficient stock",
    (HTTPStatus.CONFLICT, "reservation-released"): "reservation released",
    (HTTPStatus.CONFLICT, "reservation-conflict"): "reservation conflict",
    (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-product"): "unknown product",
}


class _Product(BaseModel):
    id: UUID
    sku: str
    name: str
    price_cents: int


class _Page(BaseModel):
    items: list[_Product]


class _Problem(BaseModel):
    type: str = ""


_PAGES: Final = TypeAdapter(_Page)
_PROBLEMS: Final = TypeAdapter(_Problem)


class Catalog:
    """A client of the catalogue at *url*; each method takes at most *within* and raises CatalogUnavailable.

    A connection that cannot be made, or that breaks, is tried again with another one: one replica of several may be
    gone. All methods may be repeated.
    """

    def __init__(self, url: str, *, within: timedelta) -> None:
        self._url = URL(url.rstrip("/"))
        self._within = within
        self._session: aiohttp.ClientSession | None = None

    async def products(self, ids: Collection[UUID]) -> Mapping[UUID, Product]:
        """Return those of the products *ids* (1 to 50) that exist."""
        query = [("ids", str(one)) for one in ids]
        status, body = await self._ask("GET", "/products", (self._url / "products").with_query(query))
        if status != HTTPStatus.OK:
            raise CatalogUnavailable(f"answered {status}")
        try:
            page = _PAGES.validate_json(body)
        except ValidationError:
            raise CatalogUnavailable("answered something else than products") from None
        return {item.id: Product(item.id, item.sku, item.name, item.price_cents) for item in page.items}

    async def hold(self, order_id: UUID, items: Sequence[Item]) -> str | None:
        """Set the *items* of an order aside, all or none; returns why they are refused, if they are."""
        wanted = [{"product_id": str(item.product_id), "quantity": item.quantity} for item in items]
        status, body = await self._ask("PUT", _RESERVATION, self._reservation(order_id), {"items": wanted})
        if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return None
        try:
            kind = _PROBLEMS.validate_json(body).type.removeprefix(_PROBLEM)
            return _REFUSALS[HTTPStatus(status), kind]
        except (ValidationError, ValueError, KeyError):
            raise CatalogUnavailable(f"answered {status}") from None

    async def release(self, order_id: UUID) -> None:
        """Give back what is set aside for an order, and see to it that nothing is set aside for it later."""
        status, _ = await self._ask("DELETE", _RESERVATION, self._reservation(order_id))
        if status != HTTPStatus.NO_CONTENT:
            raise CatalogUnavailable(f"answered {status}")

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _reservation(self, order_id: UUID) -> URL:
        return self._url / "reservations" / str(order_id)

    async def _ask(self, method: str, template: str, url: URL, body: object = None) -> tuple[int, bytes]:
        try:
            with calling(method, self._url.authority, template) as call:
                async with asyncio.timeout(self._within.total_seconds()):
                    call.status, content = await self._answered(method, url, body, call.headers)
                return call.status, content
        except TimeoutError:
            raise CatalogUnavailable("gave no answer in time") from None
        except aiohttp.ClientError as error:
            raise CatalogUnavailable(repr(error)) from None

    async def _answered(self, method: str, url: URL, body: object, headers: Mapping[str, str]) -> tuple[int, bytes]:
        attempt = 1
        while True:
            try:
                async with self._client().request(
                    method, url, json=body, headers=headers, allow_redirects=False
                ) as answer:
                    return answer.status, await answer.read()
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                if attempt == _ATTEMPTS:
                    forget_address(self._session)
                    raise
                attempt += 1

    def _client(self) -> aiohttp.ClientSession:
        # Made here and not before, because it belongs to the event loop that it is first used in.
        if self._session is None:
            waiting = aiohttp.ClientTimeout(total=self._within.total_seconds(), sock_connect=_CONNECT.total_seconds())
            self._session = aiohttp.ClientSession(
                # What a machine that is gone does not acknowledge is given up early enough for another try.
                connector=connector(limit=_CONNECTIONS, unacknowledged=self._within / (_ATTEMPTS - 1)),
                timeout=waiting,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
