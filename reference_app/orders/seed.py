"""Sample orders: sixty of twelve customers, the same on every machine and in every run."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from reference_app.orders.domain import Draft, Order, Product, Status, Wanted
from reference_app.orders.tables import EntryRow, ItemRow, OrderRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

# Ids are derived from SKUs and numbers, so that a link to a sample order, and one from it to a sample product of the
# catalogue, hold on every installation.
_NAMESPACE: Final = uuid.UUID("5eaa71a1-0000-4000-8000-000000000000")
_FIRST_PLACED: Final = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
_BETWEEN: Final = timedelta(hours=7, minutes=13)
_STEP: Final = timedelta(hours=5)
_ORDERS: Final = 60
_CUSTOMERS: Final = (
    *("amelia", "bjarne", "chichester", "dumas", "ellen", "francis"),
    *("gudrun", "hornblower", "isabelle", "joshua", "knox", "laura"),
)
_PRODUCTS: Final = (
    ("ROPES-001", "Harbour mooring line", 490),
    ("ROPES-006", "Breeze halyard", 2115),
    ("NAVIGATION-005", "Harbour sextant", 1740),
    ("SAFETY-003", "Anchor life jacket", 1240),
    ("GALLEY-020", "Lagoon mug", 6615),
    ("CLOTHING-010", "Breeze wool cap", 3365),
    ("BOOKS-005", "Harbour knot book", 1740),
    ("TOOLS-001", "Harbour rigging knife", 490),
)
_CONFIRMED: Final = (Status.CONFIRMED,)
_SHIPPED: Final = (*_CONFIRMED, Status.SHIPPED)
_DELIVERED: Final = (*_SHIPPED, Status.DELIVERED)
# None is left pending: that would be work for the saga, and sample orders take no stock.
_LIVES: Final = (
    _DELIVERED,
    _SHIPPED,
    (*_CONFIRMED, Status.CANCELLED),
    _DELIVERED,
    (Status.CANCELLED,),
    _CONFIRMED,
    _DELIVERED,
)


def plant(connection: Connection) -> int:
    """Add the sample orders that are missing, inside the transaction of *connection*; returns how many; repeatable."""
    added = 0
    for number in range(_ORDERS):
        versions = _versions(number)
        added += _add(connection, versions)
    return added


def _versions(number: int) -> Sequence[Order]:
    """Return a sample order as it was placed, and as each change left it."""
    at = _FIRST_PLACED + _BETWEEN * number
    lines = 1 + number % 3
    chosen = [_product(*_PRODUCTS[(number + 3 * line) % len(_PRODUCTS)]) for line in range(lines)]
    draft = Draft(
        customer=_CUSTOMERS[number * 5 % len(_CUSTOMERS)],
        items=[Wanted(product.id, 1 + (number + line) % 4) for line, product in enumerate(chosen)],
    )
    order = Order.placed(
        draft,
        {product.id: product for product in chosen},
        at=at,
        order_id=uuid.uuid5(_NAMESPACE, f"order/{number + 1}"),
    )
    versions = [order]
    for step, status in enumerate(_LIVES[number % len(_LIVES)], start=1):
        reason = "cancelled by the customer" if status is Status.CANCELLED else None
        versions.append(versions[-1].moved(status, at=at + _STEP * step, reason=reason))
    return versions


def _product(sku: str, name: str, price_cents: int) -> Product:
    return Product(id=uuid.uuid5(_NAMESPACE, sku), sku=sku, name=name, price_cents=price_cents)


def _add(connection: Connection, versions: Sequence[Order]) -> bool:
    order = versions[-1]
    row = insert_or_leave(OrderRow).values(
        id=order.id,
        customer=order.customer,
        status=order.status.value,
        reason=order.reason,
        total_cents=order.total_cents,
        version=order.version,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
    if connection.scalar(row.on_conflict_do_nothing().returning(OrderRow.id)) is None:
        return False
    connection.execute(
        insert(ItemRow),
        [
            {
                "order_id": order.id,
                "position": position,
                "product_id": item.product_id,
                "sku": item.sku,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price_cents": item.unit_price_cents,
            }
            for position, item in enumerate(order.items, start=1)
        ],
    )
    connection.execute(
        insert(EntryRow),
        [
            {
                "order_id": order.id,
                "sequence": one.version,
                "status": one.status.value,
                "reason": one.reason,
                "at": one.updated_at,
            }
            for one in versions
        ],
    )
    return True
