"""What goes over the wire: the bodies that the order service accepts and gives out."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reference_app.orders.domain import Draft, Entry, Order, Page, Status, Wanted

Customer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", min_length=1, max_length=64)]


class WantedItem(BaseModel):
    """Some pieces of one product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)]


def _distinct(items: list[WantedItem]) -> list[WantedItem]:
    if len({item.product_id for item in items}) < len(items):
        msg = "names a product more than once"
        raise ValueError(msg)
    return items


class OrderBody(BaseModel):
    """An order to place; each product once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: Customer
    items: Annotated[list[WantedItem], Field(min_length=1, max_length=50), AfterValidator(_distinct)]

    def draft(self) -> Draft:
        """Return it in the domain's words."""
        return Draft(self.customer, tuple(Wanted(item.product_id, item.quantity) for item in self.items))

    @property
    def fingerprint(self) -> str:
        """What two requests have in common exactly if they ask for the same, however they spell it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class ItemShown(_Shown):
    """One line of an order as callers see it."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_cents: int


class OrderShown(_Shown):
    """An order as callers see it; *reason* says why it was cancelled."""

    id: UUID
    customer: str
    status: Status
    reason: str | None
    items: list[ItemShown]
    total_cents: int
    version: int
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def text(order: Order) -> str:
        """Show *order* as JSON, without a detour over the fields here, which are its own."""
        return orjson.dumps(order, option=orjson.OPT_UTC_Z).decode()


class PageShown(BaseModel):
    """A part of a list; *next_cursor* asks for the part that follows and is absent (null) on the last."""

    items: list[OrderShown]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page) -> PageShown:
        """Show *page*."""
        return cls(
            items=[OrderShown.model_validate(item) for item in page.items],
            next_cursor=page.following.cursor if page.following else None,
        )


class EntryShown(_Shown):
    """One line of an order's history as callers see it."""

    sequence: int
    status: Status
    reason: str | None
    at: datetime

    @classmethod
    def text(cls, entry: Entry) -> str:
        """Show *entry* as JSON."""
        return cls.model_validate(entry).model_dump_json()


class HistoryShown(BaseModel):
    """What became of an order, the oldest first."""

    items: list[EntryShown]
