"""Steps about visits: a cart and files that belong to one visitor."""

from __future__ import annotations

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import PRODUCTS, Catalogue, Product
from seatrial.shop import File, Visit
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.load import Answer, Customer

_KILOBYTE = 1000


@given("a visitor", target_fixture="visit")
def a_visitor(customer: Customer) -> Visit:
    return Visit.begun(customer)


@given(parse("the visitor has {pieces:d} pieces of a product in the cart"), target_fixture="product")
def pieces_in_the_cart(customer: Customer, visit: Visit, recovery: ExitStack, pieces: int) -> Product:
    product = Catalogue(customer).create()
    recovery.callback(product.remove)
    visit.fill_cart({product.id: pieces})
    return product


@then(parse("the cart still holds {pieces:d} pieces of it"))
def the_cart_still_holds(visit: Visit, product: Product, pieces: int) -> None:
    assert visit.cart() == {product.id: pieces}


@given(parse("the visitor left a picture of {size:d} kilobytes"), target_fixture="file")
def the_visitor_left_a_picture(visit: Visit, size: int) -> tuple[File, str]:
    picture = File.picture(size * _KILOBYTE)
    return picture, visit.left(picture).text("id")


@when("the visitor asks for the picture", target_fixture="answer")
def the_visitor_asks(visit: Visit, file: tuple[File, str]) -> Answer:
    return visit.fetch(file[1])


@when("somebody else asks for the picture", target_fixture="answer")
def somebody_else_asks(customer: Customer, file: tuple[File, str]) -> Answer:
    return Visit.begun(customer).fetch(file[1])


@then("it comes back as it was left")
def it_comes_back(answer: Answer, file: tuple[File, str]) -> None:
    assert answer.status == HTTPStatus.OK, answer.body[:300]
    assert answer.media_type == file[0].media_type
    assert answer.content == file[0].content


@then("there is no such file for them")
def there_is_no_such_file(answer: Answer) -> None:
    assert (answer.status, answer.media_type) == (HTTPStatus.NOT_FOUND, "application/problem+json")


@when("the visitor leaves a picture that calls itself one", target_fixture="answer")
def the_visitor_leaves_a_picture(visit: Visit) -> Answer:
    return visit.leave(File.picture(_KILOBYTE))


@then("the file is taken")
def the_file_is_taken(answer: Answer) -> None:
    assert answer.status == HTTPStatus.CREATED, answer.body


@when("the visitor leaves a program that calls itself a picture", target_fixture="answer")
def the_visitor_leaves_a_program(visit: Visit) -> Answer:
    return visit.leave(File.disguised())


@when("a customer asks the catalogue for its products", target_fixture="answer")
def asks_for_products(customer: Customer) -> Answer:
    return customer.get(PRODUCTS)


@when("a customer asks the catalogue for what is set aside for an order", target_fixture="answer")
def asks_for_what_is_set_aside(customer: Customer) -> Answer:
    return customer.get(f"/catalog/reservations/{uuid.uuid4()}")


@then("they come back")
def they_come_back(answer: Answer) -> None:
    assert answer.status == HTTPStatus.OK
    assert answer.document.documents("items")


@then(parse("the visitor can leave a picture again within {seconds:d} seconds"))
@then(parse("the visitor can leave a picture within {seconds:d} seconds"))
def the_visitor_can_leave_a_picture(visit: Visit, seconds: int) -> None:
    eventually(
        lambda: visit.leave(File.picture(_KILOBYTE)).status,
        until=lambda status: status == HTTPStatus.CREATED,
        within=timedelta(seconds=seconds),
        what="the visitor can leave a picture",
    )
