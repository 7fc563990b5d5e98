"""Steps about the product catalogue, as a customer meets it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import WRONG_REQUESTS, Catalogue, Category, Product

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


@when("a category is put into the catalogue", target_fixture="product")
def a_category(customer: Customer, recovery: ExitStack) -> Category:
    category = Catalogue(customer).create_category()
    recovery.callback(category.remove)
    return category


@when("it is taken out")
def it_is_taken_out(product: Product) -> None:
    product.remove()


@when("somebody changes it who has read its newest version", target_fixture="answer")
def changed_from_the_newest(product: Product) -> Answer:
    return product.change(4321, product.read().headers["etag"])


@when("somebody changes it who has read it before somebody else changed it", target_fixture="answer")
def changed_from_an_older(product: Product) -> Answer:
    tag = product.read().headers["etag"]
    product.change_price(4000)
    return product.change(4321, tag)


@then("the change is accepted")
def the_change_is_accepted(product: Product, answer: Answer) -> None:
    assert answer.status == HTTPStatus.OK, answer.body
    assert product.shown().price_cents == 4321  # noqa: PLR2004 (the price of the steps above)


@then("it can be read as it was put in")
def it_can_be_read_as_put_in(product: Product | Category) -> None:
    assert product.shown() == (product.draft if isinstance(product, Product) else product)


@then("it cannot be read any more")
def it_cannot_be_read(customer: Customer, product: Product) -> None:
    assert customer.get(product.path).status == HTTPStatus.NOT_FOUND


@then("it can be given another name")
def it_can_be_renamed(product: Category) -> None:
    renamed = product.renamed(f"{product.name} anew")
    assert renamed.shown() == renamed


@then("it can be removed")
def it_can_be_removed(product: Category) -> None:
    assert product.there
    product.remove()
    assert not product.there


@then("the answer comes from the database")
def the_answer_comes_from_the_database(answer: Answer) -> None:
    assert answer.headers["x-cache"] == "miss"


@then("the answer comes from the cache")
def the_answer_comes_from_the_cache(answer: Answer) -> None:
    assert answer.headers["x-cache"] == "hit"


@then(parse("each of the next {count:d} reads shows {cents:d} cents"))
def the_next_reads_show(product: Product, count: int, cents: int) -> None:
    assert [product.shown().price_cents for _ in range(count)] == [cents] * count


@when(parse("by mistake a customer {mistake}"), target_fixture="answer")
def a_customer_errs(customer: Customer, mistake: str) -> Answer:
    return WRONG_REQUESTS[mistake](customer)


@then(parse("the answer is a problem with status {status:d}"))
def the_answer_is_a_problem(answer: Answer, status: int) -> None:
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert answer.document.number("status") == status
    assert answer.document.text("title")
    assert answer.document.text("detail")
