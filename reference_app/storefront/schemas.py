"""What the gateway says, as far as pages show it; what else it says is ignored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Shown = TypeVar("Shown", bound=BaseModel)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True)


class PageOf(_Said, Generic[Shown]):
    """A part of a list; *next_cursor* asks for the part that follows."""

    items: list[Shown]
    next_cursor: str | None = None


class Category(_Said):
    """A category of the catalogue."""

    id: UUID
    slug: str
    name: str
    description: str = ""


class Product(_Said):
    """A product of the catalogue; the price is in cents of a euro."""

    id: UUID
    sku: str
    name: str
    description: str
    category_id: UUID
    price_cents: int
    stock: int


class Line(_Said):
    """So many of one product."""

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)]


class Session(_Said):
    """Who the visitor is, as far as anybody knows, and what is in the cart."""

    customer: str
    cart: list[Line]


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class OrderLine(_Said):
    """What was ordered, at the price of that moment."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_cents: int


class Order(_Said):
    """An order."""

    id: UUID
    customer: str
    status: Status
    reason: str | None = None
    items: list[OrderLine]
    total_cents: int
    created_at: AwareDatetime


class Step(_Said):
    """One entry of an order's history."""

    sequence: int
    status: Status
    reason: str | None = None
    at: AwareDatetime


class Upload(_Said):
    """A file that the visitor has put in."""

    id: str
    name: str
    size: int
    content_type: str
    uploaded_at: AwareDatetime


class Link(_Said):
    """A link to a file that works without a session until it expires."""

    url: str
    expires_at: datetime


class Peer(_Said):
    """How one service behind the gateway does."""

    status: str
    breaker: str | None = None
    latency_ms: float | None = None


class HealthReport(_Said):
    """What the gateway says about the services behind it."""

    status: Literal["ok", "degraded"]
    peers: dict[str, Peer]


class ProblemSaid(_Said):
    """Problem details, RFC 9457."""

    type: str = "about:blank"
    detail: str = ""

    @property
    def kind(self) -> str:
        """The last part of the type: ``insufficient-stock``."""
        return self.type.rpartition(":")[2]
