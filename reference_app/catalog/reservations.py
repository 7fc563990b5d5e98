"""Stock that is set aside for orders, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from reference_app.catalog.domain import (
    InsufficientStock,
    NotFound,
    Reservation,
    ReservationConflict,
    ReservationReleased,
    ReservationState,
    shortages,
)
from reference_app.catalog.tables import ProductRow, ReservationRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class Reservations:
    """Takes stock and gives it back; every method is one transaction.

    All of them lock first the reservation and then its products in the order of their ids, so that no two of them can
    wait for each other in a circle.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def reservation(self, reservation_id: UUID) -> Reservation:
        """Return one reservation; raises NotFound."""
        async with self._sessions() as session:
            row = await session.get(ReservationRow, reservation_id)
        if row is None:
            raise NotFound("reservation", reservation_id)
        return _reservation(row)

    async def hold(self, reservation_id: UUID, items: Mapping[UUID, int]) -> bool:
        """Take *items* out of the stock, all or none; returns whether this was done now rather than earlier.

        Raises UnknownProducts, InsufficientStock, ReservationConflict if the reservation holds other items, or
        ReservationReleased.
        """
        async with self._sessions() as session, session.begin():
            # Of two at once, the second waits here until the first has committed or given up.
            made = await session.scalar(
                insert(ReservationRow)
                .values(id=reservation_id, state=ReservationState.HELD, items=_written(items))
                .on_conflict_do_nothing()
                .returning(ReservationRow.id)
            )
            if made is None:
                row = await session.get_one(ReservationRow, reservation_id)
                _must_hold(_reservation(row), items)
                return False
            if short := shortages(items, await _locked_stock(session, items)):
                raise InsufficientStock(short)
            await _change_stock(session, {product_id: -quantity for product_id, quantity in items.items()})
        return True

    async def release(self, reservation_id: UUID) -> Reservation:
        """Give back what the reservation holds, unless that was done, and see to it that it holds nothing later.

        Of products deleted meanwhile nothing comes back. One that was never made is released without items.
        """
        mark = insert(ReservationRow).values(id=reservation_id, state=ReservationState.RELEASED, items={})
        async with self._sessions() as session, session.begin():
            given_up = await session.scalar(
                mark.on_conflict_do_update(
                    index_elements=[ReservationRow.id],
                    set_={"state": ReservationState.RELEASED, "updated_at": func.now()},
                    where=ReservationRow.state == ReservationState.HELD,
                ).returning(ReservationRow.items)
            )
            if given_up:
                items = _read(given_up)
                await _locked_stock(session, items)
                await _change_stock(session, items)
            return _reservation(await session.get_one(ReservationRow, reservation_id))


def _must_hold(reservation: Reservation, items: Mapping[UUID, int]) -> None:
    if reservation.state is ReservationState.RELEASED:
        raise ReservationReleased
    if reservation.items != items:
        raise ReservationConflict


async def _locked_stock(session: AsyncSession, items: Mapping[UUID, int]) -> Mapping[UUID, int]:
    # Lighter than FOR UPDATE: nobody changes an id, so whoever refers to one need not wait.
    query = select(ProductRow.id, ProductRow.stock).where(ProductRow.id.in_(items)).order_by(ProductRow.id)
    return {row.id: row.stock for row in await session.execute(query.with_for_update(key_share=True))}


async def _change_stock(session: AsyncSession, changes: Mapping[UUID, int]) -> None:
    await session.execute(
        update(ProductRow)
        .where(ProductRow.id.in_(changes))
        .values(
            stock=ProductRow.stock + case(changes, value=ProductRow.id),
            version=ProductRow.version + 1,
            updated_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )


def _reservation(row: ReservationRow) -> Reservation:
    return Reservation(id=row.id, state=ReservationState(row.state), items=_read(row.items))


def _written(items: Mapping[UUID, int]) -> dict[str, int]:
    return {str(product_id): quantity for product_id, quantity in items.items()}


def _read(items: Mapping[str, int]) -> dict[UUID, int]:
    return {UUID(product_id): quantity for product_id, quantity in items.items()}
