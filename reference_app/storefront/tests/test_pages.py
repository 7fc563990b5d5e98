"""The pages, with a stand-in for the gateway: what people see, send and are told."""

from __future__ import annotations

import asyncio
import re
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode

from reference_app.gateway.settings import Settings as GatewaySettings
from reference_app.storefront.app import create_app
from reference_app.storefront.settings import Settings
from reference_app.storefront.tests.stand_in import StandIn, product

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Shop:
    """The storefront, one visitor of it, and what stands behind."""

    visitor: httpx.AsyncClient
    behind: StandIn

    async def page(self, path: str) -> HTMLParser:
        """Open a page that is there."""
        answer = await self.visitor.get(path)
        assert answer.status_code == 200, answer.text
        return HTMLParser(answer.text)

    async def fill(self, number: int, quantity: int = 1) -> None:
        """Put something into the cart."""
        fields = {"product_id": str(uuid.UUID(int=number)), "quantity": str(quantity), "action": "add"}
        assert (await self.visitor.post("/cart", data=fields)).status_code == 303

    async def form(self) -> dict[str, list[str]]:
        """Return the fields of the form that places the order."""
        cart = await self.page("/cart")
        fields: dict[str, list[str]] = {}
        for one in cart.css("form[action='/checkout'] input"):
            fields.setdefault(str(one.attributes["name"]), []).append(str(one.attributes["value"]))
        return fields


def first(page: HTMLParser | LexborNode, selector: str) -> LexborNode:
    """Return the first element that fits *selector*, which must be there."""
    found = page.css_first(selector)
    assert found is not None, selector
    return found


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with StandIn().running() as behind, _open(behind) as visitor:
        yield Shop(visitor, behind)


@asynccontextmanager
async def _open(behind: StandIn, **settings: float) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings.model_validate({"gateway_url": behind.url, **settings}))
    transport = httpx.ASGITransport(_whole(app))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://shop.example", headers={"Accept": "text/html"}
        ) as client,
    ):
        yield client


def _whole(app: ASGIApp) -> ASGIApp:
    """Hand bodies over in one piece, as servers do with what has come in; httpx would end each with an empty one."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", scope["type"] == "http"
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        pieces: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return pieces.pop() if pieces else await receive()

        await app(scope, receive_whole, send)

    return serve


async def test_the_first_page_shows_products_that_can_be_put_into_the_cart(shop: Shop) -> None:
    page = await shop.page("/")
    assert len(page.css(".card")) == 24
    assert first(page, "h1") is not None
    assert first(page, "a.skip") is not None
    assert len(page.css(".card form button")) == 24


async def test_what_is_searched_is_asked_for_and_shown(shop: Shop) -> None:
    page = await shop.page("/?search=Compass+7")
    names = [one.text() for one in page.css(".card .name")]
    assert names
    assert all("Compass 7" in name for name in names)
    assert first(page, "#search").attributes["value"] == "Compass 7"


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "a' onclick='alert(1)", "</title><b>"],
)
async def test_hostile_names_are_text(shop: Shop, name: str) -> None:
    shop.behind.products = [product(1, name=name, description=name)]
    for path in ("/", f"/products/{uuid.UUID(int=1)}"):
        page = await shop.page(path)
        shown = first(page, ".card .name, h1").text()
        assert shown == name or path == "/"
        assert not page.css("img, main b, main script")
        assert "49" not in shown


async def test_an_order_is_placed_once_however_often_the_form_is_sent(shop: Shop) -> None:
    await shop.fill(3, 2)
    form = await shop.form()
    placed = await shop.visitor.post("/checkout", data=form)
    again = await shop.visitor.post("/checkout", data=form)
    assert (placed.status_code, again.status_code) == (303, 303)
    assert placed.headers["location"].partition("?")[0] == again.headers["location"].partition("?")[0]
    assert len(shop.behind.orders) == 1
    order = await shop.page(placed.headers["location"])
    assert "2 \u00d7 Compass 3" in first(order, ".receipt").text()
    assert first((await shop.page("/cart")), ".empty") is not None


async def test_an_answer_that_was_lost_is_no_second_order(shop: Shop) -> None:
    await shop.fill(3)
    form = await shop.form()
    shop.behind.lose_answers = 10
    lost = await shop.visitor.post("/checkout", data=form)
    assert lost.status_code != 303
    assert form["key"][0] in lost.text
    shop.behind.lose_answers = 0
    assert (await shop.visitor.post("/checkout", data=form)).status_code == 303
    assert len(shop.behind.orders) == 1


async def test_an_order_is_waited_for_longer_than_a_page() -> None:
    async with StandIn().running() as behind, _open(behind, gateway_timeout=0.1, change_timeout=600) as visitor:
        shop = Shop(visitor, behind)
        await shop.fill(3)
        form = await shop.form()
        behind.held = {"orders"}
        arrived = behind.moved
        placing = asyncio.create_task(visitor.post("/checkout", data=form))
        await arrived.wait()
        # By the time that a page has given up, an order that was sent before it still waits.
        page = await visitor.get("/history")
        assert (page.status_code, placing.done()) == (503, False)
        assert "cannot be reached" in first(HTMLParser(page.text), "main").text()
        behind.go_on.set()
        assert (await placing).status_code == 303


async def test_an_order_without_an_answer_in_time_is_not_confirmed_and_can_be_tried_again() -> None:
    async with StandIn().running() as behind, _open(behind, change_timeout=0.5) as visitor:
        shop = Shop(visitor, behind)
        await shop.fill(3)
        form = await shop.form()
        behind.held = {"orders"}
        late = await visitor.post("/checkout", data=form)
        assert late.status_code == 503
        said = HTMLParser(late.text)
        assert "cannot say whether your order has arrived" in first(said, "main").text()
        again = {
            str(one.attributes["name"]): str(one.attributes["value"])
            for one in said.css("form[action='/checkout'] input")
        }
        assert again["key"] == form["key"][0]
        behind.held = set()
        behind.go_on.set()
        placed = await visitor.post("/checkout", data=again)
        assert (placed.status_code, len(behind.orders)) == (303, 1)
        assert "was not placed twice" in (await visitor.get(placed.headers["location"])).text


async def test_a_file_of_which_nothing_is_known_is_not_said_to_be_lost_or_kept() -> None:
    async with StandIn().running() as behind, _open(behind, change_timeout=0.5) as visitor:
        shop = Shop(visitor, behind)
        await shop.fill(3)
        behind.held = {"uploads"}
        late = await visitor.post("/files", files={"file": ("boat.png", _PNG, "image/png")})
        assert late.status_code == 503
        assert "cannot say whether that was done" in first(HTMLParser(late.text), "#problem").text()
        behind.held = set()
        behind.go_on.set()
        assert "boat.png" in (await visitor.get("/files")).text


def test_the_gateway_gives_up_before_the_storefront_does() -> None:
    behind = GatewaySettings.model_fields["peer_timeout"].default
    assert Settings.model_fields["change_timeout"].default > behind


async def test_a_cart_changes_as_it_is_told(shop: Shop) -> None:
    await shop.fill(3, 2)
    identity = str(uuid.UUID(int=3))
    await shop.visitor.post("/cart", data={"product_id": identity, "quantity": "5", "action": "set"})
    assert first((await shop.page("/cart")), "input[name=quantity]").attributes["value"] == "5"
    await shop.visitor.post("/cart", data={"product_id": identity, "action": "remove"})
    assert first((await shop.page("/cart")), ".empty") is not None


@pytest.mark.parametrize(
    "fields",
    [{"product_id": "x"}, {"product_id": str(uuid.UUID(int=1)), "quantity": "-1"}, {"quantity": "9" * 50}],
)
async def test_fields_that_make_no_sense_are_refused_in_words(shop: Shop, fields: dict[str, str]) -> None:
    answer = await shop.visitor.post("/cart", data=fields)
    assert answer.status_code in (400, 422)
    assert first(HTMLParser(answer.text), "#problem, .note.bad") is not None


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_a_form_of_another_site_is_refused(shop: Shop, headers: dict[str, str]) -> None:
    fields = {"product_id": str(uuid.UUID(int=1))}
    assert (await shop.visitor.post("/cart", data=fields, headers=headers)).status_code == 403
    assert (await shop.visitor.post("/cart", data=fields, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 303


@pytest.mark.parametrize(
    ("part", "path"),
    [("catalog", "/"), ("orders", "/history"), ("uploads", "/files"), ("catalog", "/cart")],
)
async def test_a_part_that_is_away_is_said_and_the_page_is_there(shop: Shop, part: str, path: str) -> None:
    await shop.fill(3)
    shop.behind.broken = {part}
    page = HTMLParser((await shop.visitor.get(path)).text)
    assert first(page, "nav a[href='/history']") is not None
    assert "cannot be reached" in first(page, "main").text()
    assert first(page, "main a.button") is not None


async def test_the_dashboard_says_what_is_down(shop: Shop) -> None:
    shop.behind.broken = {"orders"}
    await shop.visitor.get("/")
    state = await shop.page("/dashboard")
    shown = {first(one, "h2").text().lower(): first(one, ".state").text().strip() for one in state.css(".peer")}
    assert shown["orders"] == "Down"
    assert shown["catalog"] == "Up"


async def test_files_go_there_and_come_back(shop: Shop) -> None:
    sent = await shop.visitor.post("/files", files={"file": ("boat.png", _PNG, "image/png")})
    assert sent.status_code == 303
    page = await shop.page("/files")
    link = first(page, ".files a")
    assert link.text() == "boat.png"
    back = await shop.visitor.get(str(link.attributes["href"]))
    assert (back.content, back.headers["content-disposition"].startswith("attachment")) == (_PNG, True)


async def test_each_page_is_hardened(shop: Shop) -> None:
    for path in ("/", "/cart", "/history", "/files", "/dashboard", "/nowhere"):
        answer = await shop.visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        # Whatever a page runs comes from the shop itself.
        for script in HTMLParser(answer.text).css("script"):
            assert re.match(r"/static/", str(script.attributes["src"]))
            assert not script.text()


async def test_nobody_sees_the_orders_of_another(shop: Shop) -> None:
    await shop.fill(3)
    placed = await shop.visitor.post("/checkout", data=await shop.form())
    path = placed.headers["location"].partition("?")[0]
    shop.visitor.cookies.clear()
    assert (await shop.visitor.get(path)).status_code in (404, 303, 401)
    assert "Compass 3" not in (await shop.visitor.get("/history")).text


async def test_a_file_that_is_refused_behind_the_storefront_is_refused_in_words(shop: Shop) -> None:
    sent = await shop.visitor.post("/files", files={"file": ("x.exe", b"MZ" * 100, "application/x-msdownload")})
    assert sent.status_code == 415
    assert "what they say they are" in first(HTMLParser(sent.text), "#problem").text()


@pytest.mark.parametrize("excess", [1, 300_000])
async def test_a_file_that_is_too_large_is_refused_in_words_and_not_kept(shop: Shop, excess: int) -> None:
    content = bytes(10 * 1024 * 1024 + excess)
    sent = await shop.visitor.post("/files", files={"file": ("x.txt", content, "text/plain")})
    assert sent.status_code == 413
    assert "larger than the shop accepts" in first(HTMLParser(sent.text), "#problem").text()
    assert shop.behind.uploads == {}
