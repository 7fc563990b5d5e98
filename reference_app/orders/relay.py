"""Brings events from the outbox into the stream: each at least once, and again where the stream lost it.

A claim is a lock on the row in the transaction that marks it as published, so it ends with whoever holds it. What was
published by a relay that died before its commit is published again by the next; the event's id tells the repetition.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import Row, Select, func, select, text, update

from reference_app.orders.messages import STREAM, WAKE
from reference_app.orders.tables import EventRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis
    from redis.typing import EncodableT
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_BATCH: Final = 200
_CHORE_BATCH: Final = 5000
_GAUGE_EVERY: Final = timedelta(seconds=1)
_CHORES_EVERY: Final = timedelta(seconds=60)
_LONGEST_WAIT_FACTOR: Final = 64
# A relay that is cut off in the middle must not keep its rows for as long as the server believes in its connection.
_HOLD_BRIEFLY: Final = text("SET LOCAL idle_in_transaction_session_timeout = '10s'")
_CLAIM: Final = (
    select(
        EventRow.id,
        EventRow.type,
        EventRow.order_id,
        EventRow.sequence,
        EventRow.at,
        EventRow.data,
        EventRow.traceparent,
    )
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)
_NEW: Final = _CLAIM.where(EventRow.published_at.is_(None)).order_by(EventRow.position)
_BACKLOG: Final = select(func.count(), func.min(EventRow.at)).where(EventRow.published_at.is_(None))
_FORGET_KEYS: Final = text("""
DELETE FROM idempotency_keys WHERE expires_at < now() AND key IN (
    SELECT key FROM idempotency_keys WHERE expires_at < now() LIMIT :most FOR UPDATE SKIP LOCKED
)
""")
_FORGET_EVENTS: Final = text("""
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE handled_at < now() - CAST(:age AS interval) LIMIT :most FOR UPDATE SKIP LOCKED
)
""")


@dataclass(frozen=True)
class Policy:
    """How long an unhandled event is waited for, how much the stream keeps, and for how long handled events stay."""

    republish_after: timedelta
    stream_length: int
    keep_events: timedelta


@dataclass(frozen=True)
class Watch:
    """Where the relay tells what it does."""

    published: Callable[[int], None]
    republished: Callable[[int], None]
    backlog: Callable[[int, timedelta], None]


class Relay:
    """One of several relays; they share the work without talking to each other."""

    def __init__(
        self,
        engine: AsyncEngine,
        redis: Redis,
        policy: Policy,
        watch: Watch,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._redis = redis
        self._policy = policy
        self._watch = watch
        self._clock = clock
        self._due = dict.fromkeys(("gauge", "republish", "chores"), clock())
        # An event is found overdue within a tenth of the time that makes it so.
        self._republish_every = max(policy.republish_after / 10, timedelta(milliseconds=100))

    async def round(self) -> bool:
        """Publish what waits, then do what is due; returns whether more may wait."""
        published = await self.publish()
        if self._is_due("republish", self._republish_every):
            await self.republish()
        if self._is_due("gauge", _GAUGE_EVERY):
            await self.measure()
        if self._is_due("chores", _CHORES_EVERY):
            await self.forget()
        return published == _BATCH

    async def publish(self) -> int:
        """Publish a batch of what was not published yet; returns how much."""
        published = await self._publish(_NEW)
        if published:
            self._watch.published(published)
        return published

    async def republish(self) -> int:
        """Publish again what ought to have been handled long ago; returns how much.

        The wait doubles with each time, so that a worker that cannot do its work is not buried.
        """
        patience = self._policy.republish_after
        waits = func.least(func.power(2, EventRow.publications - 1), _LONGEST_WAIT_FACTOR)
        overdue = _CLAIM.where(
            EventRow.handled_at.is_(None),
            EventRow.published_at < func.now() - patience,
            EventRow.published_at < func.now() - patience * waits,
        ).order_by(EventRow.published_at)
        published = await self._publish(overdue)
        if published:
            self._watch.republished(published)
        return published

    async def measure(self) -> None:
        """Tell how many events wait to be published, and since when the oldest does."""
        async with self._engine.connect() as connection:
            query = _BACKLOG.add_columns(func.now())
            count, oldest, now = (await connection.execute(query)).one()
        self._watch.backlog(count, max(timedelta(0), now - oldest) if count else timedelta(0))

    async def forget(self) -> None:
        """Remove keys that expired and events that were handled long ago."""
        async with self._engine.begin() as connection:
            await connection.execute(_FORGET_KEYS, {"most": _CHORE_BATCH})
            await connection.execute(_FORGET_EVENTS, {"most": _CHORE_BATCH, "age": self._policy.keep_events})

    async def _publish(self, claim: Select[*tuple[Any, ...]]) -> int:
        async with self._engine.begin() as connection:
            await connection.execute(_HOLD_BRIEFLY)
            rows = (await connection.execute(claim)).all()
            if rows:
                await self._send(rows)
                await _mark(connection, rows)
        return len(rows)

    async def _send(self, rows: Sequence[Row[tuple[object, ...]]]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for row in rows:
                pipeline.xadd(STREAM, _fields(row), maxlen=self._policy.stream_length, approximate=True)
                pipeline.publish(WAKE, str(row.order_id))
            await pipeline.execute()

    def _is_due(self, what: str, every: timedelta) -> bool:
        if self._clock() < self._due[what]:
            return False
        self._due[what] = self._clock() + every.total_seconds()
        return True


async def _mark(connection: AsyncConnection, rows: Sequence[Row[tuple[object, ...]]]) -> None:
    await connection.execute(
        update(EventRow)
        .where(EventRow.id.in_([row.id for row in rows]))
        # The moment itself and not now(), which is when the transaction began.
        .values(published_at=func.clock_timestamp(), publications=EventRow.publications + 1)
    )


def _fields(row: Row[tuple[object, ...]]) -> dict[EncodableT, EncodableT]:
    return {
        "id": str(row.id),
        "type": row.type,
        "order_id": str(row.order_id),
        "sequence": str(row.sequence),
        "at": row.at.isoformat(),
        "data": orjson.dumps(row.data).decode(),
        "traceparent": row.traceparent or "",
    }
