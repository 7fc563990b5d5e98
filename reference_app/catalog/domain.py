"""The words of the catalogue: products, categories, versions and pages. Knows no web framework and no database."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Item = TypeVar("Item")
_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class CategoryDraft:
    """What a person decides about a category; *slug* is its name in addresses and unique."""

    slug: str
    name: str
    description: str


@dataclass(frozen=True)
class Category(CategoryDraft):
    """A category as it is stored; *version* is 1 at first and grows by one with each change."""

    id: UUID
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class ProductDraft:
    """What a person decides about a product; *sku* is unique, the price is in cents of a euro, *stock* in pieces."""

    sku: str
    name: str
    description: str
    category_id: UUID
    price_cents: int
    stock: int


@dataclass(frozen=True)
class Product(ProductDraft):
    """A product as it is stored; *version* is 1 at first and grows by one with each change."""

    id: UUID
    version: int
    updated_at: datetime


class ReservationState(StrEnum):
    """Whether a reservation holds stock, or has given it back for good."""

    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True)
class Reservation:
    """How many pieces of which product are set aside under one id.

    One that was released before it was made has no items; it stands so that it cannot be made any more.
    """

    id: UUID
    state: ReservationState
    items: Mapping[UUID, int]


@dataclass(frozen=True)
class Shortage:
    """A product of which more pieces were asked for than there are."""

    product_id: UUID
    asked: int
    left: int


def shortages(asked: Mapping[UUID, int], stock: Mapping[UUID, int]) -> tuple[Shortage, ...]:
    """Return what *stock* has too little of.

    Raises UnknownProducts for products that *stock* does not know at all.
    """
    if unknown := tuple(product_id for product_id in asked if product_id not in stock):
        raise UnknownProducts(unknown)
    return tuple(
        Shortage(product_id, quantity, stock[product_id])
        for product_id, quantity in asked.items()
        if quantity > stock[product_id]
    )


@dataclass(frozen=True)
class Position:
    """A place in a list sorted by name and id: that of the last item already seen."""

    name: str
    id: UUID

    @property
    def cursor(self) -> str:
        """The position as text that is safe in an address and that callers pass back without looking inside."""
        return base64.urlsafe_b64encode(json.dumps([self.name, str(self.id)]).encode()).decode().rstrip("=")

    @classmethod
    def of_cursor(cls, cursor: str) -> Position:
        """Return the position that *cursor* stands for.

        Raises InvalidCursor for text that no page gave out.
        """
        try:
            name, identity = json.loads(
                base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            )
            position = cls(name=name, id=UUID(identity))
        except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
            raise InvalidCursor from None
        if position.cursor != cursor or not isinstance(name, str) or "\0" in name or not _encodable(name):
            raise InvalidCursor
        return position


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list and, unless it is the last, the position after which the next part begins."""

    items: Sequence[Item]
    following: Position | None


@dataclass(frozen=True)
class Expectation:
    """Which versions a caller is ready to overwrite (RFC 9110, section 13.1.1); ``None`` stands for any."""

    versions: frozenset[int] | None

    @classmethod
    def of_if_match(cls, value: str) -> Expectation:
        """Read an ``If-Match`` value.

        Weak tags and tags that this service never gave out match no version. Raises ValueError if *value* is neither
        ``*`` nor a list of entity tags.
        """
        if value.strip() == "*":
            return cls(None)
        return cls(frozenset(int(tag) for tag in _strong_tags(value) if _VERSION.fullmatch(tag)))

    def admits(self, version: int) -> bool:
        """Whether the caller is ready to overwrite *version*."""
        return self.versions is None or version in self.versions


def entity_tag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def tag_listed(value: str, tag: str) -> bool:
    """Whether an ``If-None-Match`` value names *tag*, by weak comparison (RFC 9110, section 13.1.2)."""
    return value.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in value.split(","))


def _strong_tags(value: str) -> list[str]:
    tags = [_ENTITY_TAG.fullmatch(part.strip()) for part in value.split(",")]
    if not all(tags):
        msg = "not a list of entity tags"
        raise ValueError(msg)
    return [tag["opaque"] for tag in tags if tag is not None and not tag["weak"]]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class InvalidCursor(Exception):
    """The cursor is not one that a page gave out."""


@dataclass(eq=False)
class NotFound(Exception):
    """There is no *noun* with that id."""

    noun: str
    id: UUID


@dataclass(eq=False)
class VersionConflict(Exception):
    """The thing has changed since the caller read it; *current* is the version it has now."""

    noun: str
    current: int


@dataclass(eq=False)
class AlreadyTaken(Exception):
    """Another *noun* has that value in the field, which must be unique."""

    noun: str
    field: str


class CategoryInUse(Exception):
    """The category still has products."""


class UnknownCategory(Exception):
    """The product names a category that does not exist."""


@dataclass(eq=False)
class UnknownProducts(Exception):
    """There are no such products."""

    ids: Sequence[UUID]


@dataclass(eq=False)
class InsufficientStock(Exception):
    """There are fewer pieces than asked for."""

    shortages: Sequence[Shortage]


class ReservationConflict(Exception):
    """The reservation exists and holds other items."""


class ReservationReleased(Exception):
    """The reservation was released and cannot be made again."""
