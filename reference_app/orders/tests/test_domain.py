"""The domain by itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reference_app.orders.domain import (
    Draft,
    EventType,
    InvalidCursor,
    Order,
    Position,
    Product,
    Status,
    TransitionRefused,
    UnknownProducts,
    Wanted,
)

_AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
_PAST_1970 = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
_ALLOWED = {
    (Status.PENDING, Status.CONFIRMED),
    (Status.PENDING, Status.CANCELLED),
    (Status.CONFIRMED, Status.SHIPPED),
    (Status.CONFIRMED, Status.CANCELLED),
    (Status.SHIPPED, Status.DELIVERED),
}


def _products(count: int) -> dict[UUID, Product]:
    products = [Product(uuid.uuid4(), f"SKU-{number}", f"Thing {number}", 100 + number) for number in range(count)]
    return {product.id: product for product in products}


def _placed() -> Order:
    products = _products(2)
    return Order.placed(Draft("ann", [Wanted(one, 2) for one in products]), products, at=_AT)


class Life(RuleBasedStateMachine):
    """Whatever is tried with an order, in whatever order and by whatever clock, its history makes sense."""

    @initialize()
    def place(self) -> None:
        self.past = [_placed()]

    @rule(status=st.sampled_from(Status), seconds=st.integers(-1000, 1000))
    def move(self, status: Status, seconds: int) -> None:
        order = self.past[-1]
        at = order.updated_at + timedelta(seconds=seconds)
        if (order.status, status) in _ALLOWED:
            self.past.append(order.moved(status, at=at))
        else:
            with pytest.raises(TransitionRefused):
                order.moved(status, at=at)

    @invariant()
    def the_history_makes_sense(self) -> None:
        versions = [order.version for order in self.past]
        moments = [order.updated_at for order in self.past]
        assert versions == list(range(1, len(versions) + 1))
        assert moments == sorted(moments)
        assert {order.id for order in self.past} == {self.past[0].id}
        assert {order.items for order in self.past} == {self.past[0].items}
        assert {order.created_at for order in self.past} == {_AT}
        assert all(not order.status.final for order in self.past[:-1])

    @invariant()
    def what_is_told_is_what_happened(self) -> None:
        events = [order.event for order in self.past]
        assert [event.sequence for event in events] == [order.version for order in self.past]
        assert [event.at for event in events] == [order.updated_at for order in self.past]
        assert len({event.id for event in events}) == len(events)
        assert events[0].type is EventType.PLACED
        assert [event.type for event in events[1:]] == [f"order.{order.status}" for order in self.past[1:]]


TestLife = Life.TestCase


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_an_order_costs_what_its_lines_cost(quantities: list[int]) -> None:
    products = _products(len(quantities))
    wanted = [Wanted(one, quantity) for one, quantity in zip(products, quantities, strict=True)]

    order = Order.placed(Draft("ann", wanted), products, at=_AT)

    assert order.total_cents == sum(products[one.product_id].price_cents * one.quantity for one in wanted)
    assert [(item.product_id, item.quantity) for item in order.items] == [
        (one.product_id, one.quantity) for one in wanted
    ]
    assert (order.status, order.version, order.created_at, order.updated_at) == (Status.PENDING, 1, _AT, _AT)


def test_what_does_not_exist_cannot_be_ordered() -> None:
    products = _products(1)
    unknown = uuid.uuid4()

    with pytest.raises(UnknownProducts) as refused:
        Order.placed(Draft("ann", [Wanted(unknown, 1), *(Wanted(one, 1) for one in products)]), products, at=_AT)

    assert refused.value.ids == (unknown,)


def test_the_final_statuses_are_those_that_nothing_follows() -> None:
    assert {status for status in Status if status.final} == {Status.DELIVERED, Status.CANCELLED}


@given(_PAST_1970, st.uuids())
def test_a_cursor_leads_back_to_its_position(at: datetime, identity: UUID) -> None:
    position = Position(at, identity)

    assert Position.of_cursor(position.cursor) == position
    assert position.cursor.isascii()


@given(st.text(max_size=60))
def test_a_made_up_cursor_is_refused_or_is_one(text: str) -> None:
    try:
        position = Position.of_cursor(text)
    except InvalidCursor:
        return
    assert position.cursor == text


def test_a_changed_cursor_is_refused() -> None:
    cursor = Position(_AT, uuid.uuid4()).cursor

    for changed in (cursor + "=", cursor[:-1], cursor + cursor, "____" + cursor[4:]):
        with pytest.raises(InvalidCursor):
            Position.of_cursor(changed)
