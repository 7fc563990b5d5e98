"""The shop in a real browser: with the keyboard, without scripts, on a phone, with hostile names, with parts away."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from seatrial.shop.browser import PAGES, Person
from seatrial.waiting import eventually
from suites.browser.screens import DESKTOP, Screen
from suites.browser.storefront.conftest import CATEGORY

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from suites.browser.conftest import Show, Shown
    from suites.browser.storefront.conftest import Premises

_PHONE = Screen(360, 740, touch=True)
_SOON = timedelta(seconds=20)
_SOON_MS = _SOON.total_seconds() * 1000
_FILE = b"It floats."
_HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "x' onclick='alert(1)' onfocus='alert(1)' autofocus='",
    "</title></textarea></select><svg onload=alert(1)>",
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "javascript:alert(1)//",
)
_ACTIVE = (
    "main :is(script, img, iframe, object, embed, [onerror], [onclick], [onfocus], [onload], [autofocus], [style])"
)


@pytest.fixture
def visitor(show: Show, premises: Premises) -> Shown:
    """Somebody who looks at the first page."""
    return show(premises.address)


def _fill(page: Page, product: str) -> None:
    """Put one of *product*, the path of its page, into the cart."""
    page.goto(product)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-link .badge")).to_be_visible()


def _order(page: Page, address: str) -> str:
    """Order what is in the cart; return the address of the order."""
    page.goto(f"{address}/cart")
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url("**/history/*")
    return page.url.partition("?")[0]


def _leave(page: Page, name: str) -> None:
    """Upload a file by the open page."""
    field = page.get_by_label("File", exact=True)
    field.set_input_files({"name": name, "mimeType": "text/plain", "buffer": _FILE})
    page.get_by_role("button", name="Upload").click()


def _go_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press *key* until *target* has the focus, which must show."""
    for _ in range(100):
        page.keyboard.press(key)
        if target.first.evaluate("node => node === document.activeElement"):
            assert target.first.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
            return
    raise AssertionError(f"the keyboard does not lead to {target}")


def test_a_purchase_needs_no_mouse(visitor: Shown) -> None:
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    _go_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("plough anchor")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("4 products")
    _go_to(page, page.get_by_role("button", name=re.compile("Add to cart ?: .* plough anchor")))
    page.keyboard.press("Enter")
    expect(page.locator("#cart-link .badge")).to_contain_text("1")
    _go_to(page, page.locator("#cart-link"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cart")).to_be_visible()
    _go_to(page, page.get_by_role("spinbutton"))
    page.keyboard.press("ArrowUp")
    expect(page.locator("#cart-link .badge")).to_contain_text("2")
    # The field was replaced by another one; the keyboard goes on from there and not from the top of the page.
    expect(page.get_by_role("spinbutton")).to_be_focused()
    _go_to(page, page.get_by_role("button", name="Place the order"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/history/*")
    expect(page.locator("#notices")).to_contain_text("Thank you")
    expect(page.locator(".receipt")).to_contain_text("2 \u00d7")
    expect(page.locator("#progress [aria-current=step]")).to_contain_text("Confirmed", timeout=_SOON_MS)
    assert visitor.said == []


def test_what_is_taken_out_with_the_keyboard_does_not_take_the_focus_along(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    _fill(page, f"{premises.address}/products/{premises.product}")
    page.goto(f"{premises.address}/cart")
    _go_to(page, page.get_by_role("button", name=re.compile("Take out")))
    page.keyboard.press("Enter")
    expect(page.locator("#cart")).to_contain_text("Your cart is empty")
    expect(page.locator("#cart-title")).to_be_focused()


def test_everything_works_without_scripts(show: Show, premises: Premises) -> None:
    page = show(premises.address, scripts=False).page
    page.get_by_role("searchbox").fill("compass")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found")).to_have_text("4 products")
    page.get_by_role("button", name=re.compile("Add to cart")).first.click()
    expect(page.locator("#notices")).to_contain_text("Added to your cart")
    page.get_by_role("spinbutton").fill("3")
    page.get_by_role("button", name=re.compile("Change the quantity")).click()
    expect(page.locator("#cart-link .badge")).to_contain_text("3")
    page.get_by_role("button", name="Place the order").click()
    expect(page.locator("#notices")).to_contain_text("Thank you")
    page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Cancel this order").click()
    expect(page.locator("#progress [aria-current=step]")).to_contain_text("Cancelled")
    page.get_by_role("navigation", name="Shop").get_by_role("link", name="Files").click()
    _leave(page, "leaflet.txt")
    with page.expect_download() as download:
        page.get_by_role("link", name="leaflet.txt").click()
    assert download.value.path().read_bytes() == _FILE
    page.get_by_role("button", name="Delete leaflet.txt").click()
    expect(page.locator("#files")).to_contain_text("No files yet")


def _pages(page: Page, premises: Premises) -> list[str]:
    """Give somebody a cart, an order and a file; return the paths of all pages that there are then."""
    product = f"/products/{premises.product}"
    _fill(page, f"{premises.address}{product}")
    order = _order(page, premises.address).removeprefix(premises.address)
    _fill(page, f"{premises.address}{product}")
    page.goto(f"{premises.address}/files")
    name = f"a drawing of what broke, with a long name {'withoutblanks' * 9}.txt"
    _leave(page, name)
    expect(page.locator(".files")).to_contain_text("a drawing")
    return [*PAGES.values(), product, order, "/?search=anchor&category=anchors", "/?search=nosuchthing", "/nowhere"]


_OUT_OF_REACH = """
nodes => nodes.filter(node => node.checkVisibility()).flatMap(node => {
  node.scrollIntoView({block: "center"});
  const box = node.getClientRects()[0];
  const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const large = getComputedStyle(node).display === "inline" || (box.width >= 24 && box.height >= 24);
  const within = box.left >= 0 && box.right <= innerWidth;
  return large && within && node.contains(hit) ? [] : [`${node.outerHTML.slice(0, 90)} ${JSON.stringify(box)}`];
})
"""


def test_a_phone_shows_every_page_whole_and_reaches_every_target(show: Show, premises: Premises) -> None:
    page = show(premises.address, _PHONE).page
    for path in _pages(page, premises):
        page.goto(f"{premises.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE.width, path
        targets = page.locator(":is(header, main) :is(a, button, input:not([type=hidden]), select)")
        assert targets.count() > 5
        assert targets.evaluate_all(_OUT_OF_REACH) == [], path


@pytest.mark.parametrize("screen", [DESKTOP, Screen(360, 740, dark=True, touch=True)], ids=["desktop", "dark phone"])
def test_no_page_keeps_anybody_out(show: Show, premises: Premises, screen: Screen) -> None:
    page = show(premises.address, screen).page
    person = Person(page, premises.address)
    for path in _pages(page, premises):
        page.goto(f"{premises.address}{path}")
        assert person.barriers() == (), path


def _harmless(shown: Shown) -> None:
    assert (shown.dialogs, shown.said) == ([], [])
    assert shown.page.locator(_ACTIVE).count() == 0


def test_hostile_product_names_are_text_wherever_they_are_shown(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    for number, name in enumerate(_HOSTILE):
        path = premises.stock(name, sku=f"HOSTILE-{number}")
        _fill(page, f"{premises.address}{path}")
        assert page.locator("h1").inner_text() == name
        assert page.title().startswith(name)
        _harmless(visitor)
    page.goto(f"{premises.address}/cart")
    assert page.locator(".lines .what a").all_inner_texts() == list(_HOSTILE)
    _harmless(visitor)
    _order(page, premises.address)
    assert page.locator(".receipt a").all_inner_texts() == list(_HOSTILE)
    expect(page.locator("#connection")).to_contain_text("Live")
    _harmless(visitor)
    page.goto(f"{premises.address}/history")
    assert page.locator(".orders .what").inner_text().startswith(f"1 \u00d7 {_HOSTILE[0]}, 1 \u00d7 {_HOSTILE[1]}")
    _harmless(visitor)
    page.goto(f"{premises.address}/?category={CATEGORY}")
    assert set(_HOSTILE[:2]) <= set(page.locator(".card .name").all_inner_texts())
    _harmless(visitor)


def test_what_people_type_is_text_too(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    for typed in _HOSTILE:
        page.goto(premises.address)
        page.get_by_role("searchbox").fill(typed)
        page.keyboard.press("Enter")
        page.wait_for_url("**/?search=*")
        page.reload()
        assert page.get_by_role("searchbox").input_value() == typed
        assert typed in page.title()
        _harmless(visitor)
    page.goto(f"{premises.address}/files")
    for name in ("<img src=x onerror=alert(1)>.txt", "x' onclick='alert(1)' y='.txt", "{{ 7*7 }}.txt"):
        _leave(page, name)
        expect(page.locator(".files").get_by_role("link", name=name, exact=True)).to_be_visible()
    _harmless(visitor)


def _whole_again(page: Page, seen: Locator) -> None:
    """Try again, as the page offers, until *seen* is there."""

    def tried() -> bool:
        if not seen.first.is_visible():
            with page.expect_navigation():
                page.locator("main :is(a, button)", has_text="Try again").first.click()
        return seen.first.is_visible()

    eventually(tried, until=bool, within=_SOON, what="the page is whole again")


def test_a_catalogue_that_is_away_is_said_and_comes_back(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    _fill(page, f"{premises.address}/products/{premises.product}")
    page.goto(premises.address)
    with premises.catalog.away():
        page.get_by_role("searchbox").fill("compass")
        expect(page.locator("#results")).to_contain_text("Just now the catalogue cannot be reached")
        page.goto(f"{premises.address}/cart")
        expect(page.locator("main")).to_contain_text("Your cart is kept")
        page.goto(premises.address)
        expect(page.get_by_role("heading", name="The products cannot be shown")).to_be_visible()
        assert Person(page, premises.address).barriers() == ()
        page.get_by_role("navigation", name="Shop").get_by_role("link", name="Orders").click()
        expect(page.locator("main")).to_contain_text("No orders yet")
        page.go_back()
    _whole_again(page, page.locator(".card"))


def test_an_order_while_orders_are_away_is_placed_once_when_they_are_back(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    _fill(page, f"{premises.address}/products/{premises.product}")
    page.goto(f"{premises.address}/cart")
    keys = set()
    with premises.orders.away():
        for press in ("Place the order", "Try again"):
            keys.add(page.locator("input[name=key]").input_value())
            with page.expect_navigation():
                page.get_by_role("button", name=press).click()
            expect(page.get_by_role("heading", name="Your order is not confirmed yet")).to_be_visible()
            expect(page.locator("main")).to_contain_text("Just now your orders cannot be reached")
        keys.add(page.locator("input[name=key]").input_value())
        assert Person(page, premises.address).barriers() == ()
    # One and the same order however often it is sent, also where the first one arrived and its answer did not.
    assert len(keys) == 1
    _whole_again(page, page.locator("#progress"))
    page.goto(f"{premises.address}/history")
    assert page.locator(".orders li").count() == 1
    page.goto(f"{premises.address}/cart")
    expect(page.locator("main")).to_contain_text("Your cart is empty")


def test_without_the_gateway_every_page_says_so_and_comes_back(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    _fill(page, f"{premises.address}/products/{premises.product}")
    page.goto(premises.address)
    with premises.gateway.away():
        page.get_by_role("button", name=re.compile("Add to cart")).first.click()
        expect(page.locator("#notices")).to_contain_text("your cart cannot be reached")
        for path in ("/", "/cart", "/history", "/files", f"/products/{premises.product}"):
            page.goto(f"{premises.address}{path}")
            expect(page.locator("main")).to_contain_text("cannot be reached")
            expect(page.get_by_role("navigation", name="Shop")).to_be_visible()
        page.goto(f"{premises.address}/dashboard")
        expect(page.locator("#summary")).to_contain_text("The gateway does not answer", timeout=_SOON_MS)
        page.goto(f"{premises.address}/cart")
    _whole_again(page, page.get_by_role("button", name="Place the order"))
    page.goto(f"{premises.address}/dashboard")
    expect(page.locator("#summary")).to_have_text("All services are up.", timeout=_SOON_MS)


def test_a_shop_that_cannot_be_reached_at_all_is_said_on_the_open_page(visitor: Shown, premises: Premises) -> None:
    page = visitor.page
    add = page.get_by_role("button", name=re.compile("Add to cart")).first
    with premises.storefront.away():
        add.click()
        expect(page.locator("#notices")).to_contain_text("The shop cannot be reached just now")
    add.click()
    expect(page.locator("#cart-link .badge")).to_contain_text("1")
    expect(page.locator("#notices")).not_to_contain_text("cannot be reached")
