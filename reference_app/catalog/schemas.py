"""What goes over the wire: the bodies that the catalogue accepts and gives out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reference_app.catalog.domain import CategoryDraft, ProductDraft, Reservation, ReservationState

# Printable text and, in descriptions, tabs and line breaks; PostgreSQL refuses NUL, and nobody needs the others.
_LINE = r"^[^\x00-\x1f\x7f]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", max_length=32)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_LINE)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=_LINES)]
SearchText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)]

Shown = TypeVar("Shown", bound=BaseModel)


class _Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class CategoryBody(_Accepted):
    """A category to create, or to put in the place of another."""

    slug: Slug
    name: Name
    description: Description = ""

    def draft(self) -> CategoryDraft:
        """Return it in the domain's words."""
        return CategoryDraft(slug=self.slug, name=self.name, description=self.description)


class ProductBody(_Accepted):
    """A product to create, or to put in the place of another."""

    sku: Sku
    name: Name
    description: Description = ""
    category_id: UUID
    price_cents: Annotated[int, Field(ge=0, le=100_000_000)]
    stock: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    def draft(self) -> ProductDraft:
        """Return it in the domain's words."""
        return ProductDraft(
            sku=self.sku,
            name=self.name,
            description=self.description,
            category_id=self.category_id,
            price_cents=self.price_cents,
            stock=self.stock,
        )


class ReservedItem(BaseModel):
    """Some pieces of one product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)]


def _distinct(items: list[ReservedItem]) -> list[ReservedItem]:
    if len({item.product_id for item in items}) < len(items):
        msg = "names a product more than once"
        raise ValueError(msg)
    return items


class ReservationBody(_Accepted):
    """What to set aside; each product once."""

    items: Annotated[list[ReservedItem], Field(min_length=1, max_length=50), AfterValidator(_distinct)]

    def quantities(self) -> dict[UUID, int]:
        """Return how many pieces of which product."""
        return {item.product_id: item.quantity for item in self.items}


class CategoryShown(_Shown):
    """A category as callers see it."""

    id: UUID
    slug: str
    name: str
    description: str
    version: int
    updated_at: datetime


class ProductShown(_Shown):
    """A product as callers see it."""

    id: UUID
    sku: str
    name: str
    description: str
    category_id: UUID
    price_cents: int
    stock: int
    version: int
    updated_at: datetime


class ReservationShown(BaseModel):
    """A reservation as callers see it."""

    id: UUID
    state: ReservationState
    items: list[ReservedItem]

    @classmethod
    def of(cls, reservation: Reservation) -> ReservationShown:
        """Show *reservation*, its items in the order of their ids."""
        items = [
            ReservedItem(product_id=product_id, quantity=quantity)
            for product_id, quantity in sorted(reservation.items.items())
        ]
        return cls(id=reservation.id, state=reservation.state, items=items)


class PageShown(BaseModel, Generic[Shown]):
    """A part of a list; *next_cursor* asks for the part that follows and is absent (null) on the last."""

    items: list[Shown]
    next_cursor: str | None
