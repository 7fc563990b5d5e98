"""The catalogue in PostgreSQL."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from psycopg.errors import UniqueViolation
from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from reference_app.catalog.domain import (
    AlreadyTaken,
    Category,
    CategoryDraft,
    CategoryInUse,
    Expectation,
    NotFound,
    Page,
    Position,
    Product,
    ProductDraft,
    UnknownCategory,
    VersionConflict,
)
from reference_app.catalog.tables import CategoryRow, ProductRow

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

Row = TypeVar("Row", CategoryRow, ProductRow)
Listed = TypeVar("Listed", Category, Product)


class Store:
    """Reads and writes products and categories; every method is one transaction.

    Raises what `domain` defines for what a caller can mend. An error of the database itself comes out as SQLAlchemy's.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def categories(self, *, after: Position | None, limit: int) -> Page[Category]:
        """Return up to *limit* categories in the order of their names."""
        query = select(CategoryRow).order_by(CategoryRow.name, CategoryRow.id)
        if after is not None:
            query = query.where(tuple_(CategoryRow.name, CategoryRow.id) > (after.name, after.id))
        return _page([_category(row) for row in await self._rows(query, limit)], limit)

    async def category(self, category_id: UUID) -> Category:
        """Return one category."""
        async with self._sessions() as session:
            row = await session.get(CategoryRow, category_id)
        if row is None:
            raise NotFound("category", category_id)
        return _category(row)

    async def create_category(self, draft: CategoryDraft) -> Category:
        """Store a new category; raises AlreadyTaken for a slug that another one has."""
        async with self._sessions() as session:
            try:
                row = await session.scalar(
                    insert(CategoryRow).values(id=uuid.uuid4(), **asdict(draft)).returning(CategoryRow)
                )
                await session.commit()
            except IntegrityError as error:
                raise AlreadyTaken("category", "slug") from error
        return _category(_stored(row))

    async def replace_category(self, category_id: UUID, draft: CategoryDraft, expectation: Expectation) -> Category:
        """Put *draft* in the place of a category in one of the expected versions.

        Raises NotFound, VersionConflict or AlreadyTaken.
        """
        query = update(CategoryRow).where(CategoryRow.id == category_id)
        if expectation.versions is not None:
            query = query.where(CategoryRow.version.in_(expectation.versions))
        change = query.values(version=CategoryRow.version + 1, updated_at=func.now(), **asdict(draft)).returning(
            CategoryRow
        )
        async with self._sessions() as session:
            try:
                row = await session.scalar(change)
                await session.commit()
            except IntegrityError as error:
                raise AlreadyTaken("category", "slug") from error
        if row is None:
            raise VersionConflict("category", (await self.category(category_id)).version)
        return _category(row)

    async def delete_category(self, category_id: UUID, expectation: Expectation) -> None:
        """Remove a category without products; raises NotFound, VersionConflict or CategoryInUse."""
        query = delete(CategoryRow).where(CategoryRow.id == category_id)
        if expectation.versions is not None:
            query = query.where(CategoryRow.version.in_(expectation.versions))
        async with self._sessions() as session:
            try:
                removed = await session.scalar(query.returning(CategoryRow.id))
                await session.commit()
            except IntegrityError as error:
                raise CategoryInUse from error
        if removed is None:
            raise VersionConflict("category", (await self.category(category_id)).version)

    async def products(self, *, search: str, category: str | None, after: Position | None, limit: int) -> Page[Product]:
        """Return up to *limit* products in the order of their names.

        *search* is what people type into a search box (words, "phrases", or, -not) and matches name and description, in
        English word forms; empty matches all. *category* is a slug; an unknown one matches nothing.
        """
        query = select(ProductRow).order_by(ProductRow.name, ProductRow.id)
        if search:
            query = query.where(ProductRow.search.bool_op("@@")(func.websearch_to_tsquery("english", search)))
        if category is not None:
            query = query.join(CategoryRow, CategoryRow.id == ProductRow.category_id).where(
                CategoryRow.slug == category
            )
        if after is not None:
            query = query.where(tuple_(ProductRow.name, ProductRow.id) > (after.name, after.id))
        return _page([_product(row) for row in await self._rows(query, limit)], limit)

    async def products_among(self, ids: Collection[UUID]) -> Page[Product]:
        """Return those of the products *ids* that exist, in the order of their names, as the only page."""
        query = select(ProductRow).where(ProductRow.id.in_(ids)).order_by(ProductRow.name, ProductRow.id)
        async with self._sessions() as session:
            return Page(items=[_product(row) for row in await session.scalars(query)], following=None)

    async def product(self, product_id: UUID) -> Product:
        """Return one product."""
        async with self._sessions() as session:
            row = await session.get(ProductRow, product_id)
        if row is None:
            raise NotFound("product", product_id)
        return _product(row)

    async def create_product(self, draft: ProductDraft) -> Product:
        """Store a new product; raises AlreadyTaken for a SKU that another one has, or UnknownCategory."""
        async with self._sessions() as session:
            try:
                row = await session.scalar(
                    insert(ProductRow).values(id=uuid.uuid4(), **asdict(draft)).returning(ProductRow)
                )
                await session.commit()
            except IntegrityError as error:
                raise _product_error(error) from error
        return _product(_stored(row))

    async def replace_product(self, product_id: UUID, draft: ProductDraft, expectation: Expectation) -> Product:
        """Put *draft* in the place of a product in one of the expected versions.

        Raises NotFound, VersionConflict, AlreadyTaken or UnknownCategory.
        """
        query = update(ProductRow).where(ProductRow.id == product_id)
        if expectation.versions is not None:
            query = query.where(ProductRow.version.in_(expectation.versions))
        change = query.values(version=ProductRow.version + 1, updated_at=func.now(), **asdict(draft)).returning(
            ProductRow
        )
        async with self._sessions() as session:
            try:
                row = await session.scalar(change)
                await session.commit()
            except IntegrityError as error:
                raise _product_error(error) from error
        if row is None:
            raise VersionConflict("product", (await self.product(product_id)).version)
        return _product(row)

    async def delete_product(self, product_id: UUID, expectation: Expectation) -> None:
        """Remove a product; raises NotFound or VersionConflict."""
        query = delete(ProductRow).where(ProductRow.id == product_id)
        if expectation.versions is not None:
            query = query.where(ProductRow.version.in_(expectation.versions))
        async with self._sessions() as session:
            removed = await session.scalar(query.returning(ProductRow.id))
            await session.commit()
        if removed is None:
            raise VersionConflict("product", (await self.product(product_id)).version)

    async def _rows(self, query: Select[Row], limit: int) -> list[Row]:
        # One more than asked for tells whether a further page exists.
        async with self._sessions() as session:
            return list(await session.scalars(query.limit(limit + 1)))


def _page(found: list[Listed], limit: int) -> Page[Listed]:
    items = found[:limit]
    following = Position(items[-1].name, items[-1].id) if len(found) > limit else None
    return Page(items=items, following=following)


def _category(row: CategoryRow) -> Category:
    return Category(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        version=row.version,
        updated_at=row.updated_at,
    )


def _product(row: ProductRow) -> Product:
    return Product(
        id=row.id,
        sku=row.sku,
        name=row.name,
        description=row.description,
        category_id=row.category_id,
        price_cents=row.price_cents,
        stock=row.stock,
        version=row.version,
        updated_at=row.updated_at,
    )


def _stored(row: Row | None) -> Row:
    if row is None:
        msg = "INSERT ... RETURNING gave no row"
        raise AssertionError(msg)
    return row


def _product_error(error: IntegrityError) -> AlreadyTaken | UnknownCategory:
    return AlreadyTaken("product", "sku") if isinstance(error.orig, UniqueViolation) else UnknownCategory()
