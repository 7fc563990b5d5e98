"""The schema goes forwards, backwards and forwards again, and keeps what it holds."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from reference_app.catalog.database import SCHEMA
from reference_app.catalog.seed import Planted, plant
from reference_app.catalog.tables import Base
from reference_app.persistence.engines import run_once_reachable
from suites.services.catalog.conftest import settings_for

if TYPE_CHECKING:
    from suites.services.backing import PostgreSQL

_SOON = timedelta(seconds=10)


@pytest.fixture
def url(postgresql: PostgreSQL) -> URL:
    return settings_for(postgresql.new_database()).database


def _do(url: URL, work: str = "head") -> None:
    run_once_reachable(url, lambda connection: SCHEMA.migrate(connection, work), within=_SOON)


def _rows(url: URL, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_one_step_back_and_forward_again_loses_nothing(url: URL) -> None:
    columns_kept = "id, sku, name, description, category_id, price_cents, stock, version, updated_at"
    everything = f"SELECT {columns_kept} FROM products ORDER BY id"  # noqa: S608 - a constant
    found = "SELECT count(*) FROM products WHERE search @@ websearch_to_tsquery('english', 'anchors')"
    _do(url)
    run_once_reachable(url, _seed, within=_SOON)
    before, found_before = _rows(url, everything), _rows(url, found)

    _do(url, "0001")
    backwards = _rows(url, everything)
    columns = _rows(url, "SELECT column_name FROM information_schema.columns WHERE table_name = 'products'")
    _do(url)

    assert len(before) == 240
    assert ("search",) not in columns
    assert backwards == before == _rows(url, everything)
    assert _rows(url, found) == found_before
    assert found_before[0][0] != 0


def test_what_is_reserved_outlives_a_step_back(url: URL) -> None:
    _do(url)
    run_once_reachable(url, _reserve, within=_SOON)
    before = _rows(url, "SELECT * FROM reservations")

    _do(url, "0002")
    backwards = _rows(url, "SELECT * FROM reservations")
    _do(url)

    assert len(before) == 1
    assert before == backwards == _rows(url, "SELECT * FROM reservations")


def test_the_database_itself_refuses_a_stock_below_nothing(url: URL) -> None:
    _do(url)
    run_once_reachable(url, _seed, within=_SOON)

    with pytest.raises(IntegrityError, match='"ck_products_stock"'):
        run_once_reachable(url, _oversell, within=_SOON)


def test_migrating_again_changes_nothing(url: URL) -> None:
    _do(url)
    _do(url)

    assert _rows(url, "SELECT version_num FROM alembic_version") == [("0003",)]


def test_the_tables_in_the_code_are_those_in_the_database(url: URL) -> None:
    _do(url)
    engine = create_engine(url, poolclass=NullPool)

    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )

    assert differences == []


def test_seeding_again_adds_nothing_and_changes_nothing(url: URL) -> None:
    planted: list[Planted] = []
    _do(url)

    def seed(connection: Connection) -> None:
        planted.append(plant(connection))

    run_once_reachable(url, seed, within=_SOON)
    run_once_reachable(url, _rename, within=_SOON)
    run_once_reachable(url, seed, within=_SOON)

    assert planted == [Planted(categories=12, products=240), Planted(categories=0, products=0)]
    assert _rows(url, "SELECT name FROM products WHERE sku = 'ROPES-001'") == [("Mine",)]


def _seed(connection: Connection) -> None:
    plant(connection)


def _migrate_and_seed(connection: Connection) -> None:
    SCHEMA.migrate(connection)
    plant(connection)


def _reserve(connection: Connection) -> None:
    connection.execute(
        text("INSERT INTO reservations (id, state, items) VALUES (gen_random_uuid(), 'held', '{\"x\": 1}')")
    )


def _oversell(connection: Connection) -> None:
    connection.execute(text("UPDATE products SET stock = stock - 1000"))


def _rename(connection: Connection) -> None:
    connection.execute(text("UPDATE products SET name = 'Mine' WHERE sku = 'ROPES-001'"))


def test_two_runs_at_once_do_not_disturb_each_other(url: URL) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            run_once_reachable(url, _migrate_and_seed, within=_SOON)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    runs = [threading.Thread(target=run) for _ in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()

    assert errors == []
    assert _rows(url, "SELECT count(*) FROM products") == [(240,)]


def test_a_database_that_comes_up_late_is_waited_for(url: URL, postgresql: PostgreSQL) -> None:
    postgresql.stop()
    begun = threading.Event()

    def run() -> None:
        begun.set()
        _do(url)

    early = threading.Thread(target=run)
    early.start()
    try:
        begun.wait()
    finally:
        # Started by this thread and not by the other one: the server ends with the thread that started it.
        postgresql.start()
    early.join()

    assert _rows(url, "SELECT version_num FROM alembic_version") == [("0003",)]


def test_a_database_that_stays_away_is_given_up(url: URL) -> None:
    with pytest.raises(OperationalError):
        run_once_reachable(url.set(database="nowhere"), lambda _: None, within=timedelta(milliseconds=200))
