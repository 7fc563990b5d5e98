"""A read-through cache in Redis: one load per key at a time across all replicas, never older than the last write.

How staleness is kept out. Whoever loads a missing entry holds a lock under a random token, and Redis accepts the entry
only while that token is still in the lock. A writer removes entry *and* lock after its commit. So an entry whose load
began before a write can never be stored after it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

_log = logging.getLogger(__name__)

_STORE_IF_STILL_HELD = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', KEYS[2], '1')
return 1
"""
_RENEW_IF_STILL_HELD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE_IF_STILL_HELD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], '0')
return 1
"""
_RENEWALS = 3
_FAILURES = (RedisError, OSError, TimeoutError)


class Origin(StrEnum):
    """Where an answer came from; the value is that of the ``X-Cache`` header."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"


@dataclass(frozen=True)
class Policy:
    """How long an entry lives, how long a dead loader holds the others up, and how long a dead Redis is left alone.

    A loader renews its *lock* as long as it lives, so that a slow load stays the only one. *jitter* is the share by
    which a lifetime is lengthened or shortened at random.
    """

    ttl: timedelta
    jitter: float
    lock: timedelta = timedelta(seconds=1.5)
    rest: timedelta = timedelta(seconds=1)

    def lifetime(self, chance: float) -> timedelta:
        """Return the lifetime of one entry; *chance* is evenly spread over 0 to 1."""
        return self.ttl * (1 + self.jitter * (2 * chance - 1))


@dataclass(frozen=True)
class Answer:
    """What a key holds, and where it came from."""

    value: bytes
    origin: Origin


@dataclass(eq=False)
class _Flight:
    """One load under way in this process; *sealed* once its answer may have been read already."""

    task: asyncio.Task[Answer]
    sealed: bool = False


@dataclass
class _Breaker:
    """Leaves a failing Redis alone for a while, and remembers the keys that could not be removed meanwhile."""

    rest: timedelta
    longest_lifetime: timedelta
    clock: Callable[[], float]
    closed_from: float = 0.0
    owed: dict[str, float] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.clock() < self.closed_from

    def trip(self) -> None:
        self.closed_from = self.clock() + self.rest.total_seconds()

    def owe(self, key: str) -> None:
        self.owed[key] = self.clock() + self.longest_lifetime.total_seconds()

    def still_owed(self) -> list[str]:
        now = self.clock()
        self.owed = {key: until for key, until in self.owed.items() if until > now}
        return list(self.owed)


class _Lookups:
    """Asks for what many want at once in one command.

    One command is under way at a time; what is asked for meanwhile goes with the next one. A single question goes at
    once. Each answer is of a command that was sent after the question was asked.
    """

    def __init__(self, fetch: Callable[[list[str]], Awaitable[list[bytes | str | None]]]) -> None:
        self._fetch = fetch
        self._waiting: dict[str, list[asyncio.Future[bytes | None]]] = {}
        self._sending: asyncio.Task[None] | None = None

    async def get(self, key: str) -> bytes | None:
        """Return what *key* holds; raises what the driver raises."""
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(waiting)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return await waiting

    async def _send(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                try:
                    values = await self._fetch(list(asked))
                except Exception as error:  # noqa: BLE001 - it is the askers' to handle
                    for waiting in (one for each in asked.values() for one in each if not one.done()):
                        waiting.set_exception(error)
                    continue
                for value, each in zip(values, asked.values(), strict=True):
                    found = None if value is None else _bytes(value)
                    for waiting in each:
                        # Whoever asked may have left.
                        if not waiting.done():
                            waiting.set_result(found)
        finally:
            self._sending = None


class Cache:
    """Reads through Redis.

    Without Redis (*redis* is ``None``, or it fails) every read is a load, still one per key at a time in this process.
    """

    def __init__(
        self,
        redis: Redis | None,
        policy: Policy,
        *,
        observe: Callable[[Origin], None],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._redis = redis
        self._policy = policy
        self._observe = observe
        self._clock = clock
        self._chance = chance
        self._flights: dict[str, _Flight] = {}
        self._lookups = _Lookups(self._fetch)
        self._breaker = _Breaker(policy.rest, policy.lifetime(1.0), clock)

    async def read(self, key: str, load: Callable[[], Awaitable[bytes]]) -> Answer:
        """Return what *key* holds, loading and storing it if it holds nothing.

        A caller shares the load of another one only if that load has yet to begin; otherwise it waits for the end and
        looks again, so that no answer is older than the question. Raises what *load* raises; a failure is shared by all
        who waited for it, lest they queue up behind a database that is down.
        """
        missed = False
        while True:
            answer = await self._look_up(key)
            if answer.origin is Origin.HIT:
                # Whoever had to wait for a load was not served from the cache, even if the value came out of it.
                return self._observed(Answer(answer.value, Origin.MISS) if missed else answer)
            missed = True
            flight = self._flights.get(key)
            if flight is None:
                flight = self._take_off(key, load)
            elif flight.sealed:
                await asyncio.wait([flight.task])
                if flight.task.exception() is None:
                    continue
            # Shielded: the load is not one caller's own, so one caller's leaving must not end it.
            return self._observed(await asyncio.shield(flight.task))

    async def invalidate(self, *keys: str) -> None:
        """Forget *keys*; call it after the commit.

        What cannot be removed because Redis is away is removed before the cache is read again.
        """
        if self._redis is None or not keys:
            return
        if self._breaker.open:
            for key in keys:
                self._breaker.owe(key)
            return
        try:
            await self._forget([*keys, *self._breaker.still_owed()])
        except _FAILURES as error:
            self._failed(error)
            for key in keys:
                self._breaker.owe(key)

    async def ping(self) -> None:
        """Return if Redis answers, else raise what its driver raises."""
        if self._redis is not None:
            # A raw command, because the typed one is declared for both the blocking and the asynchronous client.
            await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Wait for the loads under way, then close the connections."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])
        if self._redis is not None:
            await self._redis.aclose()

    def _observed(self, answer: Answer) -> Answer:
        self._observe(answer.origin)
        return answer

    def _take_off(self, key: str, load: Callable[[], Awaitable[bytes]]) -> _Flight:
        async def fly() -> Answer:
            try:
                return await self._fly(key, load, flight)
            finally:
                del self._flights[key]

        flight = _Flight(asyncio.create_task(fly()))
        self._flights[key] = flight
        # A failure is every waiting caller's to see; if all have left, it is nobody's.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _fly(self, key: str, load: Callable[[], Awaitable[bytes]], flight: _Flight) -> Answer:
        token = secrets.token_hex(8)
        locked = False
        try:
            while not self._resting:
                flight.sealed = True
                locked, value = await self._lock(key, token)
                if value is not None:
                    # Somebody has landed since this one looked: what is there need not be loaded again.
                    if locked:
                        await self._evaluate(_RELEASE_IF_STILL_HELD, [_lock_of(key)], token)
                    return Answer(value, Origin.MISS)
                if locked:
                    break
                # Another replica loads; once it has landed, or died, there is an entry to find or a lock to take.
                if (value := await self._landed_elsewhere(key)) is not None:
                    return Answer(value, Origin.MISS)
        except _FAILURES as error:
            self._failed(error)
        flight.sealed = True
        origin = Origin.BYPASS if self._resting else Origin.MISS
        if not locked:
            return Answer(await load(), origin)
        loading = asyncio.ensure_future(load())
        while not (await asyncio.wait([loading], timeout=self._policy.lock.total_seconds() / _RENEWALS))[0]:
            await self._evaluate(_RENEW_IF_STILL_HELD, [_lock_of(key)], token, _milliseconds(self._policy.lock))
        if loading.cancelled() or loading.exception() is not None:
            await self._evaluate(_RELEASE_IF_STILL_HELD, [_lock_of(key)], token)
        else:
            lifetime = _milliseconds(self._policy.lifetime(self._chance()))
            await self._evaluate(_STORE_IF_STILL_HELD, [_entry(key), _lock_of(key)], token, loading.result(), lifetime)
        return Answer(loading.result(), origin)

    @property
    def _resting(self) -> bool:
        return self._redis is None or self._breaker.open

    @property
    def _client(self) -> Redis:
        if self._redis is None:
            msg = "no Redis is configured"
            raise AssertionError(msg)
        return self._redis

    async def _look_up(self, key: str) -> Answer:
        if self._resting:
            return Answer(b"", Origin.BYPASS)
        try:
            if owed := self._breaker.still_owed():
                await self._forget(owed)
            value = await self._lookups.get(_entry(key))
        except _FAILURES as error:
            self._failed(error)
            return Answer(b"", Origin.BYPASS)
        return Answer(b"", Origin.MISS) if value is None else Answer(value, Origin.HIT)

    async def _fetch(self, entries: list[str]) -> list[bytes | str | None]:
        return list(await self._client.mget(entries))

    async def _lock(self, key: str, token: str) -> tuple[bool, bytes | None]:
        """Take the lock of *key* if it is free; return whether that was so, and what *key* holds at that moment."""
        async with self._client.pipeline(transaction=True) as commands:
            commands.set(_lock_of(key), token, nx=True, px=self._policy.lock)
            commands.get(_entry(key))
            locked, value = await commands.execute()
        return bool(locked), None if value is None else _bytes(value)

    async def _landed_elsewhere(self, key: str) -> bytes | None:
        async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(_lock_of(key))
            # The other one may have landed before the subscription was in place, so look before listening. The lock of
            # one that died says nothing when it ends, so listen no longer than it can live.
            left = await self._client.pttl(_lock_of(key))
            until = self._clock() + left / 1000
            while (seconds := until - self._clock()) > 0:
                # The confirmation of the subscription comes back as None at once.
                if await channel.get_message(timeout=seconds) is not None:
                    break
            value = await self._client.get(_entry(key))
        return None if value is None else _bytes(value)

    async def _evaluate(self, script: str, keys: list[str], *arguments: str | bytes | int) -> None:
        try:
            await self._client.eval(script, len(keys), *keys, *arguments)
        except _FAILURES as error:
            self._failed(error)

    async def _forget(self, keys: list[str]) -> None:
        async with self._client.pipeline(transaction=True) as commands:
            commands.delete(*(_entry(key) for key in keys), *(_lock_of(key) for key in keys))
            for key in keys:
                commands.publish(_lock_of(key), "0")
            await commands.execute()
        for key in keys:
            self._breaker.owed.pop(key, None)

    def _failed(self, error: BaseException) -> None:
        if not self._breaker.open:
            _log.warning("cache unavailable, reading from the database", extra={"error": repr(error)})
        self._breaker.trip()


def _milliseconds(duration: timedelta) -> int:
    return max(1, duration // timedelta(milliseconds=1))


def _bytes(value: bytes | str) -> bytes:
    # The driver is typed for both; this client leaves answers undecoded.
    return value if isinstance(value, bytes) else value.encode()


def _entry(key: str) -> str:
    return f"catalog:{key}"


def _lock_of(key: str) -> str:
    return f"catalog:{key}:lock"
