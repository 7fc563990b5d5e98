"""The conversation with the gateway: the only service that the storefront talks to."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from reference_app.storefront.schemas import (
    Category,
    HealthReport,
    Link,
    Order,
    PageOf,
    ProblemSaid,
    Product,
    Session,
    Status,
    Step,
    Upload,
)
from reference_app.telemetry.connections import connector, forget_address
from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from reference_app.storefront.domain import Cart, Submission
    from reference_app.storefront.settings import Settings

_log = logging.getLogger(__name__)
Said = TypeVar("Said", bound=BaseModel)
Given = TypeVar("Given")

COOKIE: Final = "session"
_COOKIE_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,256}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Enough to get past two of three replicas that are on a dead node and have not been taken out of the service yet.
_CONNECTIONS_TRIED = 10
_SAFE = frozenset({"GET", "HEAD"})
_REPEATABLE = _SAFE | {"PUT", "DELETE"}
# The orders service sends a heartbeat every 15 s; after two that did not come the stream is dead.
_SILENCE = timedelta(seconds=35)
_DEFAULT_RETRY = 5
_PAGE = 24
_ALL = 100
_NOTHING_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class Part(StrEnum):
    """A part of the shop that can be away by itself; the value is what people call it."""

    CATALOGUE = "the catalogue"
    CART = "your cart"
    ORDERS = "your orders"
    FILES = "your files"
    HEALTH = "the health report"


@dataclass(eq=False)
class Outage(Exception):
    """A part of the shop does not answer; try again in *retry_after* seconds.

    *undecided* is whether something was asked to be changed, and may have been.
    """

    part: Part
    retry_after: int = _DEFAULT_RETRY
    undecided: bool = False


@dataclass(eq=False)
class Refusal(Exception):
    """The gateway, or what is behind it, refused a request."""

    part: Part
    status: HTTPStatus
    problem: ProblemSaid
    retry_after: int | None = None

    @property
    def kind(self) -> str:
        """What kind of problem it is."""
        return self.problem.kind


@dataclass(frozen=True)
class Answer:
    """What the gateway answered: the whole of it."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Placed:
    """An order that was placed; *replayed* if an earlier submit of the same form had placed it."""

    order: Order
    replayed: bool


@dataclass(frozen=True)
class Event:
    """One event of a stream of server-sent events."""

    id: str
    name: str
    data: str


class Gateway:
    """The gateway, as one process of the storefront reaches it. Connects when it is first asked."""

    def __init__(self, settings: Settings, *, observe: Callable[[Part, str], None] = lambda *_: None) -> None:
        self._base = URL(str(settings.gateway_url))
        self._patience = settings.gateway_timeout
        self._change_patience = settings.change_timeout
        self._connecting = settings.connect_timeout
        self._observe = observe
        self._client: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def asking(
        self,
        part: Part,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Sequence[tuple[str, str]] = (),
        json: object = None,
        data: AsyncIterator[bytes] | None = None,
        repeatable: bool = False,
        silence: timedelta | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and lend the answer once its head is there.

        A request of which nothing was sent is tried anew, one that may be *repeatable* also when the connection broke.
        Raises Outage or Refusal. *silence* is how long the gateway may say nothing, unless that is the usual time.
        """
        changes = method not in _SAFE
        patience = silence or (self._change_patience if changes else self._patience)
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=self._patience.total_seconds(),
            sock_connect=self._connecting.total_seconds(),
            sock_read=patience.total_seconds(),
        )
        repeatable = repeatable or method in _REPEATABLE
        response = None
        for attempt in range(_CONNECTIONS_TRIED):
            try:
                response = await self._connected().request(
                    method,
                    self._base.join(URL(path, encoded=True)),
                    params=params,
                    json=json,
                    data=data,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                )
                break
            except _NOTHING_SENT as error:
                if attempt + 1 == _CONNECTIONS_TRIED:
                    forget_address(self._client)
                    raise self._outage(part, error) from error
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                # One repetition renews a connection that died while it rested.
                if attempt or not repeatable:
                    raise self._outage(part, error, undecided=changes) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self._outage(part, error, undecided=changes) from error
        if response is None:
            raise Outage(part)
        try:
            await self._judge(part, response, changes=changes)
            yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._outage(part, error, undecided=changes) from error
        finally:
            response.release()

    def _connected(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=connector(limit=0, unacknowledged=self._patience),
                # Visitors' cookies are theirs; nothing of one may be sent for another.
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._client

    async def _judge(self, part: Part, response: aiohttp.ClientResponse, *, changes: bool) -> None:
        status = HTTPStatus(response.status)
        if status < HTTPStatus.BAD_REQUEST:
            self._observe(part, "answered")
            return
        retry_after = _seconds(response.headers.get("Retry-After"))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._observe(part, "outage")
            _log.warning("the gateway answered with an error", extra={"part": part.name, "status": int(status)})
            undecided = changes and status is HTTPStatus.GATEWAY_TIMEOUT
            raise Outage(part, retry_after or _DEFAULT_RETRY, undecided)
        self._observe(part, "refused")
        try:
            problem = ProblemSaid.model_validate_json(await response.read())
        except ValidationError:
            problem = ProblemSaid()
        raise Refusal(part, status, problem, retry_after)

    def _outage(self, part: Part, error: Exception, *, undecided: bool = False) -> Outage:
        self._observe(part, "outage")
        _log.warning("the gateway does not answer", extra={"part": part.name, "error": repr(error)})
        return Outage(part, undecided=undecided)

    async def health(self) -> tuple[HealthReport, timedelta]:
        """Return how the services behind the gateway do, and how long the gateway took to say so; raises Outage."""
        started = time.perf_counter()
        async with self.asking(Part.HEALTH, "GET", "/api/health", headers=_traced({})) as response:
            body = await response.read()
        return _understood(Part.HEALTH, HealthReport, body), timedelta(seconds=time.perf_counter() - started)

    async def newest_orders(self) -> list[Order]:
        """Return the newest orders of the whole shop."""
        async with self.asking(
            Part.ORDERS, "GET", "/orders", params=[("limit", str(_ALL))], headers=_traced({})
        ) as response:
            return _understood(Part.ORDERS, PageOf[Order], await response.read()).items


@dataclass
class Visit:
    """What one visitor asks of the gateway during one request.

    *cookies* are the ``Set-Cookie`` values that the gateway gave and that the visitor must get. Every method raises
    Outage where the part of the shop is away, and Refusal where the gateway refuses.
    """

    gateway: Gateway
    cookie: str | None = None
    forwarded: Mapping[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    _session: Session | None = None

    def __post_init__(self) -> None:
        if self.cookie is not None and not _COOKIE_VALUE.fullmatch(self.cookie):
            self.cookie = None

    async def session(self) -> Session | None:
        """Return the visitor's session, if there is one; asked for once."""
        if self.cookie is None or self._session is not None:
            return self._session
        try:
            answer = await self._ask(Part.CART, "GET", "/api/session")
        except Refusal as refusal:
            if refusal.status is HTTPStatus.UNAUTHORIZED:
                return None
            raise
        self._session = _understood(Part.CART, Session, answer.body)
        return self._session

    async def begun_session(self) -> Session:
        """Return the visitor's session, begun if there is none."""
        session = await self.session()
        if session is None:
            session = _understood(Part.CART, Session, (await self._ask(Part.CART, "POST", "/api/session")).body)
            self._session = session
        return session

    async def put_cart(self, cart: Cart) -> None:
        """Keep *cart* in the visitor's session."""
        items = [line.model_dump(mode="json") for line in cart.lines]
        await self._ask(Part.CART, "PUT", "/api/session/cart", json={"items": items})

    async def categories(self) -> list[Category]:
        """Return all categories by name."""
        answer = await self._ask(Part.CATALOGUE, "GET", "/catalog/categories", params=[("limit", str(_ALL))])
        return _understood(Part.CATALOGUE, PageOf[Category], answer.body).items

    async def products(self, *, search: str, category: str | None, cursor: str | None) -> PageOf[Product]:
        """Return one page of products by name."""
        asked = {"search": search, "category": category, "cursor": cursor}
        params = [(name, value) for name, value in asked.items() if value]
        answer = await self._ask(Part.CATALOGUE, "GET", "/catalog/products", params=[*params, ("limit", str(_PAGE))])
        return _understood(Part.CATALOGUE, PageOf[Product], answer.body)

    async def product(self, product_id: UUID) -> Product:
        """Return one product."""
        answer = await self._ask(Part.CATALOGUE, "GET", f"/catalog/products/{product_id}")
        return _understood(Part.CATALOGUE, Product, answer.body)

    async def products_of(self, cart: Cart) -> dict[UUID, Product]:
        """Return the products in *cart* that still exist."""
        if not cart.lines:
            return {}
        params = [("ids", str(line.product_id)) for line in cart.lines]
        answer = await self._ask(Part.CATALOGUE, "GET", "/catalog/products", params=params)
        return {one.id: one for one in _understood(Part.CATALOGUE, PageOf[Product], answer.body).items}

    async def place(self, submission: Submission, customer: str) -> Placed:
        """Place an order, or find the one that an earlier submit has placed."""
        items = [line.model_dump(mode="json") for line in submission.cart.lines]
        answer = await self._ask(
            Part.ORDERS,
            "POST",
            "/orders",
            json={"customer": customer, "items": items},
            headers={"Idempotency-Key": submission.key},
            # The key makes it so.
            repeatable=True,
        )
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        return Placed(_understood(Part.ORDERS, Order, answer.body), replayed)

    async def orders(self, customer: str, cursor: str | None) -> PageOf[Order]:
        """Return one page of a customer's orders, newest first."""
        params = [("customer", customer), ("limit", str(_PAGE)), *([("cursor", cursor)] if cursor else [])]
        answer = await self._ask(Part.ORDERS, "GET", "/orders", params=params)
        return _understood(Part.ORDERS, PageOf[Order], answer.body)

    async def order(self, order_id: UUID) -> Order:
        """Return one order, whoever placed it."""
        return _understood(Part.ORDERS, Order, (await self._ask(Part.ORDERS, "GET", f"/orders/{order_id}")).body)

    async def steps(self, order_id: UUID) -> list[Step]:
        """Return what has become of an order so far."""
        answer = await self._ask(Part.ORDERS, "GET", f"/orders/{order_id}/history")
        return _understood(Part.ORDERS, PageOf[Step], answer.body).items

    async def cancel(self, order_id: UUID) -> None:
        """Cancel an order."""
        await self._ask(Part.ORDERS, "POST", f"/orders/{order_id}/cancel", repeatable=True)

    async def status_events(self, order_id: UUID, after: int) -> AsyncGenerator[Status, None]:
        """Yield each status that an order reaches after the entry *after* of its history; ends with the stream."""
        headers = self._headers({"Accept": "text/event-stream", "Last-Event-ID": str(after)})
        async with self.gateway.asking(
            Part.ORDERS, "GET", f"/orders/{order_id}/events", headers=headers, silence=_SILENCE
        ) as response:
            async for event in events(response.content):
                if event.name == "status":
                    yield _understood(Part.ORDERS, Step, event.data.encode()).status

    async def uploads(self) -> list[Upload]:
        """Return the visitor's files, newest first."""
        answer = await self._ask(Part.FILES, "GET", "/api/uploads")
        found = _understood(Part.FILES, PageOf[Upload], answer.body).items
        return sorted(found, key=lambda upload: upload.uploaded_at, reverse=True)

    async def upload(self, name: str, content_type: str, data: AsyncIterator[bytes]) -> Upload:
        """Pass a file on while it comes in; raises what *data* raises, and then nothing was kept."""
        watched = _Watched(data)
        try:
            answer = await self._ask(
                Part.FILES,
                "POST",
                "/api/uploads",
                params=[("name", name)],
                data=watched.pieces(),
                headers={"Content-Type": content_type},
            )
        except Outage:
            # The client wraps what the source raised into an error of the connection.
            if watched.failure is not None:
                raise watched.failure from None
            raise
        return _understood(Part.FILES, Upload, answer.body)

    @asynccontextmanager
    async def download(self, upload_id: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Lend the answer that carries a file."""
        async with self.gateway.asking(
            Part.FILES, "GET", f"/api/uploads/{upload_id}", headers=self._headers({})
        ) as response:
            yield response

    async def link(self, upload_id: str) -> Link:
        """Return a link to a file that works for whoever has it, for a while."""
        answer = await self._ask(Part.FILES, "POST", f"/api/uploads/{upload_id}/link")
        return _understood(Part.FILES, Link, answer.body)

    async def delete_upload(self, upload_id: str) -> None:
        """Remove a file."""
        await self._ask(Part.FILES, "DELETE", f"/api/uploads/{upload_id}")

    async def _ask(
        self,
        part: Part,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        json: object = None,
        data: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        async with self.gateway.asking(
            part,
            method,
            path,
            headers=self._headers(headers or {}),
            params=params,
            json=json,
            data=data,
            repeatable=repeatable,
        ) as response:
            body = await response.read()
            for given in response.headers.getall("Set-Cookie", []):
                self._take(given)
            return Answer(body, response.headers)

    def _headers(self, own: Mapping[str, str]) -> dict[str, str]:
        cookie = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        return _traced({**self.forwarded, **cookie, **own})

    def _take(self, given: str) -> None:
        name, _, rest = given.partition("=")
        value = rest.partition(";")[0].strip().strip('"')
        if name.strip() == COOKIE and (not value or _COOKIE_VALUE.fullmatch(value)):
            self.cookies.append(given)
            self.cookie = value or None


@dataclass
class _Watched:
    data: AsyncIterator[bytes]
    failure: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.data:
                yield piece
        except Exception as error:
            self.failure = error
            raise


async def attempt(asked: Awaitable[Given]) -> Given | Outage:
    """Return what was asked for, or the outage that stood in its way, so that the rest of a page can be shown."""
    try:
        return await asked
    except Outage as outage:
        return outage


def request_id(value: str | None) -> Mapping[str, str]:
    """Return the header that passes the id of a request on, if it is one."""
    return {"X-Request-Id": value} if value is not None and _REQUEST_ID.fullmatch(value) else {}


async def events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """Yield the events in *lines* (HTML standard, section 9.2.6)."""
    identity = name = ""
    data: list[str] = []
    async for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield Event(identity, name or "message", "\n".join(data))
            name, data = "", []
            continue
        label, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if label == "data":
            data.append(value)
        elif label == "event":
            name = value
        elif label == "id" and "\0" not in value:
            identity = value


def _traced(headers: Mapping[str, str]) -> dict[str, str]:
    trace = current_trace.get()
    return {**headers, **({"traceparent": trace.traceparent} if trace else {})}


def _understood(part: Part, kind: type[Said], body: bytes) -> Said:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        _log.error("the gateway said what cannot be understood", extra={"part": part.name, "error": str(error)})
        raise Outage(part) from error


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdecimal() and len(value) < 6 else None  # noqa: PLR2004 - a day has five digits of seconds
