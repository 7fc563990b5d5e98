"""The order service with one bug planted, each of a kind that others have shipped.

A bug is a change to the real service, made in the process that runs it. Each says which promise it breaks; the tests
say under which trouble that shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString, cast

from redis.asyncio import Redis
from sqlalchemy import select

from reference_app.orders import placing, relay, store
from reference_app.orders.catalog import Catalog
from reference_app.orders.domain import Order, Status, UnknownProducts
from reference_app.orders.messages import STREAM
from reference_app.orders.placing import Answer, Placing
from reference_app.orders.relay import Relay
from reference_app.orders.schemas import OrderShown
from reference_app.orders.settings import Settings
from reference_app.orders.store import Store
from reference_app.orders.tables import EventRow
from reference_app.orders.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from redis.typing import EncodableT
    from sqlalchemy import Row, Select

    from reference_app.orders.domain import Draft, Event, Page, Position, Product
    from reference_app.orders.messages import Message
    from reference_app.orders.store import Request
    from reference_app.orders.worker import Received
    from reference_app.persistence.versions import Expectation

# For how long a process that does two things one after the other has done the first and not the second.
_BETWEEN = 0.6
_CHANNEL = "orders:all"
_background: set[asyncio.Task[None]] = set()


def _plant(place: object, name: str, bug: object) -> None:
    assert hasattr(place, name), name
    setattr(place, name, bug)


def _later(work: Callable[[], object]) -> None:
    async def wait() -> None:
        await asyncio.sleep(_BETWEEN)
        await cast("asyncio.Future[object]", work())

    task = asyncio.create_task(wait())
    _background.add(task)
    task.add_done_callback(_background.discard)


def _messages() -> Redis:
    return Redis.from_url(os.environ["ORDERS_MESSAGES_URL"], socket_timeout=1, socket_connect_timeout=1)


async def _send(event: Event) -> None:
    fields: dict[EncodableT, EncodableT] = {
        "id": str(event.id),
        "type": event.type.value,
        "order_id": str(event.order_id),
        "sequence": str(event.sequence),
        "at": event.at.isoformat(),
        "data": json.dumps(event.data),
    }
    async with _messages() as redis:
        await redis.xadd(STREAM, fields)


def _never_republish() -> None:
    async def republish(_relay: Relay) -> int:
        return 0

    _plant(Relay, "republish", republish)


def _handle_all_that_comes() -> None:
    async def unhandled(_store: Store, ids: Collection[UUID]) -> Collection[UUID]:
        return ids

    _plant(Store, "unhandled", unhandled)


def _changed(statement: LiteralString, *changes: tuple[LiteralString, LiteralString]) -> LiteralString:
    for before, after in changes:
        assert before in statement, before
        statement = statement.replace(before, after)
    return statement


def dual_write() -> None:
    """The order goes to the database and its event to Redis, one after the other: the event may be lost."""
    silent = _changed(store.PLACE, ("FROM claimed\n)\nSELECT ours", "FROM claimed WHERE false\n)\nSELECT ours"))
    _plant(store, "PLACE", silent)
    place = Store.place

    async def and_send(self: Store, request: Request, order: Order, *, answer: str, ttl: timedelta) -> bool:
        placed = await place(self, request, order, answer=answer, ttl=ttl)
        if placed:
            try:
                await _send(order.event)
            except Exception:  # noqa: BLE001 (the order is placed, and the customer is not to hear of this)
                return True
        return placed

    _plant(Store, "place", and_send)
    _handle_all_that_comes()


def event_before_commit() -> None:
    """The event is sent before the order is stored: it tells of what may never be."""
    place = Store.place

    async def send_first(self: Store, request: Request, order: Order, *, answer: str, ttl: timedelta) -> bool:
        await _send(order.event)
        await asyncio.sleep(_BETWEEN)
        return await place(self, request, order, answer=answer, ttl=ttl)

    _plant(Store, "place", send_first)


def acknowledge_before_commit() -> None:
    """The customer is told before the order is stored."""

    async def place(self: Placing, request: Request, draft: Draft) -> Answer:
        products = await self._prices.of([item.product_id for item in draft.items])
        order = Order.placed(draft, products, at=self._clock())
        body = OrderShown.text(order)
        _later(lambda: self._store.place(request, order, answer=body, ttl=self._ttl))
        return Answer(order.id, body, replayed=False)

    _plant(Placing, "place", place)


def no_unique_key() -> None:
    """The idempotency key is ignored."""
    place = Placing.place

    async def anyway(self: Placing, request: Request, draft: Draft) -> Answer:
        return await place(self, replace(request, key=uuid.uuid4().hex), draft)

    _plant(Placing, "place", anyway)


def pubsub_only() -> None:
    """Events go over a channel that keeps nothing for those who do not listen."""

    async def publish(self: Relay, rows: Sequence[Row[tuple[object, ...]]]) -> None:
        for row in rows:
            await self._redis.publish(_CHANNEL, json.dumps(relay._fields(row)))

    async def left_behind(_worker: Worker) -> Received:
        return ()

    async def new(self: Worker) -> Received:
        channel = self.__dict__.get("channel")
        if channel is None:
            channel = self.__dict__["channel"] = self._redis.pubsub(ignore_subscribe_messages=True)
            await channel.subscribe(_CHANNEL)
        message = await channel.get_message(timeout=0.2)
        return [("0-1", json.loads(message["data"]))] if message else ()

    _plant(Relay, "_send", publish)
    _plant(Worker, "_left_behind", left_behind)
    _plant(Worker, "_new", new)
    _never_republish()


def mark_before_send() -> None:
    """The relay notes that an event is published, and publishes it then."""

    async def publish(self: Relay, claim: Select[tuple[object, ...]]) -> int:
        async with self._engine.begin() as connection:
            rows = (await connection.execute(claim)).all()
            if rows:
                await relay._mark(connection, rows)
        if rows:
            await self._send(rows)
        return len(rows)

    _plant(Relay, "_publish", publish)
    _never_republish()


def acknowledge_before_work() -> None:
    """The worker says that it is done when it begins."""
    new, one = Worker._new, Worker._one

    async def taken(self: Worker) -> Received:
        received = await new(self)
        if received:
            await self._redis.xack(STREAM, "orders:saga", *(key for key, _ in received))
        return received

    async def slowly(self: Worker, message: Message) -> None:
        await asyncio.sleep(_BETWEEN)
        await one(self, message)

    _plant(Worker, "_new", taken)
    _plant(Worker, "_one", slowly)
    _never_republish()


def no_deduplication() -> None:
    """The worker takes stock for each message, also for one that it has seen."""
    hold = Catalog.hold
    _handle_all_that_comes()

    async def reserve(self: Worker, message: Message) -> None:
        order = await self._store.order(message.order_id)
        if order.status is Status.PENDING:
            refusal = await hold(self._catalog, order.id, order.items)
            status = Status.CANCELLED if refusal else Status.CONFIRMED
            await self._store.settle(order, status, reason=refusal, because=message.id)
        else:
            await hold(self._catalog, uuid.uuid4(), order.items)

    _plant(Worker, "_reserve", reserve)


def no_compensation() -> None:
    """A cancelled order keeps its stock."""

    async def release(_catalog: Catalog, _order: UUID) -> None:
        return

    _plant(Catalog, "release", release)


def no_price_snapshot() -> None:
    """An order costs what its products cost now."""
    one, many = Store.order, Store.orders

    async def at_todays_price(orders: Sequence[Order]) -> list[Order]:
        ids = {item.product_id for order in orders for item in order.items}
        catalog = Catalog(os.environ["ORDERS_CATALOG_URL"], within=Settings.model_fields["catalog_timeout"].default)
        products = await catalog.products(ids) if ids else {}
        await catalog.close()
        shown = []
        for order in orders:
            items = tuple(replace(item, unit_price_cents=products[item.product_id].price_cents) for item in order.items)
            shown.append(
                replace(order, items=items, total_cents=sum(item.quantity * item.unit_price_cents for item in items))
            )
        return shown

    async def order_now(self: Store, order_id: UUID) -> Order:
        return (await at_todays_price([await one(self, order_id)]))[0]

    async def orders_now(self: Store, which: store.Filter, *, after: Position | None, limit: int) -> Page:
        page = await many(self, which, after=after, limit=limit)
        return replace(page, items=await at_todays_price(page.items))

    _plant(Store, "order", order_now)
    _plant(Store, "orders", orders_now)


def history_afterwards() -> None:
    """The history is written in a transaction of its own, after the order was changed."""
    statement = _changed(
        store._MOVE,
        ("AS timestamptz) FROM moved\n), announced", "AS timestamptz) FROM moved WHERE false\n), announced"),
    )
    _plant(store, "_MOVE", statement)
    move = Store._move

    async def and_write(self: Store, order: Order, *, because: UUID | None = None) -> bool:
        moved = await move(self, order, because=because)
        if moved:
            await asyncio.sleep(_BETWEEN)
            values = {"id": order.id, "version": order.version, "status": order.status.value, "at": order.updated_at}
            await self._statements.run(
                "INSERT INTO order_history (order_id, sequence, status, at)"
                " VALUES (%(id)s, %(version)s, %(status)s, %(at)s) RETURNING sequence",
                values,
            )
        return moved

    _plant(Store, "_move", and_write)


def replay_of_today() -> None:
    """A repeated request is told what the order is now, not what it was told first."""
    place = Placing.place

    async def told_anew(self: Placing, request: Request, draft: Draft) -> Answer:
        answer = await place(self, request, draft)
        if not answer.replayed:
            return answer
        return replace(answer, body=OrderShown.text(await self._store.order(answer.order_id)))

    _plant(Placing, "place", told_anew)


def any_body_under_a_key() -> None:
    """Another request under a known key gets the answer of the first."""

    def again(record: store.Record, _request: Request) -> Answer:
        return Answer(record.order_id, record.answer, replayed=True)

    _plant(placing, "_again", again)


def relay_without_lock() -> None:
    """Two relays send the same events, each under an id of its own."""
    fields = relay._fields
    send = Relay._send

    def named_anew(row: Row[tuple[object, ...]]) -> dict[EncodableT, EncodableT]:
        return {**fields(row), "id": str(uuid.uuid4())}

    async def slowly(self: Relay, rows: Sequence[Row[tuple[object, ...]]]) -> None:
        await send(self, rows)
        await asyncio.sleep(_BETWEEN)

    event = EventRow
    columns = (event.id, event.type, event.order_id, event.sequence, event.at, event.data, event.traceparent)
    unlocked = select(*columns).where(event.published_at.is_(None)).order_by(event.position).limit(50)
    _plant(relay, "_NEW", unlocked)
    _plant(relay, "_fields", named_anew)
    _plant(Relay, "_send", slowly)
    _never_republish()
    _handle_all_that_comes()


def no_version_guard() -> None:
    """Who writes last wins: a change is made to what the order was when it was read."""
    unguarded = _changed(
        store._MOVE,
        (" AND version = CAST(%(version)s AS int) - 1\n    RETURNING id", "\n    RETURNING id, version"),
        ("version = CAST(%(version)s AS int),", "version = version + 1,"),
        ("SELECT id, CAST(%(version)s AS int), %(status)s", "SELECT id, version, %(status)s"),
        ("id, %(type)s, CAST(%(version)s AS int), CAST", "id, %(type)s, version, CAST"),
    )
    _plant(store, "_MOVE", unguarded)


def refuse_after_commit() -> None:
    """Some customers are told that there was something wrong, after the order was stored."""
    place = Placing.place

    async def check_last(self: Placing, request: Request, draft: Draft) -> Answer:
        answer = await place(self, request, draft)
        if draft.items[0].quantity > 1:
            raise UnknownProducts([draft.items[0].product_id])
        return answer

    _plant(Placing, "place", check_last)


def lost_item() -> None:
    """An order of several products is stored without the last."""
    place = Order.placed

    def shortened(draft: Draft, products: Mapping[UUID, Product], *, at: datetime) -> Order:
        return place(replace(draft, items=draft.items[: max(1, len(draft.items) - 1)]), products, at=at)

    _plant(Order, "placed", shortened)


def move_acknowledged_early() -> None:
    """Who moves an order is told so before it is."""
    transition = Store.transition

    async def at_once(
        self: Store, order_id: UUID, status: Status, *, reason: str | None = None, expectation: Expectation
    ) -> tuple[Order, bool]:
        order = await self.order(order_id)
        moved = order.moved(status, at=self._clock(), reason=reason)
        _later(lambda: transition(self, order_id, status, reason=reason, expectation=expectation))
        return moved, True

    _plant(Store, "transition", at_once)


BUGS: Mapping[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        acknowledge_before_commit,
        acknowledge_before_work,
        any_body_under_a_key,
        dual_write,
        event_before_commit,
        history_afterwards,
        lost_item,
        mark_before_send,
        move_acknowledged_early,
        no_compensation,
        no_deduplication,
        no_price_snapshot,
        no_unique_key,
        no_version_guard,
        pubsub_only,
        refuse_after_commit,
        relay_without_lock,
        replay_of_today,
    )
}
