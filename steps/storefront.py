"""Steps about the storefront: what a person does and sees with a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.shop import File
from seatrial.shop.browser import PAGES, Person, browsing, started
from seatrial.toolchain.debian import install_debian_packages, package_group

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from playwright.sync_api import Browser

    from seatrial.load import Customer
    from seatrial.progress import Progress


@pytest.fixture(scope="session")
def browser(customer: Customer, progress: Progress) -> Iterator[Browser]:
    """A real browser, started once."""
    install_debian_packages(package_group("browser"), progress=progress)
    with started(customer) as running:
        yield running


@given("a person with a browser", target_fixture="person")
def a_person(browser: Browser, customer: Customer, recovery: ExitStack) -> Person:
    return recovery.enter_context(browsing(browser, customer))


@when(
    parse('the person searches for "{product}", puts one into the cart and orders it'), target_fixture="order_address"
)
def the_person_orders(person: Person, product: str) -> str:
    return person.order(product)


@then(parse("the page shows the order as {status} within {seconds:d} seconds, by itself"))
def the_page_shows_the_order(person: Person, status: str, seconds: int) -> None:
    person.wait_shown(status, within=timedelta(seconds=seconds))


@then("the order stands in the person's history")
def the_order_stands_in_the_history(person: Person, order_address: str) -> None:
    assert person.history() == (order_address,)


@when("the person leaves a picture", target_fixture="picture")
def the_person_leaves_a_picture(person: Person) -> File:
    picture = File.picture(50_000)
    person.leave(picture)
    return picture


@then("the page lists it")
def the_page_lists_it(person: Person, picture: File) -> None:
    assert person.lists(picture)


@then("what the person fetches is the same picture")
def what_the_person_fetches(person: Person, picture: File) -> None:
    assert person.fetch(picture) == picture.content


@given(parse("the person looks at the {page}"))
@when(parse("the person looks at the {page}"))
def the_person_looks_at(person: Person, page: str) -> None:
    person.open(page)


@when("the person opens one page after the other", target_fixture="barriers")
def the_person_opens(person: Person) -> dict[str, tuple[str, ...]]:
    found = {}
    for page in PAGES:
        person.open(page)
        found[page] = person.barriers()
    return found


@then("it says that all parts are well")
def all_parts_are_well(person: Person) -> None:
    said = person.dashboard()
    assert {"catalog", "orders", "sessions", "uploads"} <= set(said)
    assert set(said.values()) == {"Up"}


@then(parse("the dashboard says within {seconds:d} seconds that {part} is {state}, by itself"))
def the_dashboard_says(person: Person, seconds: int, part: str, state: str) -> None:
    person.wait_dashboard(part, state.capitalize(), within=timedelta(seconds=seconds))


@then("no barrier is found on any of them")
def no_barrier_is_found(barriers: dict[str, tuple[str, ...]]) -> None:
    assert barriers == dict.fromkeys(PAGES, ())
