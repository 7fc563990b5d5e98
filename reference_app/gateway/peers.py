"""The services behind the gateway: connections to them, patience with them, and what is tried again."""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from reference_app.gateway.breaker import Breaker, BreakerOpen
from reference_app.telemetry.calls import calling
from reference_app.telemetry.connections import connector, forget_address
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import timedelta

    from reference_app.gateway.headers import Header
    from reference_app.gateway.limits import RetryBudget
    from reference_app.gateway.settings import Settings

_SAFE: Final = frozenset({"GET", "HEAD"})
OUTCOMES: Final = ("answered", "timeout", "unreachable", "refused")
# Two of three replicas may be on a dead node until the cluster notices; (2/3)^16: one request in 650 finds no other.
_CONNECTIONS_TRIED: Final = 16
_OURS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Nothing of the request has been sent, so that it may be tried again whatever its method is.
_NOT_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_COME_BACK: Final = 1


@dataclass(frozen=True)
class PeerWatch:
    """Who is told how it goes with one peer: *asked* of each outcome, *retried* of each request tried again."""

    asked: Callable[[str], object]
    retried: Callable[[], object]


@dataclass(frozen=True)
class Target:
    """What to ask of a peer: the *path* with the query, as it is on the wire, and the *body*, whole or in parts."""

    method: str
    path: str
    headers: Sequence[Header]
    template: str
    body: bytes | AsyncIterator[bytes] | None = None


class Peer:
    """One service behind the gateway.

    A connection that cannot be made is tried again, with another replica as it were: nothing was sent. What was sent
    and not answered is tried once more where the method is safe and the budget has room. Whatever the peer answers, it
    is there: an answer never counts against it, be it a 500 or its own 503 (which says more than ours would).
    """

    def __init__(self, name: str, url: str, settings: Settings, *, budget: RetryBudget, watch: PeerWatch) -> None:
        self.name = name
        self.breaker = Breaker(name, failures=settings.breaker_failures, recovery=settings.breaker_recovery)
        self._base = url.rstrip("/")
        self._settings = settings
        self._budget = budget
        self._watch = watch
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def asked(self, target: Target) -> AsyncIterator[aiohttp.ClientResponse]:
        """Lend the peer's answer, whose body has not been read, until the block ends.

        Raises a 503 problem while the breaker is open or when the peer cannot be reached, 504 when it does not answer
        in time.
        """
        try:
            self.breaker.admit()
        except BreakerOpen as refusal:
            self._watch.asked("refused")
            raise self._unavailable(refusal.seconds) from None
        answer = await self._answered(target)
        try:
            yield answer
        finally:
            # A body that was read to its end has given its connection back already; any other is closed.
            answer.close()

    async def ping(self) -> bool:
        """Ask whether the peer is ready, past breaker and budget."""
        async with self._client().get(f"{self._base}/readyz", timeout=aiohttp.ClientTimeout(total=1)) as answer:
            return answer.status == HTTPStatus.OK

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _answered(self, target: Target) -> aiohttp.ClientResponse:
        self._budget.deposit()
        decided = False
        try:
            with calling(target.method, self.name, target.template) as call:
                headers = [*_text(target.headers), *call.headers.items()]
                answer = await self._tried(target, headers)
                call.status = answer.status
        except _NOT_CONNECTED:
            # First, because one of them is a time-out by its type as well.
            decided = True
            forget_address(self._session)
            self.breaker.failed()
            self._watch.asked("unreachable")
            raise self._unavailable(_COME_BACK) from None
        except TimeoutError:
            decided = True
            self.breaker.failed()
            self._watch.asked("timeout")
            raise Problem(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"The {self.name} service did not answer in time.",
                kind="peer-timeout",
                headers={"Retry-After": str(_COME_BACK)},
            ) from None
        except (aiohttp.ClientError, OSError):
            if isinstance(target.body, _Parts) and target.body.broken is not None:
                raise target.body.broken from None
            decided = True
            self.breaker.failed()
            self._watch.asked("unreachable")
            raise self._unavailable(_COME_BACK) from None
        else:
            decided = True
            self.breaker.succeeded()
            self._watch.asked("answered")
            return answer
        finally:
            if not decided:
                # The client left, or its body broke: nothing was learned about the peer.
                self.breaker.undecided()

    async def _tried(self, target: Target, headers: list[tuple[str, str]]) -> aiohttp.ClientResponse:
        again = target.method in _SAFE and target.body is None
        connections = 0
        async with asyncio.timeout(self._settings.peer_timeout.total_seconds()) as limit:
            body = target.body if not isinstance(target.body, _Parts) else target.body.extending(limit)
            while True:
                try:
                    return await self._client().request(
                        target.method,
                        URL(f"{self._base}{target.path}", encoded=True),
                        headers=headers,
                        data=body,
                        skip_auto_headers=_OURS,
                        allow_redirects=False,
                    )
                except _NOT_CONNECTED:
                    connections += 1
                    if connections >= _CONNECTIONS_TRIED:
                        raise
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as broken:
                    if not again or not self._budget.withdraw():
                        raise
                    # A dead peer's connection times out only once; it may be tried on each that is left of it.
                    again = isinstance(broken, OSError) and broken.errno == errno.ETIMEDOUT
                self._watch.retried()

    def _unavailable(self, seconds: int) -> Problem:
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The {self.name} service cannot be reached just now; the others go on.",
            kind="peer-unavailable",
            headers={"Retry-After": str(seconds)},
        )

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            settings = self._settings
            self._session = aiohttp.ClientSession(
                connector=connector(limit=settings.peer_connections, unacknowledged=settings.peer_user_timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=settings.peer_connect_timeout.total_seconds(),
                    sock_read=settings.peer_silence.total_seconds(),
                ),
            )
            # aiohttp would try idempotent methods again by itself, past the budget; it has no other switch.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


class _Parts:
    """A request body that comes in parts; each part that came gives the peer its full time to answer again.

    *broken* is what the parts raised, if they did: the client library would tell only that it could not send the body.
    """

    def __init__(self, parts: AsyncIterator[bytes], patience: timedelta) -> None:
        self._parts = parts
        self._patience = patience.total_seconds()
        self._limit: asyncio.Timeout | None = None
        self.broken: Exception | None = None

    def extending(self, limit: asyncio.Timeout) -> _Parts:
        """Let *limit* run anew with each part."""
        self._limit = limit
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await anext(self._parts)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.broken = error
            raise
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + self._patience)
        return part


def in_parts(parts: AsyncIterator[bytes], patience: timedelta) -> AsyncIterator[bytes]:
    """Return a body to send in *parts*; the peer's time to answer begins anew, as long as *patience*, with each."""
    return _Parts(parts, patience)


def _text(headers: Sequence[Header]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
