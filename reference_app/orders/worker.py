"""Runs the saga: what was ordered is set aside in the catalogue, and given back when the order is cancelled.

Every step may be repeated, and the mark that it is done is written in the transaction of what it did to the order. So
a message that comes twice, or whose worker died in the middle, does no harm: it is acknowledged only after the mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

from pydantic import ValidationError
from redis.exceptions import ResponseError

from reference_app.orders.domain import CatalogUnavailable, EventType, Status
from reference_app.orders.messages import FAILURES, GROUP, STREAM, Message
from reference_app.telemetry.tracing import TraceContext, current_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from redis.asyncio import Redis

    from reference_app.orders.catalog import Catalog
    from reference_app.orders.store import Store

    Received = Sequence[tuple[str, Mapping[str, str] | None]]

_log = logging.getLogger(__name__)
_BATCH: Final = 20
_AT_ONCE: Final = 8
_FORGET_CONSUMERS_EVERY: Final = timedelta(minutes=5)
_DEAD_AFTER: Final = timedelta(hours=1)


class Outcome(StrEnum):
    """What the saga did about one event."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    OVERTAKEN = "overtaken"
    POSTPONED = "postponed"


@dataclass(frozen=True)
class Watch:
    """Where the worker tells what it does."""

    outcome: Callable[[Outcome], None]
    moved: Callable[[Status], None]
    handled: Callable[[EventType], None]
    duplicates: Callable[[int], None]


class Worker:
    """One of several workers, under a *name* that no other has; what one leaves behind, the others take over."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        redis: Redis,
        watch: Watch,
        *,
        name: str,
        claim_after: timedelta,
        block: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._redis = redis
        self._watch = watch
        self._name = name
        self._claim_after = claim_after
        self._block = block
        self._clock = clock
        self._claim_at = clock()
        self._claim_from = "0-0"
        self._forget_at = clock() + _FORGET_CONSUMERS_EVERY.total_seconds()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def round(self) -> bool:
        """Handle a batch of messages, waiting a moment for them; returns whether more may wait.

        Raises CatalogUnavailable if it could not do its work for some of them; those are tried again later.
        """
        try:
            received = await self._left_behind() or await self._new()
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            # Redis is new, or has lost its memory.
            await self._make_group()
            received = await self._new()
        if received:
            await self._handle(received)
        # Waiting for messages is the pause.
        return True

    async def leave(self) -> None:
        """Take this worker off the list, unless it leaves something behind; then the others will find it."""
        with contextlib.suppress(*FAILURES):
            await self._remove({self._name})

    async def _left_behind(self) -> Received:
        now = self._clock()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_CONSUMERS_EVERY.total_seconds()
            await self._remove(await self._dead())
        if now < self._claim_at:
            return ()
        idle = int(self._claim_after.total_seconds() * 1000)
        following, received, _ = await self._redis.xautoclaim(
            STREAM, GROUP, self._name, min_idle_time=idle, start_id=self._claim_from, count=_BATCH
        )
        self._claim_from = following
        if following == "0-0":
            # All have been looked at; a message is found within half the time that makes it claimable.
            self._claim_at = now + self._claim_after.total_seconds() / 2
        return list(received)

    async def _new(self) -> Received:
        answer = await self._redis.xreadgroup(
            GROUP, self._name, {STREAM: ">"}, count=_BATCH, block=int(self._block.total_seconds() * 1000)
        )
        # As protocol 2 has it; the client's types allow for what it makes of the others.
        streams = cast("Sequence[tuple[str, Received]]", answer or ())
        return [message for _, messages in streams for message in messages]

    async def _make_group(self) -> None:
        with contextlib.suppress(ResponseError):
            # From the beginning: what was handled already is recognised.
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    async def _handle(self, received: Received) -> None:
        messages = {key: _parsed(key, fields) for key, fields in received}
        ids = {message.id for message in messages.values() if message is not None}
        unhandled = await self._store.unhandled(ids)
        work = {key: message for key, message in messages.items() if message is not None and message.id in unhandled}
        self._watch.duplicates(sum(message is not None for message in messages.values()) - len(work))
        results = await asyncio.gather(*(self._one(message) for message in work.values()), return_exceptions=True)
        failed = {key: error for key, error in zip(work, results, strict=True) if isinstance(error, BaseException)}
        if finished := [key for key in messages if key not in failed]:
            await self._redis.xack(STREAM, GROUP, *finished)
        if failed:
            raise next(iter(failed.values()))

    async def _one(self, message: Message) -> None:
        async with self._slots:
            # Set in the task of this message alone.
            current_trace.set(TraceContext.continued(message.traceparent))
            await self._saga(message)

    async def _saga(self, message: Message) -> None:
        try:
            if message.type is EventType.PLACED:
                await self._reserve(message)
                return
            if message.type is EventType.CANCELLED:
                await self._catalog.release(message.order_id)
                self._watch.outcome(Outcome.RELEASED)
        except CatalogUnavailable:
            self._watch.outcome(Outcome.POSTPONED)
            raise
        await self._mark(message)

    async def _reserve(self, message: Message) -> None:
        order = await self._store.order(message.order_id)
        while order.status is Status.PENDING:
            refusal = await self._catalog.hold(order.id, order.items)
            status = Status.CANCELLED if refusal else Status.CONFIRMED
            if await self._store.settle(order, status, reason=refusal, because=message.id):
                self._watch.moved(status)
                self._watch.outcome(Outcome.CANCELLED if refusal else Outcome.CONFIRMED)
                self._watch.handled(message.type)
                return
            order = await self._store.order(order.id)
        # Somebody was faster: the customer, whose cancellation gives the stock back, or another worker.
        if await self._mark(message):
            self._watch.outcome(Outcome.OVERTAKEN)

    async def _mark(self, message: Message) -> bool:
        if not await self._store.handled([message.id]):
            self._watch.duplicates(1)
            return False
        self._watch.handled(message.type)
        return True

    async def _dead(self) -> set[str]:
        longest = _DEAD_AFTER.total_seconds() * 1000
        consumers = await self._redis.xinfo_consumers(STREAM, GROUP)
        return {one["name"] for one in consumers if one["idle"] > longest} - {self._name}

    async def _remove(self, names: set[str]) -> None:
        # A consumer takes its list of messages with it, so only one whose list is empty may go.
        for one in await self._redis.xinfo_consumers(STREAM, GROUP):
            if one["name"] in names and not one["pending"]:
                await self._redis.xgroup_delconsumer(STREAM, GROUP, one["name"])


def _parsed(key: str, fields: Mapping[str, str] | None) -> Message | None:
    try:
        return Message.model_validate(fields)
    except ValidationError:
        _log.exception("a message is not an event and is dropped", extra={"message_id": key})
        return None
