"""An order is followed as things become of it, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import pytest

from reference_app.orders import streaming
from reference_app.orders.app import create_app
from reference_app.telemetry.instruments import Instruments
from seatrial.waiting import eventually
from suites.services.orders.conftest import served

if TYPE_CHECKING:
    from reference_app.orders.settings import Settings
    from suites.services.orders.conftest import Shop

pytestmark = pytest.mark.anyio

_SOON = 20


@dataclass
class Follower:
    """Reads a stream of server-sent events block by block, as its reader says it arrived."""

    answer: aiohttp.ClientResponse
    blocks: list[str] = field(default_factory=list)

    async def block(self) -> str:
        """Return the next block; empty at the end of the stream."""
        lines = []
        async with asyncio.timeout(_SOON):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n":
                    break
                lines.append(line)
        return "".join(lines)

    async def event(self) -> tuple[str, dict[str, object]]:
        """Return the id and the data of the next event."""
        while "data:" not in (block := await self.block()):
            assert block, "the stream has ended"
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        assert fields["event"] == "status"
        return fields["id"], json.loads(fields["data"])

    async def rest(self) -> list[str]:
        """Return the ids of all events up to the end of the stream."""
        ids = []
        while block := await self.block():
            ids += [line.removeprefix("id: ") for line in block.splitlines() if line.startswith("id: ")]
        return ids


Follow = Callable[..., AbstractAsyncContextManager[Follower]]


@dataclass(frozen=True)
class Served:
    """The order service behind a socket."""

    follow: Follow
    instruments: Instruments


@pytest.fixture
async def streams(settings: Settings) -> AsyncIterator[Served]:
    instruments = Instruments.of(settings)
    async with served(create_app(settings, instruments)) as url, aiohttp.ClientSession(url) as session:

        @asynccontextmanager
        async def follow(path: str, **headers: str) -> AsyncIterator[Follower]:
            async with session.get(f"{path}/events", headers=headers) as answer:
                assert answer.status == 200
                assert answer.headers["content-type"].startswith("text/event-stream")
                yield Follower(answer)

        yield Served(follow, instruments)


async def test_what_has_become_comes_first_and_then_what_becomes(shop: Shop, streams: Served) -> None:
    path = await shop.placed()
    async with streams.follow(path) as follower:
        first = await follower.event()
        await shop.settle()
        # The relay wakes whoever waits for the second event as well.
        await shop.relay.round()
        second = await follower.event()

    history = (await shop.client.get(f"{path}/history")).json()["items"]
    assert [first, second] == [("1", history[0]), ("2", history[1])]
    assert history[1]["status"] == "confirmed"


@pytest.mark.parametrize("last", ["cancelled", "delivered"])
async def test_a_stream_ends_with_the_order(shop: Shop, streams: Served, last: str) -> None:
    path = await shop.placed()
    if last == "delivered":
        await shop.settle()
        await shop.client.post(f"{path}/ship")
    async with streams.follow(path) as follower:
        await shop.client.post(f"{path}/{'cancel' if last == 'cancelled' else 'deliver'}")
        await shop.relay.round()
        ids = await follower.rest()

    assert ids == (["1", "2"] if last == "cancelled" else ["1", "2", "3", "4"])


async def test_a_follower_goes_on_where_it_left_off(shop: Shop, streams: Served) -> None:
    path = await shop.placed()
    await shop.settle()
    await shop.client.post(f"{path}/cancel")

    async with streams.follow(path, **{"Last-Event-ID": "1"}) as follower:
        assert await follower.rest() == ["2", "3"]
    for made_up in ("x", "-1", "9" * 30):
        async with streams.follow(path, **{"Last-Event-ID": made_up}) as follower:
            assert await follower.rest() == ["1", "2", "3"]


async def test_a_browser_that_has_everything_need_not_ask_again(shop: Shop) -> None:
    path = await shop.placed()
    await shop.client.post(f"{path}/cancel")

    answer = await shop.client.get(f"{path}/events", headers={"Last-Event-ID": "2"})

    assert (answer.status_code, answer.content) == (204, b"")


async def test_without_redis_the_database_is_looked_at(shop: Shop, streams: Served) -> None:
    path = await shop.placed()
    async with streams.follow(path) as follower:
        await follower.event()
        shop.redis.kill()
        await shop.client.post(f"{path}/cancel")
        sequence, entry = await follower.event()

    assert (sequence, entry["status"]) == ("2", "cancelled")


async def test_after_redis_came_back_the_channel_is_heard_again(shop: Shop, settings: Settings) -> None:
    app = create_app(settings)
    wakes = app.state.parts.streaming._wakes
    async with app.router.lifespan_context(app), asyncio.timeout(_SOON):
        await _until(lambda: wakes.heard)
        shop.redis.kill()
        await _until(lambda: not wakes.heard)
        shop.redis.start()
        await _until(lambda: wakes.heard)
        path = await shop.placed()
        with wakes.waiting(UUID(path.rpartition("/")[2])) as wake:
            await shop.relay.round()
            await wake.wait()


async def _until(true: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, true, until=bool, within=timedelta(seconds=_SOON), what="it is so")


async def test_a_lost_wake_is_made_up_for(shop: Shop, streams: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_LOOK_ANYWAY", streaming._GLANCE)
    path = await shop.placed()
    async with streams.follow(path) as follower:
        await follower.event()
        # No relay says anything.
        await shop.client.post(f"{path}/cancel")
        sequence, _ = await follower.event()

    assert sequence == "2"


async def test_a_quiet_stream_shows_that_it_lives(shop: Shop, streams: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_HEARTBEAT", streaming._GLANCE)
    path = await shop.placed()

    async with streams.follow(path) as follower:
        await follower.event()
        block = await follower.block()

    assert block.startswith(":")


async def test_a_process_that_is_about_to_stop_sends_its_followers_away(shop: Shop, streams: Served) -> None:
    path = await shop.placed()
    async with streams.follow(path) as follower:
        await follower.event()
        streams.instruments.health.drain()
        assert await follower.rest() == []


async def test_nobody_waits_for_an_order_after_the_follower_has_gone(shop: Shop, settings: Settings) -> None:
    app = create_app(settings)
    waiting = app.state.parts.streaming._wakes._waiting
    path = await shop.placed()
    async with served(app) as url, aiohttp.ClientSession(url) as session, asyncio.timeout(_SOON):
        async with session.get(f"{path}/events") as answer:
            await Follower(answer).event()
            await _until(lambda: bool(waiting))
        await _until(lambda: not waiting)
