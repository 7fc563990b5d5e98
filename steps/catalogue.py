"""Steps about the product catalogue, as a customer meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import WRONG_REQUESTS, Catalogue, Product

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.load import Answer, Customer


@given("a product in the catalogue", target_fixture="product")
@when("a product is put into the catalogue", target_fixture="product")
def a_product(customer: Customer, recovery: ExitStack) -> Product:
    product = Catalogue(customer).create()
    recovery.callback(product.remove)
    return product


@given(
    parse("a product in the catalogue, of which there are {pieces:d} pieces at {cents:d} cents"),
    target_fixture="product",
)
def a_product_in_stock(customer: Customer, recovery: ExitStack, pieces: int, cents: int) -> Product:
    product = Catalogue(customer).create(price_cents=cents, stock=pieces)
    recovery.callback(product.remove)
    return product


@given("it was read before")
def it_was_read_before(product: Product) -> None:
    product.read()


@when("it is read", target_fixture="answer")
def it_is_read(product: Product) -> Answer:
    return product.read()


@when(parse("its price changes to {cents:d} cents"))
def its_price_changes(product: Product, cents: int) -> None:
    product.change_price(cents)


@then("it can be read as it was put in")
def it_can_be_read_as_put_in(product: Product) -> None:
    assert product.shown() == product.draft


@then("the answer comes from the database")
def the_answer_comes_from_the_database(answer: Answer) -> None:
    assert answer.headers["x-cache"] == "miss"


@then("the answer comes from the cache")
def the_answer_comes_from_the_cache(answer: Answer) -> None:
    assert answer.headers["x-cache"] == "hit"


@then(parse("each of the next {count:d} reads shows {cents:d} cents"))
def the_next_reads_show(product: Product, count: int, cents: int) -> None:
    assert [product.shown().price_cents for _ in range(count)] == [cents] * count


@when(parse("a customer {mistake}"), target_fixture="answer")
def a_customer_errs(customer: Customer, mistake: str) -> Answer:
    return WRONG_REQUESTS[mistake](customer)


@then(parse("the answer is a problem with status {status:d}"))
def the_answer_is_a_problem(answer: Answer, status: int) -> None:
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert answer.document.number("status") == status
    assert answer.document.text("title")
    assert answer.document.text("detail")
