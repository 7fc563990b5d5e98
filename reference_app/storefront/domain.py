"""The words of the storefront: cart, money, forms, trends. Knows no web framework and no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

from reference_app.storefront.schemas import Line, Order, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

MOST_LINES = 50
MOST_OF_ONE = 1000
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST_SEARCH = 200
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
_KIBIBYTE = 1024
_BADGE = 99


class Unusable(Exception):
    """What a form says cannot be done; the text of the exception tells the person why."""


@dataclass(frozen=True)
class Cart:
    """What a visitor wants to buy: at most `MOST_LINES` different products, at most `MOST_OF_ONE` of each."""

    lines: tuple[Line, ...] = ()

    @property
    def pieces(self) -> int:
        """How many things are in it."""
        return sum(line.quantity for line in self.lines)

    @property
    def badge(self) -> str:
        """How many things are in it, short enough for a badge."""
        return str(self.pieces) if self.pieces <= _BADGE else f"{_BADGE}+"

    def with_more(self, product_id: UUID, quantity: int) -> Cart:
        """Return it with *quantity* more of a product; raises Unusable where that would be too much."""
        held = next((line.quantity for line in self.lines if line.product_id == product_id), 0)
        return self.with_exactly(product_id, held + quantity)

    def with_exactly(self, product_id: UUID, quantity: int) -> Cart:
        """Return it with *quantity* of a product, in the place where it was; 0 takes the product out.

        Raises Unusable where that would be too much.
        """
        if quantity == 0:
            return Cart(tuple(line for line in self.lines if line.product_id != product_id))
        if not 1 <= quantity <= MOST_OF_ONE:
            raise Unusable(f"One order can hold 1 to {MOST_OF_ONE} of one product.")
        line = Line(product_id=product_id, quantity=quantity)
        if any(old.product_id == product_id for old in self.lines):
            return Cart(tuple(line if old.product_id == product_id else old for old in self.lines))
        if len(self.lines) >= MOST_LINES:
            raise Unusable(f"The cart can hold {MOST_LINES} different products; check out first, or take one out.")
        return Cart((*self.lines, line))

    def without(self, ordered: Cart) -> Cart:
        """Return what is left once *ordered* was ordered; a line that was changed since stays."""
        return Cart(tuple(line for line in self.lines if line not in ordered.lines))


@dataclass(frozen=True)
class Submission:
    """What one press of the order button means: these things, once, however often it arrives.

    The form carries both, so that a repeated submit asks for the same order even if the cart has changed meanwhile.
    """

    key: str
    cart: Cart

    @classmethod
    def of_form(cls, key: str, items: Sequence[str]) -> Submission:
        """Read the fields of the form; *items* are texts like ``<product>:<quantity>``. Raises Unusable."""
        if not _KEY.fullmatch(key) or not items:
            raise Unusable("This order form is incomplete; go back to the cart and try again.")
        cart = Cart()
        for item in items:
            product, _, quantity = item.partition(":")
            cart = cart.with_more(product_named(product), whole_number(quantity))
        return cls(key=key, cart=cart)

    @property
    def items(self) -> list[str]:
        """The texts that `of_form` reads."""
        return [f"{line.product_id}:{line.quantity}" for line in self.cart.lines]


def product_named(text: str) -> UUID:
    """Return the id that a form names; raises Unusable."""
    try:
        return UUID(text)
    except ValueError:
        raise Unusable("The form does not name a product; go back and try again.") from None


def whole_number(text: str) -> int:
    """Return the quantity that a person typed; raises Unusable."""
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > len(str(MOST_OF_ONE)):
        raise Unusable(f"Give the quantity as a whole number from 1 to {MOST_OF_ONE}.")
    return int(typed)


def search_text(typed: str) -> str:
    """Return what was typed into the search box, as the catalogue accepts it."""
    return _NOT_SHOWN.sub(" ", typed).strip()[:_LONGEST_SEARCH].strip()


def slug(text: str) -> str | None:
    """Return *text* if it can name a category."""
    return text if len(text) <= _LONGEST_SEARCH and _SLUG.fullmatch(text) else None


def euros(cents: int) -> str:
    """Return an amount of money as people write it: ``€1,234.50``."""
    return f"€{cents // 100:,}.{cents % 100:02}"


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < _KIBIBYTE:
        return f"{count} bytes" if count != 1 else "1 byte"
    amount = count / _KIBIBYTE
    for unit in ("KiB", "MiB", "GiB"):
        if amount < _KIBIBYTE:
            return f"{amount:.1f} {unit}"
        amount /= _KIBIBYTE
    return f"{amount:.1f} TiB"


def moment(when: datetime) -> str:
    """Return a moment as people write it: ``4 May 2031, 03:02 UTC``."""
    return f"{when.day} {when:%b %Y, %H:%M} {when.tzname() or ''}".rstrip()


_WAY = (Status.PENDING, Status.CONFIRMED, Status.SHIPPED, Status.DELIVERED)
FINAL = frozenset({Status.DELIVERED, Status.CANCELLED})
CANCELLABLE = frozenset({Status.PENDING, Status.CONFIRMED})


@dataclass(frozen=True)
class Mark:
    """One station on an order's way: ``done``, ``current``, ``ahead`` or ``stopped``."""

    status: Status
    state: str


def way(order: Order, passed: Iterable[Status]) -> list[Mark]:
    """Return the stations of *order*, which has been through *passed*."""
    if order.status is Status.CANCELLED:
        behind = set(passed)
        return [*(Mark(one, "done") for one in _WAY if one in behind), Mark(Status.CANCELLED, "stopped")]
    here = _WAY.index(order.status)
    return [
        Mark(
            one, "done" if place < here or (place == here and one in FINAL) else "current" if place == here else "ahead"
        )
        for place, one in enumerate(_WAY)
    ]


@dataclass(frozen=True)
class Trend:
    """Recent latencies in milliseconds, oldest first; ``None`` where there was no answer."""

    values: tuple[float | None, ...]

    @property
    def highest(self) -> float | None:
        """The highest of them."""
        return max((value for value in self.values if value is not None), default=None)

    @property
    def latest(self) -> float | None:
        """The last of them, if there was an answer."""
        return self.values[-1] if self.values else None

    @property
    def unanswered(self) -> int:
        """How many times there was no answer."""
        return self.values.count(None)

    def lines(self, width: float, height: float, room: int) -> list[str]:
        """Return the ``points`` of polylines that draw it in a box, the latest at the right edge.

        *room* is how many values the box is wide. Where there was no answer the line is broken.
        """
        highest = self.highest or 1.0
        step = width / max(room - 1, 1)
        start = width - step * (len(self.values) - 1)
        placed = [
            None if value is None else f"{start + step * place:.1f},{height - (value / highest) * height:.1f}"
            for place, value in enumerate(self.values)
        ]
        return [
            " ".join(point for point in run if point is not None)
            for answered, run in groupby(placed, key=lambda point: point is not None)
            if answered
        ]

    def gaps(self, width: float, room: int) -> list[str]:
        """Return where in the box, from the left, there was no answer."""
        step = width / max(room - 1, 1)
        start = width - step * (len(self.values) - 1)
        return [f"{start + step * place:.1f}" for place, value in enumerate(self.values) if value is None]


def latency(milliseconds: float | None) -> str:
    """Return a latency as people say it."""
    if milliseconds is None:
        return "no answer"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"  # noqa: PLR2004 - two digits
