"""What many ask for at once is asked of the cache in one command, and each gets its own answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from reference_app.catalog.cache import _Lookups


@dataclass
class Store:
    """Answers when it is let; keeps what it was asked for."""

    held: dict[str, bytes]
    asked: list[list[str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Exception | None = None

    async def fetch(self, keys: list[str]) -> list[bytes | str | None]:
        self.asked.append(keys)
        await self.open.wait()
        if self.fails is not None:
            raise self.fails
        return [self.held.get(key) for key in keys]


def test_who_asks_while_a_command_is_under_way_goes_with_the_next() -> None:
    async def story() -> tuple[list[bytes | None], list[list[str]]]:
        store = Store({"a": b"1", "b": b"2"})
        lookups = _Lookups(store.fetch)
        first = asyncio.create_task(lookups.get("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        later = [asyncio.create_task(lookups.get(key)) for key in ("a", "b", "c", "b")]
        await asyncio.sleep(0)
        store.open.set()
        return list(await asyncio.gather(first, *later)), store.asked

    answers, asked = asyncio.run(story())
    assert answers == [b"1", b"1", b"2", None, b"2"]
    assert asked == [["a"], ["a", "b", "c"]]


def test_who_asks_at_the_same_moment_shares_a_command() -> None:
    async def story() -> list[list[str]]:
        store = Store({})
        store.open.set()
        lookups = _Lookups(store.fetch)
        await asyncio.gather(*(lookups.get(str(number)) for number in range(50)))
        return store.asked

    assert [len(keys) for keys in asyncio.run(story())] == [50]


def test_a_failure_reaches_all_who_asked_and_nobody_else() -> None:
    async def story() -> tuple[list[object], bytes | None]:
        store = Store({"a": b"1"}, fails=TimeoutError())
        store.open.set()
        lookups = _Lookups(store.fetch)
        failed = await asyncio.gather(lookups.get("a"), lookups.get("b"), return_exceptions=True)
        store.fails = None
        return list(failed), await lookups.get("a")

    failed, after = asyncio.run(story())
    assert [type(one) for one in failed] == [TimeoutError, TimeoutError]
    assert after == b"1"


def test_one_who_leaves_takes_no_answer_from_the_others() -> None:
    async def story() -> bytes | None:
        store = Store({"a": b"1"})
        lookups = _Lookups(store.fetch)
        leaving = asyncio.create_task(lookups.get("a"))
        staying = asyncio.create_task(lookups.get("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        store.open.set()
        return await staying

    assert asyncio.run(story()) == b"1"
