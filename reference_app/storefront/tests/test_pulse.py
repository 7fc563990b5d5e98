"""The dashboard's memory: how each service did lately, and what is not known while the gateway is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from reference_app.storefront.domain import Cart, Submission
from reference_app.storefront.gateway import Gateway, Visit
from reference_app.storefront.pulse import ROOM, Board, Pulse, State
from reference_app.storefront.schemas import Line
from reference_app.storefront.settings import Settings
from reference_app.storefront.tests.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
_PARTS = ("catalog", "orders", "sessions", "uploads")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class _Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Watch:
    """A pulse, its clock, and the shop that it looks at."""

    pulse: Pulse
    clock: _Clock
    behind: StandIn


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    async with StandIn().running() as behind:
        gateway = Gateway(Settings.model_validate({"gateway_url": behind.url}))
        clock = _Clock()
        yield Watch(Pulse(gateway, timedelta(seconds=2), clock), clock, behind)
        await gateway.close()


def _states(board: Board) -> dict[str, State]:
    return {row.name: row.state for row in board.rows}


async def test_who_asks_before_the_first_look_gets_one(watch: Watch) -> None:
    board = await watch.pulse.board()
    assert _states(board) == dict.fromkeys(("gateway", *_PARTS), State.OK)
    assert board.summary == "All services are up."
    assert {row.name: row.breaker for row in board.rows}["orders"] == "closed"


async def test_what_is_down_is_named(watch: Watch) -> None:
    watch.behind.broken = {"orders"}
    await watch.pulse.look()
    assert (await watch.pulse.board()).summary == "orders is down."
    watch.behind.broken = {"orders", "catalog"}
    await watch.pulse.look()
    board = await watch.pulse.board()
    assert board.summary == "catalog, orders are down."
    assert _states(board)["sessions"] is State.OK


async def test_without_the_gateway_nothing_is_known_of_those_behind_it(watch: Watch) -> None:
    watch.behind.broken = {"gateway"}
    unseen = await watch.pulse.board()
    assert _states(unseen) == {"gateway": State.DOWN, **dict.fromkeys(_PARTS, State.UNKNOWN)}
    assert "nothing can be said" in unseen.summary
    assert unseen.orders is None
    watch.behind.broken = set()
    await watch.pulse.look()
    assert (await watch.pulse.board()).down == ()


async def test_what_was_seen_lately_is_remembered_and_no_more(watch: Watch) -> None:
    await watch.pulse.look()
    watch.behind.broken = {"orders"}
    await watch.pulse.look()
    trend = {row.name: row.trend for row in (await watch.pulse.board()).rows}
    assert (trend["orders"].values, trend["catalog"].values) == ((1.5, None), (1.5, 1.5))
    watch.behind.broken = {"gateway"}
    for _ in range(ROOM):
        await watch.pulse.look()
    trend = {row.name: row.trend for row in (await watch.pulse.board()).rows}
    assert trend["gateway"].values == (None,) * ROOM
    # Of what nothing can be known, nothing is recorded.
    assert trend["orders"].values == (1.5, None)


async def test_orders_are_counted_by_status_and_asked_for_once_in_a_while(watch: Watch) -> None:
    visit = Visit(watch.pulse.gateway)
    session = await visit.begun_session()
    board = await watch.pulse.board()
    assert board.orders is not None
    assert set(board.orders.values()) == {0}
    line = Line(product_id=UUID(watch.behind.products[0]["id"]), quantity=1)
    await visit.place(Submission(key="0123456789abcdef", cart=Cart((line,))), session.customer)
    watch.clock.now += 1.9
    assert (await watch.pulse.board()).orders == board.orders
    watch.clock.now += 0.1
    later = (await watch.pulse.board()).orders
    assert later is not None
    assert {status: count for status, count in later.items() if count} == {"pending": 1}


async def test_orders_that_cannot_be_counted_are_not_shown_as_none(watch: Watch) -> None:
    watch.behind.broken = {"orders"}
    assert (await watch.pulse.board()).orders is None


async def test_a_look_that_goes_wrong_is_not_the_last(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    times = 0

    async def look(_pulse: Pulse) -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise KeyError
        looked.set()

    monkeypatch.setattr(Pulse, "look", look)
    pulse = Pulse(watch.pulse.gateway, timedelta(0))
    beating = asyncio.create_task(pulse.beat())
    await asyncio.wait_for(looked.wait(), 10)
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating
