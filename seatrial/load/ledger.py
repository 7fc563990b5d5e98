"""The ledger: what customers were told, held against what the service shows once all is quiet.

Pure functions of records. Nothing here knows how the service works; it knows what was promised: an acknowledged order
is there, once, as it was acknowledged; nothing is there that nobody ordered; each step of an order is a legal one, and
is told of once; stock is taken for what is sold and for nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.load.daybook import REUSED, Act, Outcome
from seatrial.load.orders import EVENTS, FOLLOWS, HOLDS_STOCK, PENDING
from seatrial.verdict import Inconclusive, Missing
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from seatrial.load.daybook import Daybook, Placement
    from seatrial.load.orders import Event, Order, Reservation, Step

_SHOWN_OF_EACH = 5


class Wrong(StrEnum):
    """What can be wrong; each finding is of one kind."""

    LOST = "lost"
    DOUBLED = "doubled"
    PHANTOM = "phantom"
    ALTERED = "altered"
    UNDONE = "undone"
    UNFAITHFUL = "unfaithful replay"
    HISTORY = "wrong history"
    UNSETTLED = "unsettled"
    EVENT_MISSING = "missing event"
    EVENT_DOUBLED = "doubled event"
    EVENT_PHANTOM = "phantom event"
    EVENT_DISORDERED = "event out of order"
    STOCK = "wrong stock"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong; *about* is the order's id or, where there is none, its customer or the product."""

    wrong: Wrong
    about: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.about} {self.sentence}"


@dataclass(frozen=True)
class Unknown:
    """An order whose customer was never told; *became* is what there is of it."""

    customer: str
    keys: tuple[str, ...]
    last_words: str
    became: str

    def __str__(self) -> str:
        return f"{self.customer} (key {', '.join(self.keys) or 'none'}): {self.last_words}; {self.became}"


@dataclass(frozen=True)
class Stock:
    """How much there was of each product before the first order and after the last."""

    before: Mapping[str, int]
    after: Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """What a subscriber was told, in the order in which it heard.

    *complete* says that the carrier kept its memory all the while, so that each step must be among the events;
    *ordered* that it was promised the steps of one order in their order.
    """

    events: Sequence[Event]
    complete: bool = True
    ordered: bool = True


@dataclass(frozen=True)
class Books:
    """What the service shows of one run's orders, and the catalogue of the stock behind them.

    *histories* are by order. *reservations* are by order too, without those that the catalogue does not know; None when
    nobody could look. *prices* are all that a product cost in the meantime, in cents; None when that is not known.
    """

    orders: tuple[Order, ...]
    histories: Mapping[str, tuple[Step, ...]]
    reservations: Mapping[str, Reservation] | None = None
    stock: Stock | None = None
    prices: Mapping[str, Collection[int]] | None = None


@dataclass(frozen=True)
class Reckoning:
    """What came out: how much there was to look at, what is wrong, and which customers never heard."""

    acknowledged: int
    refused: int
    moves: int
    orders: int
    events: int
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]

    def of(self, wrong: Wrong) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.wrong is wrong)

    @property
    def kinds(self) -> frozenset[Wrong]:
        """What kinds of things are wrong."""
        return frozenset(finding.wrong for finding in self.findings)

    @property
    def sound(self) -> bool:
        """Whether orders were acknowledged, and nothing at all is wrong."""
        return self.acknowledged > 0 and not self.findings

    def required(self, acknowledged: int = 1) -> Reckoning:
        """Return itself when it is sound and *acknowledged* orders bear it out, and tell of it.

        Raises AssertionError for what is wrong, else Inconclusive when fewer orders were acknowledged.
        """
        tell_document("reckoning of the orders", str(self))
        if self.findings:
            raise AssertionError(str(self))
        if self.acknowledged < max(acknowledged, 1):
            raise Inconclusive(
                f"{self.acknowledged} orders were acknowledged, {max(acknowledged, 1)} are needed to judge",
                Missing.SAMPLES if self.acknowledged else Missing.SAMPLE,
            )
        return self

    def __str__(self) -> str:
        counts = Counter(finding.wrong for finding in self.findings)
        told = f"{self.acknowledged} orders acknowledged, {self.refused} refused, {len(self.unknown)} unknown"
        there = f"{self.orders} shown, {self.moves} moves acknowledged, {self.events} events seen"
        lines = [f"{told}; {there}", ", ".join(f"{wrong} {counts[wrong]}" for wrong in Wrong)]
        for wrong in counts:
            found = self.of(wrong)
            lines += [f"{wrong}: {finding}" for finding in found[:_SHOWN_OF_EACH]]
            if len(found) > _SHOWN_OF_EACH:
                lines.append(f"{wrong}: and {len(found) - _SHOWN_OF_EACH} more")
        return "\n".join([*lines, *(f"unknown: {one}" for one in self.unknown)])


def reckon(daybook: Daybook, books: Books, seen: Seen | None = None) -> Reckoning:
    """Hold what customers were told against what is there, and against what a subscriber *seen* was told."""
    ledger = _Ledger(daybook, books, seen)
    return Reckoning(
        acknowledged=len(daybook.outcomes(Outcome.ACKNOWLEDGED)),
        refused=len(daybook.outcomes(Outcome.REFUSED)),
        moves=sum(moved.acknowledged for moved in daybook.moves),
        orders=len(ledger.orders),
        events=len({event.id for event in seen.events}) if seen else 0,
        unknown=tuple(map(ledger.unknown, daybook.outcomes(Outcome.UNKNOWN))),
        findings=tuple(ledger.findings()),
    )


class _Ledger:
    """The records, indexed."""

    def __init__(self, daybook: Daybook, books: Books, seen: Seen | None) -> None:
        self.daybook = daybook
        self.books = books
        self.seen = seen
        self.orders = {order.id: order for order in books.orders}
        self.by_customer: dict[str, list[Order]] = defaultdict(list)
        for order in self.orders.values():
            self.by_customer[order.customer].append(order)

    def findings(self) -> Iterator[Finding]:
        """Find all that is wrong."""
        yield from self._shown_twice()
        for placement in self.daybook.placements.values():
            yield from self._of_placement(placement)
        for order in self.orders.values():
            yield from self._of_order(order)
        yield from self._of_moves()
        if self.seen is not None:
            yield from self._of_events(self.seen)
        if self.books.reservations is not None:
            yield from self._of_reservations(self.books.reservations)
        if self.books.stock is not None:
            yield from self._of_stock(self.books.stock)

    def unknown(self, placement: Placement) -> Unknown:
        """Say what became of an order whose customer was never told."""
        there = self.by_customer.get(placement.customer, [])
        became = ", ".join(f"order {order.id} is {order.status}" for order in there) or "there is no order"
        keys = tuple(dict.fromkeys(one.key for one in placement.told))
        return Unknown(placement.customer, keys, placement.last_words, became)

    def _shown_twice(self) -> Iterator[Finding]:
        for order, times in Counter(order.id for order in self.books.orders).items():
            if times > 1:
                yield Finding(Wrong.DOUBLED, order, f"is listed {times} times")

    def _of_placement(self, placement: Placement) -> Iterator[Finding]:
        there = self.by_customer.get(placement.customer, [])
        ids = dict.fromkeys(order.id for order in there)
        ids.update(dict.fromkeys(one.order.id for one in placement.acknowledgements if one.order is not None))
        if len(ids) > 1:
            yield Finding(Wrong.DOUBLED, placement.customer, f"placed one order and has {len(ids)}: {', '.join(ids)}")
        match placement.outcome:
            case Outcome.ACKNOWLEDGED:
                yield from self._acknowledged(placement)
            case Outcome.REFUSED if there:
                yield Finding(Wrong.PHANTOM, there[0].id, f"is there, though refused: {placement.last_words}")
        yield from _replays(placement)

    def _acknowledged(self, placement: Placement) -> Iterator[Finding]:
        told = placement.order
        if told is None:
            if placement.customer not in self.by_customer:
                yield Finding(Wrong.LOST, placement.customer, "has an acknowledgement without an order, and no order")
            return
        if told.customer != placement.customer or told.items != placement.items:
            yield Finding(Wrong.ALTERED, told.id, f"was acknowledged to {placement.customer} as something else")
        kept = self.orders.get(told.id)
        if kept is None:
            yield Finding(Wrong.LOST, told.id, f"was acknowledged to {placement.customer} and is not there")
        elif (kept.customer, kept.lines, kept.total) != (told.customer, told.lines, told.total):
            yield Finding(Wrong.ALTERED, told.id, f"was acknowledged as {_content(told)} and is {_content(kept)}")

    def _of_order(self, order: Order) -> Iterator[Finding]:
        placement = self.daybook.placements.get(order.customer)
        if placement is None:
            yield Finding(Wrong.PHANTOM, order.id, f"of {order.customer} was ordered by nobody")
        elif order.items != placement.items:
            yield Finding(Wrong.ALTERED, order.id, "has other items than were ordered")
        if order.total != order.sum:
            yield Finding(Wrong.ALTERED, order.id, f"has the total {order.total}, its lines add up to {order.sum}")
        yield from self._of_prices(order)
        if order.status == PENDING:
            yield Finding(Wrong.UNSETTLED, order.id, "is still pending")
        yield from _of_history(order, self.books.histories.get(order.id, ()))

    def _of_prices(self, order: Order) -> Iterator[Finding]:
        prices = self.books.prices
        for line in order.lines if prices is not None else ():
            if prices is not None and line.price not in prices.get(line.item.product, ()):
                yield Finding(Wrong.ALTERED, order.id, f"has {line.item.product} at {line.price}, which it never cost")

    def _of_moves(self) -> Iterator[Finding]:
        for moved in self.daybook.moves:
            history = self.books.histories.get(moved.order, ())
            if moved.acknowledged and all(step.status != moved.move.status for step in history):
                yield Finding(Wrong.UNDONE, moved.order, f"was acknowledged as {moved.move.status} and never was")

    def _of_events(self, seen: Seen) -> Iterator[Finding]:
        steps = {(order, step.sequence): step for order, entries in self.books.histories.items() for step in entries}
        first: dict[str, Event] = {}
        latest: dict[str, int] = {}
        tellers: dict[tuple[str, int], str] = {}
        for event in seen.events:
            if event.id in first:
                if first[event.id] != event:
                    yield Finding(Wrong.EVENT_PHANTOM, event.order, f"has two events with the id {event.id}")
                continue
            first[event.id] = event
            place = (event.order, event.sequence)
            step = steps.get(place)
            if step is None or EVENTS.get(step.status) != event.type:
                yield Finding(Wrong.EVENT_PHANTOM, event.order, f"never was {event.type} in step {event.sequence}")
            elif place in tellers:
                yield Finding(
                    Wrong.EVENT_DOUBLED, event.order, f"has two events of step {event.sequence}, {event.type}"
                )
            elif seen.ordered and event.sequence < latest.get(event.order, 0):
                yield Finding(Wrong.EVENT_DISORDERED, event.order, f"had step {event.sequence} told after a later one")
            tellers.setdefault(place, event.id)
            latest[event.order] = max(event.sequence, latest.get(event.order, 0))
        for (order, sequence), step in steps.items() if seen.complete else ():
            if (order, sequence) not in tellers:
                yield Finding(Wrong.EVENT_MISSING, order, f"is {step.status} in step {sequence}, and no event says so")

    def _of_reservations(self, reservations: Mapping[str, Reservation]) -> Iterator[Finding]:
        for order in self.orders.values():
            reservation = reservations.get(order.id)
            held = reservation is not None and reservation.held
            if held != (order.status in HOLDS_STOCK) and order.status != PENDING:
                yield Finding(Wrong.STOCK, order.id, f"is {order.status}, its stock is {'' if held else 'not '}held")
            elif reservation is not None and held and reservation.items != order.items:
                yield Finding(Wrong.STOCK, order.id, "holds stock of other items than it has")

    def _of_stock(self, stock: Stock) -> Iterator[Finding]:
        held = _held(self.orders.values())
        for product in sorted({*stock.before, *stock.after, *held}):
            expected = stock.before.get(product, 0) - held[product]
            if stock.after.get(product, 0) != expected:
                yield Finding(
                    Wrong.STOCK,
                    product,
                    f"had {stock.before.get(product, 0)}, orders hold {held[product]}, and"
                    f" {stock.after.get(product, 0)} are left instead of {expected}",
                )


def _held(orders: Collection[Order]) -> Counter[str]:
    held: Counter[str] = Counter()
    for order in orders:
        if order.status in HOLDS_STOCK:
            for item in order.items:
                held[item.product] += item.quantity
    return held


def _replays(placement: Placement) -> Iterator[Finding]:
    first, *later = placement.acknowledgements or (None,)
    for one in later:
        if first is not None and one.key == first.key and one.order != first.order:
            yield Finding(Wrong.UNFAITHFUL, placement.customer, "was told something else under the same key")
    for one in placement.told:
        if one.act is Act.REPEAT and one.final and one.status != (first.status if first else None):
            yield Finding(Wrong.UNFAITHFUL, placement.customer, f"was told {one.status} {one.kind} when asking again")
        elif one.act is Act.REPEAT and one.final and not one.replayed:
            yield Finding(Wrong.UNFAITHFUL, placement.customer, "asked again, and the answer was no replay")
        elif one.act is Act.REUSE and one.final and one.kind != REUSED:
            yield Finding(
                Wrong.UNFAITHFUL, placement.customer, f"was told {one.status} {one.kind} for another body".rstrip()
            )


def _of_history(order: Order, history: tuple[Step, ...]) -> Iterator[Finding]:
    statuses = [step.status for step in history]
    if [step.sequence for step in history] != list(range(1, len(history) + 1)):
        numbers = ", ".join(str(step.sequence) for step in history)
        yield Finding(Wrong.HISTORY, order.id, f"has a history with the numbers {numbers}")
    for before, after in zip(["", *statuses], statuses, strict=False):
        if after not in FOLLOWS.get(before, frozenset()):
            yield Finding(Wrong.HISTORY, order.id, f"became {after} when it was {before or 'nothing yet'}")
    if not statuses or statuses[-1] != order.status:
        yield Finding(
            Wrong.HISTORY, order.id, f"is {order.status}, its history says {', '.join(statuses) or 'nothing'}"
        )


def _content(order: Order) -> str:
    lines = ", ".join(f"{line.item.quantity} {line.sku} at {line.price}" for line in order.lines)
    return f"{lines} for {order.customer}, {order.total} in all"
