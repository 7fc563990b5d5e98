"""The words of the order service: orders, what may become of them, and what is told about that.

Knows no web framework, no database and no message broker.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return not _FOLLOWING[self]

    def leads_to(self, other: Status) -> bool:
        """Whether an order that stands here may go on to *other*."""
        return other in _FOLLOWING[self]


_FOLLOWING: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.CONFIRMED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
}


class EventType(StrEnum):
    """What can be told about an order."""

    PLACED = "order.placed"
    CONFIRMED = "order.confirmed"
    SHIPPED = "order.shipped"
    DELIVERED = "order.delivered"
    CANCELLED = "order.cancelled"

    @classmethod
    def of(cls, status: Status) -> EventType:
        """Return the event that an order has come to *status*."""
        return cls.PLACED if status is Status.PENDING else cls(f"order.{status}")


@dataclass(frozen=True)
class Product:
    """What an order takes over from the catalogue about a product, the price in cents of a euro."""

    id: UUID
    sku: str
    name: str
    price_cents: int


@dataclass(frozen=True)
class Wanted:
    """Some pieces of one product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Draft:
    """What a customer asks for; no product twice."""

    customer: str
    items: Sequence[Wanted]


@dataclass(frozen=True)
class Item:
    """One line of an order, with name and price as they were when it was placed."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True)
class Order:
    """An order; *version* is 1 at first and grows by one with each change of *status*."""

    id: UUID
    customer: str
    status: Status
    reason: str | None
    items: Sequence[Item]
    total_cents: int
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def placed(
        cls, draft: Draft, products: Mapping[UUID, Product], *, at: datetime, order_id: UUID | None = None
    ) -> Order:
        """Return the order that *draft* becomes at the prices of *products*; raises UnknownProducts.

        It gets a random id unless *order_id* names one.
        """
        if unknown := tuple(item.product_id for item in draft.items if item.product_id not in products):
            raise UnknownProducts(unknown)
        items = tuple(_item(wanted, products[wanted.product_id]) for wanted in draft.items)
        return cls(
            id=order_id or uuid.uuid4(),
            customer=draft.customer,
            status=Status.PENDING,
            reason=None,
            items=items,
            total_cents=sum(item.quantity * item.unit_price_cents for item in items),
            version=1,
            created_at=at,
            updated_at=at,
        )

    def moved(self, status: Status, *, at: datetime, reason: str | None = None) -> Order:
        """Return the order as it is once it has come to *status*; raises TransitionRefused."""
        if not self.status.leads_to(status):
            raise TransitionRefused(self.status, status)
        # Clocks of different machines differ; a history does not run backwards.
        return replace(
            self, status=status, reason=reason, version=self.version + 1, updated_at=max(at, self.updated_at)
        )

    @property
    def event(self) -> Event:
        """What is told about the change that made the order what it is."""
        data: dict[str, object] = {"customer": self.customer, "status": self.status, "reason": self.reason}
        if self.status is Status.PENDING:
            data["items"] = [{"product_id": str(item.product_id), "quantity": item.quantity} for item in self.items]
            data["total_cents"] = self.total_cents
        return Event(
            id=uuid.uuid4(),
            type=EventType.of(self.status),
            order_id=self.id,
            sequence=self.version,
            at=self.updated_at,
            data=data,
        )


def _item(wanted: Wanted, product: Product) -> Item:
    return Item(
        product_id=product.id,
        sku=product.sku,
        name=product.name,
        quantity=wanted.quantity,
        unit_price_cents=product.price_cents,
    )


@dataclass(frozen=True)
class Entry:
    """One line of an order's history; *sequence* is the version that the order got with it."""

    sequence: int
    status: Status
    reason: str | None
    at: datetime


@dataclass(frozen=True)
class Event:
    """That something became of an order; *id* tells a repetition from something new."""

    id: UUID
    type: EventType
    order_id: UUID
    sequence: int
    at: datetime
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Position:
    """A place in a list of orders, the newest first: that of the last one already seen."""

    at: datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """The position as text that is safe in an address and that callers pass back without looking inside."""
        packed = _microseconds(self.at).to_bytes(8, "big") + self.id.bytes
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def of_cursor(cls, cursor: str) -> Position:
        """Return the position that *cursor* stands for; raises InvalidCursor for text that no page gave out."""
        try:
            packed = base64.b64decode(cursor, altchars=b"-_", validate=True)
            position = cls(
                at=datetime.fromtimestamp(0, UTC) + _MICROSECOND * int.from_bytes(packed[:8], "big"),
                id=UUID(bytes=packed[8:]),
            )
        except (binascii.Error, ValueError, OverflowError):
            raise InvalidCursor from None
        if position.cursor != cursor:
            raise InvalidCursor
        return position


_MICROSECOND: Final = datetime.resolution


def _microseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // _MICROSECOND


@dataclass(frozen=True)
class Page:
    """A part of a list and, unless it is the last, the position after which the next part begins."""

    items: Sequence[Order]
    following: Position | None


class InvalidCursor(Exception):
    """The cursor is not one that a page gave out."""


@dataclass(eq=False)
class NotFound(Exception):
    """There is no order with that id."""

    id: UUID


@dataclass(eq=False)
class VersionConflict(Exception):
    """The order has changed since the caller read it; *current* is the version it has now."""

    current: int


@dataclass(eq=False)
class TransitionRefused(Exception):
    """An order that stands at *current* does not go to *asked*."""

    current: Status
    asked: Status


@dataclass(eq=False)
class UnknownProducts(Exception):
    """The catalogue has no such products."""

    ids: Sequence[UUID]


class KeyReused(Exception):
    """The idempotency key belongs to another request."""


class KeyInFlight(Exception):
    """The first request with the idempotency key has not been answered yet."""


class CatalogUnavailable(Exception):
    """The catalogue gave no answer that can be used."""
