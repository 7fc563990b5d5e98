"""Sessions in Redis: who a visitor is, and what is in the cart. Only the hash of a session's id is kept."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from reference_app.gateway.breaker import Breaker, BreakerOpen
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from reference_app.gateway.settings import Settings

_ID_BYTES: Final = 32
_COME_BACK: Final = 1
_FAILURES: Final = (RedisError, OSError, TimeoutError)
_ANSWERS: Final = (ResponseError,)


@dataclass(frozen=True)
class Line:
    """So many pieces of one product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Session:
    """A visitor: the name *customer* that nobody else has, and the *cart*."""

    customer: UUID
    cart: tuple[Line, ...] = ()

    def packed(self) -> bytes:
        """Return it as it is kept."""
        return orjson.dumps(self)

    @classmethod
    def unpacked(cls, kept: bytes | str) -> Session:
        """Read what `packed` made."""
        said = orjson.loads(kept)
        cart = tuple(Line(UUID(line["product_id"]), line["quantity"]) for line in said["cart"])
        return cls(UUID(said["customer"]), cart)


class Sessions:
    """The sessions of all replicas. Each use lets one live for *ttl* from then on.

    Every method raises a 503 problem while Redis does not answer; after enough of them Redis is not even asked, and
    nobody waits for it.
    """

    def __init__(self, redis: Redis, ttl: timedelta, breaker: Breaker) -> None:
        self.breaker = breaker
        self._redis = redis
        self._ttl = ttl

    @classmethod
    def connected(cls, settings: Settings) -> Sessions:
        """Use the Redis that *settings* name; nothing is connected before the first use."""
        seconds = settings.session_timeout.total_seconds()
        redis = Redis.from_url(
            str(settings.session_url),
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            # One retry renews a connection that died while it rested.
            retry=Retry(NoBackoff(), 1),
        )
        breaker = Breaker("sessions", failures=settings.breaker_failures, recovery=settings.breaker_recovery)
        return cls(redis, settings.session_ttl, breaker)

    async def begin(self) -> tuple[str, Session]:
        """Begin a session; return its id, which nobody can guess, and what it holds."""
        identity, session = secrets.token_urlsafe(_ID_BYTES), Session(uuid4())
        with self._asked():
            await self._redis.set(_key(identity), session.packed(), ex=self._ttl)
        return identity, session

    async def find(self, identity: str) -> Session | None:
        """Return the session with that id, if there is one."""
        with self._asked():
            kept = await self._redis.getex(_key(identity), ex=self._ttl)
        return None if kept is None else Session.unpacked(kept)

    async def fill_cart(self, identity: str, cart: Sequence[Line]) -> Session | None:
        """Let the cart of a session hold exactly *cart*; return the session, if there is one."""
        session = await self.find(identity)
        if session is None:
            return None
        filled = replace(session, cart=tuple(cart))
        with self._asked():
            # Only if it is still there: a session that ended meanwhile must not come back.
            stored = await self._redis.set(_key(identity), filled.packed(), ex=self._ttl, xx=True)
        return filled if stored else None

    async def end(self, identity: str) -> None:
        """End a session, if there is one."""
        with self._asked():
            await self._redis.delete(_key(identity))

    async def ping(self) -> None:
        """Return if Redis answers, past the breaker; raises what the driver raises."""
        await self._redis.ping()

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            with self.breaker.watching(failures=_FAILURES, answers=_ANSWERS):
                yield
        except BreakerOpen as refusal:
            raise _unavailable(refusal.seconds) from None
        except _FAILURES:
            raise _unavailable(_COME_BACK) from None


def _key(identity: str) -> str:
    return f"session:{hashlib.sha256(identity.encode()).hexdigest()}"


def _unavailable(seconds: int) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Sessions cannot be reached just now; what is in your cart is kept.",
        kind="sessions-unavailable",
        headers={"Retry-After": str(seconds)},
    )
