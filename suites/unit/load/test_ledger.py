from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.load.daybook import Act, Move, Moved, Told
from seatrial.load.ledger import Reckoning, Seen, Stock, Wrong, reckon
from seatrial.load.orders import Item, Order, Reservation, Step
from seatrial.verdict import Inconclusive
from seatrial.witness import listening
from suites.unit.load.honest import LIVES, PLENTY, PRICES, Fate, Records, served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from seatrial.truth import TruthLabel
    from seatrial.witness import Judged

ANCHOR = (Item("anchor", 2),)
BOTH = (Item("anchor", 1), Item("buoy", 3))
items = st.dictionaries(st.sampled_from(sorted(PRICES)), st.integers(1, 1000), min_size=1).map(
    lambda wish: tuple(Item(product, quantity) for product, quantity in wish.items())
)
fates = st.one_of(
    st.builds(
        Fate,
        items,
        st.sampled_from(LIVES),
        failures=st.integers(0, 4),
        answered=st.booleans(),
        repeats=st.booleans(),
        reuses=st.booleans(),
    ),
    st.builds(Fate, items, st.just(()), failures=st.integers(0, 4)),
    st.builds(Fate, items, st.just(()), refused=st.just(True)),  # noqa: FBT003 (a strategy's value)
)
# Whatever else there is, the first two customers have what each plant needs: a repeat, a reuse, a move.
FIRST = (
    Fate(ANCHOR, LIVES[4], failures=2, repeats=True, reuses=True),
    Fate(BOTH, LIVES[2]),
)


def _lost(records: Records) -> Records:
    return records.with_books(
        orders=records.books.orders[1:],
        histories={key: value for key, value in records.books.histories.items() if key != "order-0"},
        stock=None,
    ).with_events(*(event for event in records.seen.events if event.order != "order-0"))


def _doubled(records: Records) -> Records:
    twin = replace(records.books.orders[1], id="twin")
    history = records.books.histories["order-1"]
    events = (replace(event, id=f"twin-{event.id}", order="twin") for event in records.seen.events[4:7])
    return (records.with_books(orders=(*records.books.orders, twin)).with_history("twin", *history)).with_events(
        *records.seen.events, *events
    )


def _phantom(records: Records) -> Records:
    customers = dict(records.daybook.placements)
    del customers["run.1"]
    return replace(records, daybook=replace(records.daybook, placements=customers))


def _refused_and_there(records: Records) -> Records:
    return records.with_told("run.1", Told(Act.PLACE, "key-1", 422, "unknown-product"))


def _changed(**changes: object) -> Callable[[Records], Records]:
    return lambda records: records.with_order(0, lambda order: replace(order, **changes))  # type: ignore[arg-type] # the field's own type


def _new_price(records: Records) -> Records:
    def dearer(order: Order) -> Order:
        lines = tuple(replace(line, price=line.price + 1) for line in order.lines)
        return replace(order, lines=lines, total=sum(line.item.quantity * line.price for line in lines))

    return records.with_order(0, dearer)


def _price_of_another_time(records: Records) -> Records:
    return records.with_books(prices={**(records.books.prices or {}), "anchor": (901,)})


def _replay(**changes: object) -> Callable[[Records], Records]:
    def plant(records: Records) -> Records:
        told = records.daybook.placements["run.0"].told
        return records.with_told(
            "run.0",
            *(replace(one, **changes) if one.act is Act.REPEAT else one for one in told),  # type: ignore[arg-type] # the field's own type
        )

    return plant


def _other_body_on_retry(records: Records) -> Records:
    told = records.daybook.placements["run.1"].told
    assert told[0].order is not None
    return records.with_told("run.1", *told, replace(told[0], order=replace(told[0].order, status="confirmed")))


def _reuse(**changes: object) -> Callable[[Records], Records]:
    def plant(records: Records) -> Records:
        told = records.daybook.placements["run.0"].told
        return records.with_told(
            "run.0",
            *(replace(one, **changes) if one.act is Act.REUSE else one for one in told),  # type: ignore[arg-type] # the field's own type
        )

    return plant


def _history(*steps: tuple[int, str]) -> Callable[[Records], Records]:
    def plant(records: Records) -> Records:
        return replace(records.with_history("order-0", *(Step(*step) for step in steps)), seen=Seen((), complete=False))

    return plant


def _undone(records: Records) -> Records:
    moves = (*records.daybook.moves, Moved("order-0", Move.CANCEL, 200))
    return replace(records, daybook=replace(records.daybook, moves=moves))


def _without_event(records: Records) -> Records:
    return records.with_events(*records.seen.events[1:])


def _second_event(records: Records) -> Records:
    return records.with_events(*records.seen.events, replace(records.seen.events[0], id="another"))


def _event(**changes: object) -> Callable[[Records], Records]:
    return lambda records: records.with_events(
        *records.seen.events,
        replace(records.seen.events[0], **changes),  # type: ignore[arg-type] # the field's own type
    )


def _events_swapped(records: Records) -> Records:
    first, second, *others = records.seen.events
    return records.with_events(second, first, *others)


def _reservation(order: str, reservation: Reservation | None) -> Callable[[Records], Records]:
    def plant(records: Records) -> Records:
        others = {key: value for key, value in (records.books.reservations or {}).items() if key != order}
        return records.with_books(reservations=others if reservation is None else {**others, order: reservation})

    return plant


def _stock(product: str, change: int) -> Callable[[Records], Records]:
    def plant(records: Records) -> Records:
        stock = records.books.stock
        assert stock is not None
        after = {**stock.after, product: stock.after[product] + change}
        return records.with_books(stock=Stock(stock.before, after))

    return plant


PLANTS: dict[str, tuple[Callable[[Records], Records], set[Wrong]]] = {
    "acknowledged and not there": (_lost, {Wrong.LOST, Wrong.UNDONE}),
    "two orders for one wish": (_doubled, {Wrong.DOUBLED}),
    "listed twice": (
        lambda records: records.with_books(orders=(*records.books.orders, records.books.orders[0])),
        {Wrong.DOUBLED},
    ),
    "ordered by nobody": (_phantom, {Wrong.PHANTOM}),
    "refused and there": (_refused_and_there, {Wrong.PHANTOM}),
    "another's order": (_changed(customer="run.1"), {Wrong.ALTERED, Wrong.DOUBLED}),
    "another total": (_changed(total=1), {Wrong.ALTERED}),
    "another price later": (_new_price, {Wrong.ALTERED}),
    "a price that never was": (_price_of_another_time, {Wrong.ALTERED}),
    "a replay with another status": (_replay(status=422), {Wrong.UNFAITHFUL}),
    "a replay that is none": (_replay(replayed=False), {Wrong.UNFAITHFUL}),
    "another body on retry": (_other_body_on_retry, {Wrong.UNFAITHFUL}),
    "another body accepted": (_reuse(status=201, kind=""), {Wrong.UNFAITHFUL}),
    "a gap": (_history((1, "pending"), (3, "confirmed"), (4, "shipped"), (5, "delivered")), {Wrong.HISTORY}),
    "a leap": (_history((1, "pending"), (2, "shipped"), (3, "delivered")), {Wrong.HISTORY}),
    "a way back": (
        _history((1, "pending"), (2, "confirmed"), (3, "shipped"), (4, "delivered"), (5, "delivered")),
        {Wrong.HISTORY},
    ),
    "another status than its history's": (_changed(status="shipped"), {Wrong.HISTORY}),
    "no history": (_history(), {Wrong.HISTORY, Wrong.UNDONE}),
    "a move that never was": (_undone, {Wrong.UNDONE}),
    "an event that never came": (_without_event, {Wrong.EVENT_MISSING}),
    "two events of one step": (_second_event, {Wrong.EVENT_DOUBLED}),
    "an event of no order": (_event(id="new", order="nobody's"), {Wrong.EVENT_PHANTOM}),
    "an event of no step": (_event(id="new", sequence=9), {Wrong.EVENT_PHANTOM}),
    "an event of another kind": (_event(id="new", type="order.shipped"), {Wrong.EVENT_PHANTOM}),
    "one event id for two steps": (_event(sequence=2, type="order.confirmed"), {Wrong.EVENT_PHANTOM}),
    "events in another order": (_events_swapped, {Wrong.EVENT_DISORDERED}),
    "sold and not held": (_reservation("order-0", Reservation(held=False, items=ANCHOR)), {Wrong.STOCK}),
    "sold and never reserved": (_reservation("order-0", None), {Wrong.STOCK}),
    "cancelled and still held": (_reservation("order-1", Reservation(held=True, items=BOTH)), {Wrong.STOCK}),
    "held for something else": (_reservation("order-0", Reservation(held=True, items=BOTH)), {Wrong.STOCK}),
    "stock taken twice": (_stock("anchor", -2), {Wrong.STOCK}),
    "stock never taken": (_stock("anchor", 2), {Wrong.STOCK}),
    "still pending": (
        lambda records: (
            records.with_books(reservations=None, stock=None)
            .with_order(1, lambda order: replace(order, status="pending"))
            .with_history("order-1", Step(1, "pending"))
            .with_events(*(event for event in records.seen.events if (event.order, event.sequence) < ("order-1", 2)))
        ),
        {Wrong.UNSETTLED, Wrong.UNDONE},
    ),
}


@given(st.lists(fates, max_size=12))
def test_an_honest_shop_is_sound_whatever_its_customers_do(drawn: list[Fate]) -> None:
    reckoning = served([*FIRST, *drawn]).reckoned()

    assert reckoning.findings == ()
    assert reckoning.sound
    assert reckoning.acknowledged + reckoning.refused + len(reckoning.unknown) == len(drawn) + 2


@pytest.mark.parametrize("plant", PLANTS)
@settings(max_examples=20)
@given(drawn=st.lists(fates, max_size=4))
def test_each_fault_is_found_and_named_whatever_is_around_it(plant: str, drawn: list[Fate]) -> None:
    change, expected = PLANTS[plant]

    # What later customers placed must not be told as the fault of the first two.
    reckoning = change(served([*FIRST, *(fate for fate in drawn if not fate.life)])).reckoned()

    assert not reckoning.sound
    assert reckoning.kinds == expected
    with pytest.raises(AssertionError, match=min(expected)):
        reckoning.required()


def test_every_kind_of_fault_is_among_those_planted() -> None:
    assert set().union(*(expected for _, expected in PLANTS.values())) == set(Wrong)


@pytest.mark.parametrize(
    "fate", [Fate(ANCHOR, ()), Fate(ANCHOR, (), refused=True), Fate(ANCHOR, LIVES[0], answered=False)]
)
def test_without_an_acknowledged_order_nothing_is_sound(fate: Fate) -> None:
    reckoning = served([fate]).reckoned()

    assert reckoning.findings == ()
    assert not reckoning.sound
    with pytest.raises(Inconclusive, match="0 orders were acknowledged, 1 are needed"):
        reckoning.required()


def test_too_few_acknowledged_orders_are_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="2 orders were acknowledged, 3 are needed"):
        served(FIRST).reckoned().required(3)


def test_what_is_wrong_outweighs_that_there_is_little_of_it() -> None:
    with pytest.raises(AssertionError, match=r"acknowledged to run\.0 and is not there"):
        _lost(served(FIRST)).reckoned().required(1000)


def test_an_order_nobody_heard_of_is_listed_with_what_became_of_it() -> None:
    unknown = served([Fate(ANCHOR, ()), Fate(BOTH, LIVES[1], answered=False)]).reckoned().unknown

    assert [str(one) for one in unknown] == [
        "run.0 (key key-0): TimeoutError; there is no order",
        "run.1 (key key-1): TimeoutError; order order-1 is cancelled",
    ]


def test_an_order_nobody_heard_of_must_not_be_there_twice() -> None:
    records = served([FIRST[0], Fate(BOTH, LIVES[2], answered=False)])
    assert _doubled(records).reckoned().kinds == {Wrong.DOUBLED}


def test_an_order_acknowledged_under_two_ids_is_doubled_and_lost() -> None:
    records = served(FIRST)
    told = records.daybook.placements["run.1"].told[0]
    assert told.order is not None
    again = replace(told, key="a new key", order=replace(told.order, id="the other"))

    reckoning = records.with_told("run.1", told, again).reckoned()

    assert reckoning.kinds == {Wrong.DOUBLED}


def test_an_event_may_come_again_and_the_carrier_may_have_lost_its_memory() -> None:
    records = served(FIRST)
    again = records.with_events(*records.seen.events, *records.seen.events)
    forgetful = replace(records, seen=Seen(tuple(reversed(records.seen.events))[:3], complete=False, ordered=False))

    assert again.reckoned().sound
    assert forgetful.reckoned().sound


def test_without_a_subscriber_and_a_catalogue_the_orders_are_still_judged() -> None:
    records = served(FIRST).with_books(reservations=None, stock=None, prices=None)

    assert reckon(records.daybook, records.books).sound


class Listener:
    def __init__(self) -> None:
        self.documents: dict[str, str] = {}

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None:
        raise NotImplementedError

    def judged(self, judged: Judged) -> None:
        raise NotImplementedError

    def document(self, title: str, text: str) -> None:
        self.documents[title] = text

    def data(self, title: str, data: Mapping[str, object]) -> None: ...

    def picture(self, title: str, png: bytes) -> None:
        raise NotImplementedError

    def label(self, label: TruthLabel) -> None:
        raise NotImplementedError

    def secret(self, value: str) -> None:
        raise NotImplementedError


def test_what_is_required_is_told_as_evidence() -> None:
    listener = Listener()
    reckoning = served(FIRST).reckoned()
    with listening(listener):
        reckoning.required()

    assert listener.documents == {"reckoning of the orders": str(reckoning)}
    assert str(reckoning) == (
        "2 orders acknowledged, 0 refused, 0 unknown; 2 shown, 3 moves acknowledged, 7 events seen\n"
        "lost 0, doubled 0, phantom 0, altered 0, undone 0, unfaithful replay 0, wrong history 0, unsettled 0,"
        " missing event 0, doubled event 0, phantom event 0, event out of order 0, wrong stock 0"
    )


def test_a_long_list_of_faults_is_told_in_short() -> None:
    reckoning: Reckoning = (
        served([Fate(ANCHOR, LIVES[0])] * 9).with_books(stock=Stock({"anchor": PLENTY}, {})).reckoned()
    )
    assert reckoning.kinds == {Wrong.STOCK}
    lost = served([Fate(ANCHOR, LIVES[0])] * 9).with_books(orders=(), histories={}, stock=None).with_events().reckoned()
    assert len(lost.of(Wrong.LOST)) == 9
    assert "lost: and 4 more" in str(lost)
