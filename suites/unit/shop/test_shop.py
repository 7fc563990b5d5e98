"""The shop as its customers use it: what is asked, and what is made of the answers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.load.crowd import ask_at_once
from seatrial.shop import File, Orders, Visit
from seatrial.shop.ordering import Book
from seatrial.shop.visit import health
from seatrial.target import Edge
from seatrial.verdict import Inconclusive
from seatrial.waiting import NotObserved
from suites.unit.shop.shopkeeper import PlainCustomer, Shopkeeper, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = timedelta(seconds=5)
_SHORT = timedelta(milliseconds=200)


@pytest.fixture
def keeper() -> Shopkeeper:
    return Shopkeeper()


@pytest.fixture
def customer(keeper: Shopkeeper) -> Iterator[PlainCustomer]:
    server = serving(keeper)
    yield PlainCustomer(Edge("127.0.0.1", server.server_port, None), "shop.example")
    server.shutdown()
    server.server_close()


def test_an_order_is_placed_under_a_key_of_its_own(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 201, {"id": "1"}, {"Location": "/orders/1"})
    orders = Orders(customer)

    first, second = orders.place({"p": 2}), orders.place({"p": 2})
    orders.send_again(first)

    keys = [headers["idempotency-key"] for _, _, headers, _ in keeper.asked]
    assert keys == [first.key, second.key, first.key]
    assert first.key != second.key
    assert json.loads(keeper.asked[0][3]) == {
        "customer": orders.person,
        "items": [{"product_id": "p", "quantity": 2}],
    }


def test_an_order_that_is_refused_is_no_order(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 503, {"detail": "away"})
    with pytest.raises(AssertionError, match="status 503"):
        Orders(customer).place({"p": 1})


def test_the_same_order_at_once_has_one_key(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 409, {})
    answers = Orders(customer).request_at_once({"p": 1}, times=5)
    assert [answer.status for answer in answers] == [409] * 5
    assert len({headers["idempotency-key"] for _, _, headers, _ in keeper.asked}) == 1


def test_a_status_that_never_comes_is_said(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 201, {"id": "1"}, {"Location": "/orders/1"})
    keeper.will("GET", "/orders/1", 200, {"status": "pending"})
    order = Orders(customer).place({"p": 1})
    with pytest.raises(NotObserved, match="order 1 is confirmed"):
        order.wait_status("confirmed", within=_SHORT)


def test_what_is_told_is_heard_until_the_status_waited_for(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 201, {"id": "1"}, {"Location": "/orders/1"})
    told = "".join(
        f'event: status\nid: {number}\ndata: {{"status": "{status}"}}\n\n: still here\n\n'
        for number, status in enumerate(("pending", "confirmed", "shipped"))
    )
    keeper.will("GET", "/orders/1/events", 200, told, {"Content-Type": "text/event-stream"})
    assert Orders(customer).place({"p": 1}).told(until="confirmed", within=_SOON) == ("pending", "confirmed")


def test_events_that_are_refused_are_no_silence(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/orders", 201, {"id": "1"}, {"Location": "/orders/1"})
    keeper.will("GET", "/orders/1/events", 404, {})
    with pytest.raises(AssertionError, match="status 404"):
        Orders(customer).place({"p": 1}).told(until="confirmed", within=_SOON)


def test_all_pages_of_the_book_are_counted(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    one = {"items": [{"total_cents": 100}, {"total_cents": 50}], "next_cursor": "a b"}
    keeper.will("GET", "/orders?limit=100", 200, one)
    keeper.will("GET", "/orders?limit=100&cursor=a%20b", 200, {"items": [{"total_cents": 7}], "next_cursor": None})
    assert Book(customer).counted() == Book(customer, orders=3, cents=157)


def test_an_empty_book_shows_nothing(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("GET", "/orders?limit=100", 200, {"items": [], "next_cursor": None})
    with pytest.raises(Inconclusive):
        Book(customer).counted()


def test_a_visit_is_known_by_its_cookie(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/api/session", 201, {}, {"Set-Cookie": "session=w0rd; HttpOnly; Secure; SameSite=Lax"})
    keeper.will("GET", "/api/session", 200, {"cart": [{"product_id": "p", "quantity": 2}]})
    assert Visit.begun(customer).cart() == {"p": 2}
    assert keeper.asked[-1][2]["cookie"] == "session=w0rd"


def test_no_cookie_is_no_visit(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/api/session", 503, {"detail": "away"})
    with pytest.raises(AssertionError, match="no session"):
        Visit.begun(customer)


def test_a_file_is_sent_as_it_is(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("POST", "/api/uploads?name=sunset.png", 201, {"id": "7"})
    picture = File.picture(2000)
    assert Visit(customer, "w0rd").left(picture).text("id") == "7"
    _, _, headers, content = keeper.asked[-1]
    assert (headers["content-type"], content) == ("image/png", picture.content)
    assert len(content) == 2000


def test_a_disguised_file_is_no_picture() -> None:
    assert File.disguised().media_type == "image/png"
    assert not File.disguised().content.startswith(File.picture(100).content[:8])


def test_parts_are_told_by_name(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("GET", "/api/health", 200, {"peers": {"orders": {"status": "down"}, "catalog": {"status": "ok"}}})
    assert health(customer) == {"orders": "down", "catalog": "ok"}


def test_a_crowd_is_counted_by_what_it_got(keeper: Shopkeeper, customer: PlainCustomer) -> None:
    keeper.will("GET", "/api/session", 401, {})
    keeper.will("GET", "/p", 200, {})
    assert ask_at_once(customer, "/p", customers=20) == {200: 20}
    assert sum(path == "/p" for _, path, _, _ in keeper.asked) == 20


def test_a_crowd_before_a_closed_door_got_no_answer() -> None:
    nobody = PlainCustomer(Edge("127.0.0.1", 1, None), "shop.example")
    assert ask_at_once(nobody, "/p", customers=3) == {"ClientConnectorError": 3}
