"""What an order is to those who place it: what was wished, what is shown, how it may move, what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube.document import Document

PENDING = "pending"
CANCELLED = "cancelled"
FOLLOWS: Mapping[str, frozenset[str]] = {
    "": frozenset({PENDING}),
    PENDING: frozenset({"confirmed", CANCELLED}),
    "confirmed": frozenset({"shipped", CANCELLED}),
    "shipped": frozenset({"delivered"}),
}
"""Which status may follow which; the empty one is that of an order not yet placed."""
HOLDS_STOCK = frozenset({"confirmed", "shipped", "delivered"})
EVENTS: Mapping[str, str] = {
    PENDING: "order.placed",
    **{status: f"order.{status}" for status in ("confirmed", "shipped", "delivered", CANCELLED)},
}
"""The type of the event that tells of a status."""


@dataclass(frozen=True, order=True)
class Item:
    """So many of one product."""

    product: str
    quantity: int

    @classmethod
    def read(cls, document: Document) -> Item:
        """Read it from JSON."""
        return cls(document.text("product_id"), document.number("quantity"))

    def body(self) -> Mapping[str, object]:
        """Return it as the services take it."""
        return {"product_id": self.product, "quantity": self.quantity}


@dataclass(frozen=True, order=True)
class Line:
    """An item as an order shows it, with what the product was called and cost (in cents) when it was ordered."""

    item: Item
    sku: str
    name: str
    price: int

    @classmethod
    def read(cls, document: Document) -> Line:
        """Read it from JSON."""
        return cls(
            Item.read(document), document.text("sku"), document.text("name"), document.number("unit_price_cents")
        )


@dataclass(frozen=True)
class Order:
    """An order as the service shows it; *lines* are in the order of their products, *total* is in cents."""

    id: str
    customer: str
    status: str
    lines: tuple[Line, ...]
    total: int

    @classmethod
    def read(cls, document: Document) -> Order:
        """Read it from JSON."""
        return cls(
            id=document.text("id"),
            customer=document.text("customer"),
            status=document.text("status"),
            lines=tuple(sorted(map(Line.read, document.documents("items")))),
            total=document.number("total_cents"),
        )

    @property
    def items(self) -> tuple[Item, ...]:
        """What was ordered, without names and prices."""
        return tuple(line.item for line in self.lines)

    @property
    def sum(self) -> int:
        """What its lines add up to."""
        return sum(line.item.quantity * line.price for line in self.lines)


@dataclass(frozen=True)
class Step:
    """One entry of an order's history."""

    sequence: int
    status: str

    @classmethod
    def read(cls, document: Document) -> Step:
        """Read it from JSON."""
        return cls(document.number("sequence"), document.text("status"))


@dataclass(frozen=True)
class Event:
    """What a subscriber was told: one step of one order; the same *id* says the same thing again."""

    id: str
    type: str
    order: str
    sequence: int


@dataclass(frozen=True)
class Reservation:
    """Stock that the catalogue has taken for an order, or has given back."""

    held: bool
    items: tuple[Item, ...]

    @classmethod
    def read(cls, document: Document) -> Reservation:
        """Read it from JSON."""
        return cls(document.text("state") == "held", tuple(sorted(map(Item.read, document.documents("items")))))
