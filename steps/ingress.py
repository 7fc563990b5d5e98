"""Steps about the edge: where traffic enters, under which name, and where it is sent."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import PRODUCTS, Catalogue
from seatrial.shop.ordering import ORDERS
from seatrial.shop.visit import HEALTH, parts

if TYPE_CHECKING:
    from seatrial.load import Answer, Customer


@given("the shop is open")
def the_shop_is_open(customer: Customer) -> None:
    Catalogue(customer).require_open()


@when("the catalogue is asked for at the edge", target_fixture="answer")
def the_catalogue_is_asked_for(customer: Customer) -> Answer:
    return customer.get(PRODUCTS)


@when("the orders are asked for at the edge", target_fixture="answer")
def the_orders_are_asked_for(customer: Customer) -> Answer:
    return customer.get(ORDERS)


@when("the gateway is asked at the edge how the shop is doing", target_fixture="answer")
def the_gateway_is_asked(customer: Customer) -> Answer:
    return customer.get(HEALTH)


@when("the first page is asked for at the edge", target_fixture="answer")
def the_first_page_is_asked_for(customer: Customer) -> Answer:
    return customer.get("/")


@then("orders come back")
def orders_come_back(answer: Answer) -> None:
    assert answer.status == HTTPStatus.OK, answer.body
    assert answer.document.documents("items")[0].text("status")


@then("it says how each part is doing")
def it_says_how_each_part_is_doing(answer: Answer) -> None:
    assert {"catalog", "orders", "sessions", "uploads"} <= set(parts(answer))


@then("a page comes back")
def a_page_comes_back(answer: Answer) -> None:
    assert (answer.status, answer.media_type) == (HTTPStatus.OK, "text/html")


@when("something that no service has is asked for at the edge", target_fixture="answer")
def something_is_asked_for(customer: Customer) -> Answer:
    return customer.get("/no-such-service")


@then("its products come back")
def the_products_come_back(answer: Answer) -> None:
    assert answer.status == HTTPStatus.OK, answer.body
    assert answer.document.documents("items")


@then("the answer says that it is missing")
def the_answer_says_that_it_is_missing(answer: Answer) -> None:
    assert answer.status == HTTPStatus.NOT_FOUND


@when(parse('the edge is met under the name "{host}"'), target_fixture="meeting")
def the_edge_is_met_under(customer: Customer, host: str) -> str | None:
    return replace(customer, host=host).distrust(PRODUCTS)


@then("its certificate is accepted")
def its_certificate_is_accepted(meeting: str | None) -> None:
    assert meeting is None


@then("its certificate is rejected")
def its_certificate_is_rejected(meeting: str | None) -> None:
    assert meeting is not None
    assert "certificate" in meeting.lower()
