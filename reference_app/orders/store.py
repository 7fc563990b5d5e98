"""Orders in PostgreSQL: each method is one statement, and so one transaction and one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID

import orjson

from reference_app.orders.domain import (
    Entry,
    Item,
    KeyInFlight,
    NotFound,
    Order,
    Page,
    Position,
    Status,
    VersionConflict,
)
from reference_app.persistence.versions import ANY_VERSION, Expectation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import timedelta

    from psycopg.rows import TupleRow

    from reference_app.persistence.statements import Statements

# The parts of the statement run as one: the order exists with everything that belongs to it, or not at all. The lock
# makes a second request with the key go away at once instead of waiting here, on a connection, for the first to end.
# Parameters are text, and the items one of them, because that is what the driver passes on with the least work.
PLACE: Final[LiteralString] = """
WITH lock AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended(%(key)s, 0)) AS ours
), claimed AS (
    INSERT INTO idempotency_keys AS known (key, fingerprint, order_id, answer, expires_at)
    SELECT %(key)s, %(fingerprint)s, CAST(%(id)s AS uuid), %(answer)s, now() + CAST(%(ttl)s AS interval)
    FROM lock WHERE ours
    ON CONFLICT (key) DO UPDATE
    SET fingerprint = excluded.fingerprint, order_id = excluded.order_id, answer = excluded.answer,
        expires_at = excluded.expires_at
    WHERE known.expires_at <= now()
    RETURNING order_id
), placed AS (
    INSERT INTO orders (id, customer, status, total_cents, version, created_at, updated_at)
    SELECT order_id, %(customer)s, 'pending', CAST(%(total)s AS bigint), 1, CAST(%(at)s AS timestamptz),
        CAST(%(at)s AS timestamptz)
    FROM claimed
), listed AS (
    INSERT INTO order_items (order_id, position, product_id, sku, name, quantity, unit_price_cents)
    SELECT order_id, position, product_id, sku, name, quantity, unit_price_cents
    FROM claimed, json_to_recordset(CAST(%(items)s AS json)) AS item (
        position int, product_id uuid, sku text, name text, quantity int, unit_price_cents bigint
    )
), told AS (
    INSERT INTO order_history (order_id, sequence, status, at)
    SELECT order_id, 1, 'pending', CAST(%(at)s AS timestamptz) FROM claimed
), announced AS (
    INSERT INTO outbox (id, order_id, type, sequence, at, data, traceparent)
    SELECT CAST(%(event)s AS uuid), order_id, %(type)s, 1, CAST(%(at)s AS timestamptz), CAST(%(data)s AS jsonb),
        %(trace)s
    FROM claimed
)
SELECT ours, EXISTS (SELECT FROM claimed) FROM lock
"""

# The version is the guard: of two that would change the same one, the second finds it gone.
_MOVE: Final = """
WITH moved AS (
    UPDATE orders
    SET status = %(status)s, reason = CAST(%(reason)s AS text), version = CAST(%(version)s AS int),
        updated_at = CAST(%(at)s AS timestamptz)
    WHERE id = CAST(%(id)s AS uuid) AND version = CAST(%(version)s AS int) - 1
    RETURNING id
), told AS (
    INSERT INTO order_history (order_id, sequence, status, reason, at)
    SELECT id, CAST(%(version)s AS int), %(status)s, CAST(%(reason)s AS text), CAST(%(at)s AS timestamptz) FROM moved
), announced AS (
    INSERT INTO outbox (id, order_id, type, sequence, at, data, traceparent)
    SELECT CAST(%(event)s AS uuid), id, %(type)s, CAST(%(version)s AS int), CAST(%(at)s AS timestamptz),
        CAST(%(data)s AS jsonb), %(trace)s
    FROM moved
), handled AS (
    UPDATE outbox SET handled_at = now()
    WHERE id = CAST(%(because)s AS uuid) AND EXISTS (SELECT FROM moved)
)
SELECT EXISTS (SELECT FROM moved)
"""

_RECORD: Final = """
SELECT fingerprint, order_id, answer FROM idempotency_keys WHERE key = %(key)s AND expires_at > now()
"""

_ORDERS: Final = """
SELECT id, customer, status, reason, (
    SELECT json_agg(
        json_build_array(product_id, sku, name, quantity, unit_price_cents) ORDER BY position
    ) FROM order_items WHERE order_id = orders.id
), total_cents, version, created_at, updated_at
FROM orders
"""
_ONE: Final = f"{_ORDERS} WHERE id = %(id)s"
_NEWEST_FIRST: Final = "ORDER BY created_at DESC, id DESC LIMIT %(limit)s"

_HISTORY: Final = """
SELECT sequence, status, reason, at FROM order_history
WHERE order_id = %(id)s AND sequence > %(after)s ORDER BY sequence
"""

_UNHANDLED: Final = "SELECT id FROM outbox WHERE id = ANY(%(ids)s) AND handled_at IS NULL"
_HANDLED: Final = """
UPDATE outbox SET handled_at = now() WHERE id = ANY(%(ids)s) AND handled_at IS NULL RETURNING id
"""


@dataclass(frozen=True)
class Request:
    """What tells a request to place an order from others: its idempotency *key*, and what it asks for."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Record:
    """The order that a key stands for, the request that placed it, and the body that answered it."""

    fingerprint: str
    order_id: UUID
    answer: str


@dataclass(frozen=True)
class Filter:
    """Which orders to list; ``None`` stands for any."""

    customer: str | None = None
    status: Status | None = None


class Store:
    """Reads and writes orders.

    Raises what `domain` defines for what a caller can mend. An error of the database itself comes out as it is.
    *traceparent* tells which trace a change belongs to.
    """

    def __init__(
        self,
        statements: Statements,
        *,
        traceparent: Callable[[], str | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._statements = statements
        self._traceparent = traceparent
        self._clock = clock

    async def place(self, request: Request, order: Order, *, answer: str, ttl: timedelta) -> bool:
        """Store a new *order* under the key of *request* for *ttl*, with *answer*; False if the key is taken.

        Raises KeyInFlight if another request with the key is being served now.
        """
        parameters = {
            **self._change(order),
            "key": request.key,
            "fingerprint": request.fingerprint,
            "answer": answer,
            "ttl": f"{ttl.total_seconds():f} s",
            "customer": order.customer,
            "total": str(order.total_cents),
            "items": _text([_row(position, item) for position, item in enumerate(order.items, start=1)]),
        }
        ((ours, placed),) = await self._statements.run(PLACE, parameters)
        if not ours:
            raise KeyInFlight
        return bool(placed)

    async def record(self, key: str) -> Record | None:
        """Return what *key* stands for, unless it has expired."""
        rows = await self._statements.run(_RECORD, {"key": key})
        return Record(*rows[0]) if rows else None

    async def order(self, order_id: UUID) -> Order:
        """Return one order; raises NotFound."""
        rows = await self._statements.run(_ONE, {"id": order_id})
        if not rows:
            raise NotFound(order_id)
        return _order(rows[0])

    async def orders(self, which: Filter, *, after: Position | None, limit: int) -> Page:
        """Return up to *limit* orders, the newest first."""
        # One more than asked for tells whether a further page exists.
        parameters: dict[str, object] = {"limit": limit + 1}
        # Only the conditions that there are, so that the server plans for them and finds the index that serves them.
        conditions: list[LiteralString] = ["true"]
        if which.customer is not None:
            conditions.append("customer = %(customer)s")
            parameters["customer"] = which.customer
        if which.status is not None:
            conditions.append("status = %(status)s")
            parameters["status"] = which.status.value
        if after is not None:
            conditions.append("(created_at, id) < (%(at)s, %(id)s)")
            parameters |= {"at": after.at, "id": after.id}
        query = f"{_ORDERS} WHERE {' AND '.join(conditions)} {_NEWEST_FIRST}"
        found = [_order(row) for row in await self._statements.run(query, parameters)]
        items = found[:limit]
        following = Position(items[-1].created_at, items[-1].id) if len(found) > limit else None
        return Page(items=items, following=following)

    async def history(self, order_id: UUID, *, after: int = 0) -> Sequence[Entry]:
        """Return what became of an order since the entry *after*, the oldest first; nothing for an unknown order."""
        rows = await self._statements.run(_HISTORY, {"id": order_id, "after": after})
        return [Entry(sequence, Status(status), reason, at) for sequence, status, reason, at in rows]

    async def transition(
        self,
        order_id: UUID,
        status: Status,
        *,
        reason: str | None = None,
        expectation: Expectation = ANY_VERSION,
    ) -> tuple[Order, bool]:
        """Bring an order in one of the expected versions to *status*; returns it, and whether that was done now.

        An order that stands there already stays as it is, whatever version the caller read: its wish is fulfilled
        (RFC 9110, section 13.1.1). Raises NotFound, VersionConflict or TransitionRefused.
        """
        while True:
            order = await self.order(order_id)
            if order.status is status:
                return order, False
            if not expectation.admits(order.version):
                raise VersionConflict(order.version)
            # Who comes second tries again with what the first has left; an order changes a few times in its life.
            moved = order.moved(status, at=self._clock(), reason=reason)
            if await self._move(moved):
                return moved, True

    async def settle(self, order: Order, status: Status, *, reason: str | None, because: UUID) -> bool:
        """Bring *order* to *status* and mark the event *because* as handled; False if the order has changed since."""
        return await self._move(order.moved(status, at=self._clock(), reason=reason), because=because)

    async def unhandled(self, ids: Collection[UUID]) -> Collection[UUID]:
        """Return those of the events *ids* that are still to be handled; one that is not known any more is not."""
        return {one for (one,) in await self._statements.run(_UNHANDLED, {"ids": list(ids)})}

    async def handled(self, ids: Collection[UUID]) -> Collection[UUID]:
        """Mark the events *ids* as handled; returns those that were not yet."""
        return {one for (one,) in await self._statements.run(_HANDLED, {"ids": list(ids)})}

    async def _move(self, order: Order, *, because: UUID | None = None) -> bool:
        parameters = {
            **self._change(order),
            "status": order.status.value,
            "reason": order.reason,
            "version": str(order.version),
            "because": because and str(because),
        }
        ((moved,),) = await self._statements.run(_MOVE, parameters)
        return bool(moved)

    def _change(self, order: Order) -> dict[str, str | None]:
        event = order.event
        return {
            "id": str(order.id),
            "at": order.updated_at.isoformat(),
            "event": str(event.id),
            "type": event.type.value,
            "data": _text(event.data),
            "trace": self._traceparent(),
        }


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _row(position: int, item: Item) -> dict[str, object]:
    return {
        "position": position,
        "product_id": item.product_id,
        "sku": item.sku,
        "name": item.name,
        "quantity": item.quantity,
        "unit_price_cents": item.unit_price_cents,
    }


def _order(row: TupleRow) -> Order:
    order_id, customer, status, reason, items, total_cents, version, created_at, updated_at = row
    return Order(
        id=order_id,
        customer=customer,
        status=Status(status),
        reason=reason,
        items=tuple(Item(UUID(product_id), *rest) for product_id, *rest in items),
        total_cents=total_cents,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
    )
