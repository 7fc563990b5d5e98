"""A shop that keeps its promises, as records: what tests plant a fault in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.load.daybook import Act, Daybook, Move, Moved, Placement, Told
from seatrial.load.ledger import Books, Seen, Stock, reckon
from seatrial.load.orders import EVENTS, HOLDS_STOCK, Event, Item, Line, Order, Reservation, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seatrial.load.ledger import Reckoning

PRICES = {"anchor": 900, "buoy": 250, "cleat": 75}
PLENTY = 1_000_000
LIVES = (
    ("pending", "confirmed"),
    ("pending", "cancelled"),
    ("pending", "confirmed", "cancelled"),
    ("pending", "confirmed", "shipped"),
    ("pending", "confirmed", "shipped", "delivered"),
)


@dataclass(frozen=True)
class Fate:
    """What one customer wants, and what becomes of it; *life* empty: the customer never heard, and nothing came of it.

    *failures* are tries that brought nothing before the answer came; *answered* False is a customer who never heard,
    though the order is there; *refused* one who was told no.
    """

    items: tuple[Item, ...]
    life: tuple[str, ...]
    failures: int = 0
    answered: bool = True
    refused: bool = False
    repeats: bool = False
    reuses: bool = False


@dataclass(frozen=True)
class Records:
    """All that a reckoning is made of."""

    daybook: Daybook
    books: Books
    seen: Seen

    def reckoned(self) -> Reckoning:
        return reckon(self.daybook, self.books, self.seen)

    def with_books(self, **changes: object) -> Records:
        return replace(self, books=replace(self.books, **changes))  # type: ignore[arg-type] # the field's own type

    def with_events(self, *events: Event) -> Records:
        return replace(self, seen=replace(self.seen, events=events))

    def with_order(self, number: int, change: Callable[[Order], Order]) -> Records:
        orders = list(self.books.orders)
        orders[number] = change(orders[number])
        return self.with_books(orders=tuple(orders))

    def with_history(self, order: str, *steps: Step) -> Records:
        return self.with_books(histories={**self.books.histories, order: steps})

    def with_told(self, customer: str, *told: Told) -> Records:
        placement = replace(self.daybook.placements[customer], told=told)
        return replace(self, daybook=replace(self.daybook, placements={**self.daybook.placements, customer: placement}))


@dataclass
class Shop:
    """Serves customers one after the other."""

    placements: dict[str, Placement] = field(default_factory=dict)
    moves: list[Moved] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    histories: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    sold: Counter[str] = field(default_factory=Counter)

    def serve(self, number: int, fate: Fate) -> None:
        customer, order_id = f"run.{number}", f"order-{number}"
        items = tuple(sorted(fate.items))
        lines = tuple(Line(item, item.product.upper(), item.product.title(), PRICES[item.product]) for item in items)
        order = Order(order_id, customer, "pending", lines, sum(line.item.quantity * line.price for line in lines))
        self.placements[customer] = Placement(customer, items, tuple(self._told(f"key-{number}", order, fate)))
        if not fate.life or fate.refused:
            return
        self.orders.append(replace(order, status=fate.life[-1]))
        self.histories[order_id] = tuple(Step(place, status) for place, status in enumerate(fate.life, 1))
        self.events += (
            Event(f"event-{number}-{place}", EVENTS[status], order_id, place)
            for place, status in enumerate(fate.life, 1)
        )
        held = fate.life[-1] in HOLDS_STOCK
        if held or "confirmed" in fate.life:
            self.reservations[order_id] = Reservation(held, items)
        if held:
            self.sold.update({item.product: item.quantity for item in items})
        if fate.answered:
            self.moves += (Moved(order_id, move, 200) for move in Move if move.status in fate.life)

    def _told(self, key: str, order: Order, fate: Fate) -> Sequence[Told]:
        told = [Told(Act.PLACE, key, *why) for why in FAILURES[: fate.failures]]
        if fate.refused:
            return [*told, Told(Act.PLACE, key, 422, "unknown-product")]
        if not fate.answered or not fate.life:
            return [*told, Told(Act.PLACE, key, None, error="TimeoutError")]
        told.append(Told(Act.PLACE, key, 201, order=order, replayed=bool(told)))
        if fate.repeats:
            told.append(Told(Act.REPEAT, key, 201, order=order, replayed=True))
        if fate.reuses:
            told.append(Told(Act.REUSE, key, 422, "idempotency-key-reused"))
        return told

    def records(self) -> Records:
        before = dict.fromkeys(PRICES, PLENTY)
        after = {product: PLENTY - self.sold[product] for product in PRICES}
        return Records(
            Daybook(self.placements, tuple(self.moves), len(self.placements), Path("daybook.jsonl")),
            Books(
                tuple(self.orders),
                self.histories,
                self.reservations,
                Stock(before, after),
                {product: (price,) for product, price in PRICES.items()},
            ),
            Seen(tuple(self.events)),
        )


FAILURES: Sequence[tuple[int | None, str]] = (
    (None, ""),
    (503, "database-unavailable"),
    (409, "idempotency-key-in-flight"),
    (429, "too-many-requests"),
)


def served(fates: Sequence[Fate]) -> Records:
    shop = Shop()
    for number, fate in enumerate(fates):
        shop.serve(number, fate)
    return shop.records()
