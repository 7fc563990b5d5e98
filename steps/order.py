"""Steps about orders: placed, followed, taken back, sent twice."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.shop import Order, Orders
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from seatrial.load import Answer, Customer
    from seatrial.load.catalogue import Product

_CONFIRMED = timedelta(seconds=30)
_WAY = {"confirmed": (), "shipped": ("ship",), "delivered": ("ship", "deliver")}


@pytest.fixture
def orders(customer: Customer) -> Orders:
    """The orders of a customer whose name nobody else has."""
    return Orders(customer)


@given(parse("a customer ordered {pieces:d} piece of it"), target_fixture="order")
@given(parse("a customer ordered {pieces:d} pieces of it"), target_fixture="order")
@when(parse("a customer orders {pieces:d} pieces of it"), target_fixture="order")
def a_customer_orders(orders: Orders, product: Product, pieces: int) -> Order:
    return orders.place({product.id: pieces})


@given(parse("a customer ordered {pieces:d} pieces of it, and the order is {status}"), target_fixture="order")
def an_order_in_a_status(orders: Orders, product: Product, pieces: int, status: str) -> Order:
    order = orders.place({product.id: pieces})
    order.wait_status("confirmed", within=_CONFIRMED)
    for transition in _WAY[status]:
        assert order.move(transition).status == HTTPStatus.OK
    return order


@then(parse("the order is confirmed within {seconds:d} seconds"))
def the_order_is_confirmed(order: Order, seconds: int) -> None:
    order.wait_status("confirmed", within=timedelta(seconds=seconds))


@then(parse("the order is cancelled within {seconds:d} seconds, because of its {reason}"))
def the_order_is_cancelled(order: Order, seconds: int, reason: str) -> None:
    shown = order.wait_status("cancelled", within=timedelta(seconds=seconds))
    assert reason in shown.text("reason")


@then(parse("{pieces:d} pieces are left"))
def pieces_are_left(product: Product, pieces: int) -> None:
    assert product.stock == pieces


@then(parse("{pieces:d} pieces are left within {seconds:d} seconds"))
def pieces_are_left_in_time(product: Product, pieces: int, seconds: int) -> None:
    eventually(
        lambda: product.stock,
        until=lambda stock: stock == pieces,
        within=timedelta(seconds=seconds),
        what=f"{pieces} pieces are left",
    )


@then(parse("the order still costs {cents:d} cents"))
def the_order_still_costs(order: Order, cents: int) -> None:
    assert order.shown().number("total_cents") == cents


@when("the order is taken back", target_fixture="answer")
def the_order_is_taken_back(order: Order) -> Answer:
    return order.move("cancel")


@then("that is refused")
def that_is_refused(answer: Answer) -> None:
    assert answer.status == HTTPStatus.CONFLICT, answer.body


@then(parse('its history reads "{statuses}"'))
def its_history_reads(order: Order, statuses: str) -> None:
    assert ", ".join(order.history()) == statuses


@when(parse("the customer waits to be told that it is {status}"), target_fixture="told")
def the_customer_waits(order: Order, status: str) -> tuple[str, ...]:
    return order.told(until=status, within=_CONFIRMED)


@then(parse('the customer was told "{statuses}"'))
def the_customer_was_told(told: tuple[str, ...], statuses: str) -> None:
    assert ", ".join(told) == statuses


@when("the same order is sent again", target_fixture="answer")
def the_same_order_again(orders: Orders, order: Order) -> Answer:
    return orders.send_again(order)


@then("the same order is shown again")
def the_same_order_is_shown(order: Order, answer: Answer) -> None:
    assert answer.status == HTTPStatus.CREATED, answer.body
    assert answer.headers["location"] == order.path


@when(parse("the same order is sent {times:d} times at once"), target_fixture="crowd")
def the_same_order_at_once(orders: Orders, product: Product, times: int) -> tuple[Answer, ...]:
    return orders.request_at_once({product.id: 1}, times=times)


@then("no answer speaks of another order")
def no_answer_speaks_of_another(crowd: tuple[Answer, ...]) -> None:
    accepted = {answer.headers["location"] for answer in crowd if answer.status == HTTPStatus.CREATED}
    assert len(accepted) == 1
    assert {answer.status for answer in crowd} <= {HTTPStatus.CREATED, HTTPStatus.CONFLICT}


@then(parse("the customer has {count:d} order"))
def the_customer_has_orders(orders: Orders, count: int) -> None:
    assert orders.count() == count
