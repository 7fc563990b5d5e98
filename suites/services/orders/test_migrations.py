"""The schema goes forwards, backwards and forwards again, and keeps what it holds."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.pool import NullPool

from reference_app.orders.database import SCHEMA
from reference_app.orders.domain import Status
from reference_app.orders.seed import plant
from reference_app.orders.tables import Base
from reference_app.persistence.engines import run_once_reachable
from suites.services.orders.conftest import TABLES, settings_for

if TYPE_CHECKING:
    from suites.services.backing import PostgreSQL
    from suites.services.orders.conftest import Shop, StartReplica

_SOON = timedelta(seconds=10)
_PLACED = "SELECT * FROM {} ORDER BY 1, 2"


@pytest.fixture
def url(postgresql: PostgreSQL) -> URL:
    return settings_for(postgresql.new_database("orders")).database


def _do(url: URL, revision: str = "head") -> None:
    run_once_reachable(url, lambda connection: SCHEMA.migrate(connection, revision), within=_SOON)


def _rows(url: URL, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _everything(url: URL) -> dict[str, list[tuple[object, ...]]]:
    return {table: _rows(url, _PLACED.format(table)) for table in TABLES}


def _seed(connection: Connection) -> None:
    plant(connection)


def _rename(connection: Connection) -> None:
    connection.execute(text("UPDATE orders SET customer = 'x'"))


def test_one_step_back_and_forward_again_loses_nothing(url: URL) -> None:
    indexes = "SELECT indexname FROM pg_indexes WHERE indexname = 'ix_orders_status_created_at_id'"
    _do(url)
    run_once_reachable(url, _seed, within=_SOON)
    before = _everything(url)

    _do(url, "previous")
    backwards = _everything(url), _rows(url, indexes)
    _do(url)

    assert len(before["orders"]) == 60
    assert backwards == (before, [])
    assert _everything(url) == before
    assert len(_rows(url, indexes)) == 1


@pytest.mark.anyio
async def test_orders_are_placed_and_settled_before_and_after_a_step_back(
    shop: Shop, start_replica: StartReplica
) -> None:
    url = settings_for(shop.database).database
    paths = [await shop.placed()]
    try:
        _do(url, "0001")
        paths.append(await shop.placed())
        await shop.settle()
        listed = await shop.client.get("/orders", params={"status": "confirmed"})
    finally:
        _do(url)
    # Connections that were open all the while know the schema of before.
    paths.append(await shop.placed())
    await shop.settle()

    assert len(listed.json()["items"]) == 2
    assert [await shop.status(path) for path in paths] == [("confirmed", None)] * 3
    assert (await (await start_replica()).client.get("/readyz")).status_code == 200


def test_migrating_again_changes_nothing(url: URL) -> None:
    _do(url)
    _do(url)

    assert _rows(url, "SELECT version_num FROM alembic_version") == [("0002",)]


def test_all_the_way_back_nothing_is_left(url: URL) -> None:
    _do(url)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        SCHEMA.migrate(connection, "0001")

    assert _rows(url, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_the_tables_in_the_code_are_those_in_the_database(url: URL) -> None:
    _do(url)
    engine = create_engine(url, poolclass=NullPool)

    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )

    assert differences == []


@pytest.mark.parametrize("status", [*Status, "lost"])
def test_the_database_itself_knows_the_statuses(url: URL, status: str) -> None:
    _do(url)
    query = (
        "INSERT INTO orders (id, customer, status, total_cents, version, created_at, updated_at)"  # noqa: S608
        f" VALUES ('{uuid.uuid4()}', 'ann', '{status}', 1, 1, now(), now()) RETURNING 1"
    )

    if status == "lost":
        with pytest.raises(Exception, match='"ck_orders_status"'):
            _rows(url, query)
    else:
        assert _rows(url, query) == [(1,)]


def test_seeding_again_adds_nothing_and_changes_nothing(url: URL) -> None:
    planted: list[int] = []
    _do(url)

    def seed(connection: Connection) -> None:
        planted.append(plant(connection))

    run_once_reachable(url, seed, within=_SOON)
    run_once_reachable(url, _rename, within=_SOON)
    run_once_reachable(url, seed, within=_SOON)

    assert planted == [60, 0]
    assert _rows(url, "SELECT DISTINCT customer FROM orders") == [("x",)]


def test_sample_orders_are_the_same_everywhere(url: URL, postgresql: PostgreSQL) -> None:
    other = settings_for(postgresql.new_database("orders")).database
    for one in (url, other):
        _do(one)
        run_once_reachable(one, _seed, within=_SOON)

    assert _everything(url) == _everything(other)


def test_sample_orders_make_sense(url: URL) -> None:
    _do(url)
    run_once_reachable(url, _seed, within=_SOON)

    statuses = {status for (status,) in _rows(url, "SELECT status FROM orders")}
    assert statuses == {"confirmed", "shipped", "delivered", "cancelled"}
    assert (
        _rows(
            url,
            "SELECT id FROM orders WHERE total_cents <> (SELECT sum(quantity * unit_price_cents) FROM order_items WHERE"
            " order_id = id) OR version <> (SELECT count(*) FROM order_history WHERE order_id = id)"
            " OR (status, version) NOT IN (SELECT status, sequence FROM order_history WHERE order_id = id)",
        )
        == []
    )
    assert _rows(url, "SELECT count(DISTINCT customer) FROM orders") == [(12,)]


@pytest.mark.anyio
async def test_sample_orders_are_of_sample_products(shop: Shop) -> None:
    run_once_reachable(settings_for(shop.database).database, _seed, within=_SOON)
    ordered = shop.rows("SELECT DISTINCT product_id, sku, name, unit_price_cents FROM order_items")

    for item in ordered:
        product = (await shop.catalog.get(f"/products/{item['product_id']}")).json()
        assert (product["sku"], product["name"], product["price_cents"]) == (
            item["sku"],
            item["name"],
            item["unit_price_cents"],
        )
    assert len(ordered) == 8


def test_two_runs_at_once_do_not_disturb_each_other(url: URL) -> None:
    errors: list[BaseException] = []

    def prepare(connection: Connection) -> None:
        SCHEMA.migrate(connection)
        plant(connection)

    def run() -> None:
        try:
            run_once_reachable(url, prepare, within=_SOON)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    runs = [threading.Thread(target=run) for _ in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()

    assert errors == []
    assert _rows(url, "SELECT count(*) FROM orders") == [(60,)]
