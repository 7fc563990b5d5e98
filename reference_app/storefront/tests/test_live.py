"""The live part of an order's page says what is true, says when it cannot, and ends when there is no more to come."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from reference_app.storefront.assets import Assets
from reference_app.storefront.domain import Cart, Submission
from reference_app.storefront.gateway import Event, Gateway, Visit, events
from reference_app.storefront.live import follow
from reference_app.storefront.pages import Pages
from reference_app.storefront.schemas import Line, Order
from reference_app.storefront.settings import Settings
from reference_app.storefront.tests.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

pytestmark = pytest.mark.anyio
_SOON = 10
_LIVE = "Live: this page changes by itself."
_INTERRUPTED = "Live updates are interrupted; trying again."


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Watched:
    """An order that somebody watches."""

    behind: StandIn
    visit: Visit
    order: Order
    leaving: bool = False
    raw: list[bytes] = field(default_factory=list)

    async def shown(self) -> AsyncGenerator[Event, None]:
        """Give the events as a browser reads them."""
        async for event in events(self._lines()):
            yield event

    async def _lines(self) -> AsyncIterator[bytes]:
        pages = Pages(Assets())
        async for part in follow(self.visit, pages, self.order.id, lambda: self.leaving):
            self.raw.append(part)
            for line in part.splitlines(keepends=True):
                yield line

    def move(self, status: str, reason: str | None = None) -> None:
        self.behind.move(str(self.order.id), status, reason)


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    # A test need not wait as politely as a browser's page does.
    monkeypatch.setattr("reference_app.storefront.live._PAUSES", (timedelta(milliseconds=1),))
    monkeypatch.setattr("reference_app.storefront.live._LOOK_AROUND", timedelta(milliseconds=5))
    async with StandIn().running() as behind:
        gateway = Gateway(Settings.model_validate({"gateway_url": behind.url}))
        visit = Visit(gateway)
        session = await visit.begun_session()
        line = Line(product_id=UUID(behind.products[0]["id"]), quantity=1)
        placed = await visit.place(Submission(key="0123456789abcdef", cart=Cart((line,))), session.customer)
        yield Watched(behind, visit, placed.order)
        await gateway.close()


async def _next(shown: AsyncGenerator[Event, None]) -> Event:
    return await asyncio.wait_for(anext(shown), _SOON)


def _current(event: Event) -> str:
    assert event.name == "status"
    station = HTMLParser(event.data).css_first("[aria-current=step]")
    assert station is not None
    return station.text().strip().partition(",")[0]


async def test_an_order_is_shown_as_it_is_and_then_as_it_becomes(watched: Watched) -> None:
    async with aclosing(watched.shown()) as shown:
        first = await _next(shown)
        assert (_current(first), first.id) == ("Pending", "1")
        assert await _next(shown) == Event("1", "connection", _LIVE)
        watched.move("confirmed")
        second = await _next(shown)
        assert (_current(second), second.id) == ("Confirmed", "2")


@pytest.mark.parametrize("status", ["delivered", "cancelled"])
async def test_after_the_last_status_there_is_no_more_to_come(watched: Watched, status: str) -> None:
    watched.move(status, "sold out")
    said = [event async for event in watched.shown()]
    assert _current(said[0]) == status.capitalize()
    assert "Sold out." in said[0].data
    assert [(event.name, event.data) for event in said[1:]] == [("connection", ""), ("done", "")]


async def test_orders_that_are_away_are_said_once_and_shown_again(watched: Watched) -> None:
    watched.behind.broken = {"orders"}
    async with aclosing(watched.shown()) as shown:
        assert await _next(shown) == Event("", "connection", _INTERRUPTED)
        again = asyncio.create_task(_next(shown))
        asked = len(watched.behind.seen)
        async with asyncio.timeout(_SOON):
            while len(watched.behind.seen) < asked + 4:  # noqa: ASYNC110 - what is asked of it, it tells in no other way
                await asyncio.sleep(0.001)
        watched.behind.broken = set()
        assert _current(await again) == "Pending"
        assert (await _next(shown)).data == _LIVE


async def test_a_process_that_leaves_sends_the_browser_to_another(watched: Watched) -> None:
    said: list[str] = []
    async for event in watched.shown():
        said.append(event.name)
        watched.leaving = event.data == _LIVE
    assert said == ["status", "connection"]
    # The browser is told to come back soon, and not that there is nothing more to come.
    assert watched.raw[0] == b"retry: 1000\n\n"


async def test_a_connection_without_news_is_kept_from_being_cut(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_app.storefront.live._HEARTBEATS", 1)
    async with aclosing(follow(watched.visit, Pages(Assets()), watched.order.id, lambda: False)) as stream:
        async with asyncio.timeout(_SOON):
            async for part in stream:
                if part.startswith(b":"):
                    break
    assert part == b": here\n\n"


async def test_what_an_order_says_is_shown_as_text(watched: Watched) -> None:
    watched.move("cancelled", "<script>alert(1)</script>\n\nevent: done\ndata: x")
    said = [event async for event in watched.shown()]
    assert [event.name for event in said] == ["status", "connection", "done"]
    assert HTMLParser(said[0].data).css_first("script") is None
    assert "alert(1)" in said[0].data
