"""Reservations: stock is taken all or none, once, and given back once, whoever else asks at the same time."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.waiting import eventually

if TYPE_CHECKING:
    import httpx

    from suites.services.backing import Database, PostgreSQL
    from suites.services.catalog.conftest import Replica, StartReplica

pytestmark = pytest.mark.anyio
_KIND = "urn:seatrial:problem:"


async def _products(client: httpx.AsyncClient, count: int, *, stock: int) -> list[str]:
    """Return the ids of *count* products, with *stock* pieces each."""
    items = (await client.get("/products", params={"limit": count})).json()["items"]
    for item in items:
        fields = ("sku", "name", "description", "category_id", "price_cents")
        body = {field: item[field] for field in fields} | {"stock": stock}
        answer = await client.put(f"/products/{item['id']}", json=body, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
    return [item["id"] for item in items]


def _path() -> str:
    return f"/reservations/{uuid.uuid4()}"


def _asked(quantities: dict[str, int]) -> dict[str, object]:
    return {"items": [{"product_id": product, "quantity": quantity} for product, quantity in quantities.items()]}


async def _stock(client: httpx.AsyncClient, product: str) -> int:
    return int((await client.get(f"/products/{product}")).json()["stock"])


def _all_stock(postgresql: PostgreSQL, database: Database) -> dict[str, int]:
    with postgresql.administration(database.name) as connection:
        return dict(connection.execute("SELECT id::text, stock FROM products").fetchall())


async def test_a_reservation_takes_stock_and_can_be_read(client: httpx.AsyncClient) -> None:
    one, two = await _products(client, 2, stock=10)
    path = _path()

    made = await client.put(path, json=_asked({one: 3, two: 10}))
    read = await client.get(path)

    assert (made.status_code, read.status_code) == (201, 200)
    assert made.json() == read.json()
    assert made.json()["id"] == path.rpartition("/")[2]
    assert made.json()["state"] == "held"
    assert {item["product_id"]: item["quantity"] for item in made.json()["items"]} == {one: 3, two: 10}
    assert (await _stock(client, one), await _stock(client, two)) == (7, 0)


async def test_a_repeat_takes_nothing_more(client: httpx.AsyncClient) -> None:
    one, two = await _products(client, 2, stock=10)
    path = _path()
    made = await client.put(path, json=_asked({one: 3, two: 4}))

    again = await client.put(path, json=_asked({two: 4, one: 3}))

    assert (again.status_code, again.json()) == (200, made.json())
    assert (await _stock(client, one), await _stock(client, two)) == (7, 6)


async def test_other_items_under_the_same_id_are_refused(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    path = _path()
    await client.put(path, json=_asked({product: 3}))

    other = await client.put(path, json=_asked({product: 4}))

    assert (other.status_code, other.json()["type"]) == (409, f"{_KIND}reservation-conflict")
    assert await _stock(client, product) == 7


async def test_of_what_is_not_all_there_nothing_is_taken(client: httpx.AsyncClient) -> None:
    one, two = await _products(client, 2, stock=10)
    path = _path()

    refused = await client.put(path, json=_asked({one: 3, two: 11}))

    assert (refused.status_code, refused.json()["type"]) == (409, f"{_KIND}insufficient-stock")
    assert refused.json()["errors"] == [{"where": f"product/{two}", "what": "11 asked for, 10 in stock"}]
    assert await _stock(client, one) == 10
    assert (await client.get(path)).status_code == 404
    assert (await client.put(path, json=_asked({one: 3, two: 10}))).status_code == 201


async def test_a_product_that_does_not_exist_is_named(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    unknown = str(uuid.uuid4())

    refused = await client.put(_path(), json=_asked({product: 1, unknown: 1}))

    assert (refused.status_code, refused.json()["type"]) == (422, f"{_KIND}unknown-product")
    assert [error["where"] for error in refused.json()["errors"]] == [f"product/{unknown}"]
    assert await _stock(client, product) == 10


async def test_what_is_released_comes_back_once(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    path = _path()
    await client.put(path, json=_asked({product: 4}))

    answers = [await client.delete(path) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [204, 204, 204]
    assert await _stock(client, product) == 10
    assert (await client.get(path)).json()["state"] == "released"


async def test_a_released_reservation_cannot_be_made_again(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    path = _path()
    await client.put(path, json=_asked({product: 4}))
    await client.delete(path)

    late = await client.put(path, json=_asked({product: 4}))

    assert (late.status_code, late.json()["type"]) == (409, f"{_KIND}reservation-released")
    assert await _stock(client, product) == 10


async def test_a_release_that_comes_first_wins(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    path = _path()

    released = await client.delete(path)
    late = await client.put(path, json=_asked({product: 4}))

    assert (released.status_code, late.status_code) == (204, 409)
    assert late.json()["type"] == f"{_KIND}reservation-released"
    assert (await client.get(path)).json() == {"id": path.rpartition("/")[2], "state": "released", "items": []}
    assert await _stock(client, product) == 10


async def test_a_product_deleted_meanwhile_does_not_hold_the_release_up(client: httpx.AsyncClient) -> None:
    one, two = await _products(client, 2, stock=10)
    path = _path()
    await client.put(path, json=_asked({one: 4, two: 4}))
    await client.delete(f"/products/{one}", headers={"If-Match": "*"})

    assert (await client.delete(path)).status_code == 204
    assert await _stock(client, two) == 10


async def test_every_replica_sees_the_new_stock_and_a_new_version(start_replica: StartReplica) -> None:
    reader, writer = (await start_replica()).client, (await start_replica()).client
    (product,) = await _products(writer, 1, stock=10)
    path, seen = _path(), []

    for change in (None, ("PUT", _asked({product: 4})), ("DELETE", None)):
        if change is not None:
            assert (await writer.request(change[0], path, json=change[1])).is_success
        read = await reader.get(f"/products/{product}")
        seen.append((read.json()["stock"], read.json()["version"], read.headers["etag"]))

    assert seen == [(10, 2, '"2"'), (6, 3, '"3"'), (10, 4, '"4"')]


async def test_a_change_based_on_the_stock_before_is_refused(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    before = await client.get(f"/products/{product}")
    await client.put(_path(), json=_asked({product: 4}))
    body = {field: before.json()[field] for field in ("sku", "name", "category_id", "price_cents", "stock")}

    overwritten = await client.put(f"/products/{product}", json=body, headers={"If-Match": before.headers["etag"]})

    assert overwritten.status_code == 412
    assert await _stock(client, product) == 6


async def test_fifty_who_want_the_last_ten_get_ten(start_replica: StartReplica) -> None:
    replicas = [(await start_replica()).client, (await start_replica()).client]
    (product,) = await _products(replicas[0], 1, stock=10)

    answers = await asyncio.gather(
        *(replicas[number % 2].put(_path(), json=_asked({product: 1})) for number in range(50))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 40}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {f"{_KIND}insufficient-stock"}
    assert await _stock(replicas[0], product) == 0


async def test_fifty_attempts_at_one_reservation_take_its_stock_once(start_replica: StartReplica) -> None:
    replicas = [(await start_replica()).client, (await start_replica()).client]
    (product,) = await _products(replicas[0], 1, stock=100)
    path = _path()

    answers = await asyncio.gather(*(replicas[number % 2].put(path, json=_asked({product: 2})) for number in range(50)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    assert await _stock(replicas[0], product) == 98


async def test_crossing_reservations_and_releases_neither_lock_up_nor_lose_a_piece(
    client: httpx.AsyncClient, postgresql: PostgreSQL, database: Database
) -> None:
    one, two = await _products(client, 2, stock=1000)
    before = _all_stock(postgresql, database)
    paths = [_path() for _ in range(30)]
    # Half of them name the products the other way round.
    made = await asyncio.gather(
        *(
            client.put(path, json=_asked({one: 1, two: 2} if number % 2 else {two: 2, one: 1}))
            for number, path in enumerate(paths)
        )
    )
    held = _all_stock(postgresql, database)
    released = await asyncio.gather(*(client.delete(path) for path in paths for _ in range(2)))

    assert Counter(answer.status_code for answer in [*made, *released]) == {201: 30, 204: 60}
    assert (held[one], held[two]) == (970, 940)
    assert _all_stock(postgresql, database) == before


async def test_products_are_locked_in_the_order_of_their_ids(
    client: httpx.AsyncClient, postgresql: PostgreSQL, database: Database
) -> None:
    low, high = sorted(await _products(client, 2, stock=10))

    with postgresql.administration(database.name) as connection, connection.transaction():
        connection.execute("SELECT 1 FROM products WHERE id = %s FOR UPDATE", (low,))
        both = asyncio.create_task(client.put(_path(), json=_asked({high: 1, low: 1})))
        await asyncio.to_thread(
            eventually,
            lambda: postgresql.waiting_for_a_lock(database),
            until=bool,
            within=timedelta(seconds=20),
            what="the reservation of both waits for the lower one",
        )
        # Were the higher one locked already, this would wait for it and be refused when its time is up.
        other = await client.put(_path(), json=_asked({high: 1}))

    assert other.status_code == 201
    assert (await both).status_code == 201


async def test_a_release_of_nothing_leaves_the_cache_in_use(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=10)
    await client.get(f"/products/{product}")

    await client.delete(_path())

    assert (await client.get(f"/products/{product}")).headers["x-cache"] == "hit"


async def test_a_release_and_the_reservation_at_once_leave_nothing_taken(client: httpx.AsyncClient) -> None:
    (product,) = await _products(client, 1, stock=100)
    for _ in range(20):
        path = _path()
        put, delete = await asyncio.gather(client.put(path, json=_asked({product: 5})), client.delete(path))
        assert (put.status_code, delete.status_code) in {(201, 204), (409, 204)}

    assert await _stock(client, product) == 100


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"product_id": "x", "quantity": 1}],
        [{"quantity": 1}],
        [{"product_id": str(uuid.UUID(int=1)), "quantity": 0}],
        [{"product_id": str(uuid.UUID(int=1)), "quantity": 1001}],
        [{"product_id": str(uuid.UUID(int=1)), "quantity": 1}] * 2,
        [{"product_id": str(uuid.UUID(int=number)), "quantity": 1} for number in range(51)],
    ],
    ids=["none", "no id", "no product", "nothing", "too much", "twice", "too many"],
)
async def test_what_is_no_reservation_is_refused(client: httpx.AsyncClient, items: list[object]) -> None:
    answer = await client.put(_path(), json={"items": items})

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["where"].startswith("body/items")


async def test_reservations_are_counted_by_what_came_of_them(replica: Replica) -> None:
    (product,) = await _products(replica.client, 1, stock=10)
    path = _path()
    for quantity in (4, 4, 5):
        await replica.client.put(path, json=_asked({product: quantity}))
    await replica.client.delete(path)

    outcomes = {
        outcome: replica.sample("catalog_reservations_total", outcome=outcome)
        for outcome in ("held", "repeated", "refused", "released")
    }
    assert outcomes == {"held": 1, "repeated": 1, "refused": 1, "released": 1}
