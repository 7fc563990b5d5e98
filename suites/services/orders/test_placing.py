"""Orders are placed once per key, at the prices of the moment, with everything that belongs to them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

if TYPE_CHECKING:
    from suites.services.orders.conftest import Body, Shop, StartReplica

pytestmark = pytest.mark.anyio


async def test_a_placed_order_can_be_read_where_the_answer_says(shop: Shop) -> None:
    answer = await shop.post(shop.body(2, 3, customer="Ann_1.x-y"))

    read = await shop.client.get(answer.headers["location"])

    assert answer.status_code == 201
    order = answer.json()
    first, second = shop.products[:2]
    assert order["items"] == [
        {
            "product_id": product["id"],
            "sku": product["sku"],
            "name": product["name"],
            "quantity": quantity,
            "unit_price_cents": product["price_cents"],
        }
        for product, quantity in ((first, 2), (second, 3))
    ]
    assert isinstance(first["price_cents"], int)
    assert isinstance(second["price_cents"], int)
    assert order["total_cents"] == 2 * first["price_cents"] + 3 * second["price_cents"]
    assert (order["status"], order["reason"], order["version"]) == ("pending", None, 1)
    assert order["customer"] == "Ann_1.x-y"
    assert order["created_at"] == order["updated_at"]
    assert read.status_code == 200
    assert read.json() == order
    assert read.headers["etag"] == answer.headers["etag"] == '"1"'
    assert "idempotent-replayed" not in answer.headers
    assert shop.orders.sample("orders_placed_total") == 1


async def test_an_unchanged_order_is_not_sent_again(shop: Shop) -> None:
    path = await shop.placed()

    again = await shop.client.get(path, headers={"If-None-Match": 'W/"7", "1"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')


async def test_an_order_its_history_and_its_event_come_together(shop: Shop) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await shop.client.post(
        "/orders",
        json=shop.body(4),
        headers={"Idempotency-Key": "k", "traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    order = answer.json()

    history = (await shop.client.get(f"{answer.headers['location']}/history")).json()
    (event,) = shop.rows("SELECT * FROM outbox")

    assert history == {"items": [{"sequence": 1, "status": "pending", "reason": None, "at": order["created_at"]}]}
    assert (event["type"], str(event["order_id"]), event["sequence"]) == ("order.placed", order["id"], 1)
    assert event["published_at"] is None
    assert event["data"] == {
        "customer": "ann",
        "status": "pending",
        "reason": None,
        "items": [{"product_id": shop.products[0]["id"], "quantity": 4}],
        "total_cents": order["total_cents"],
    }
    assert str(event["traceparent"]).split("-")[1] == trace


async def test_the_price_of_the_moment_stays(shop: Shop) -> None:
    path = await shop.placed()
    agreed = (await shop.client.get(path)).json()
    product = shop.products[0]
    changed = {name: product[name] for name in ("sku", "category_id", "stock")}
    await shop.catalog.put(
        f"/products/{product['id']}",
        json=changed | {"name": "Other", "price_cents": 77},
        headers={"If-Match": "*"},
    )

    new = (await shop.post()).json()

    assert (await shop.client.get(path)).json() == agreed
    assert (new["items"][0]["name"], new["total_cents"]) == ("Other", 77)


async def test_a_repeated_request_is_answered_as_before(shop: Shop) -> None:
    first = await shop.post(shop.body(1), key="same")
    await shop.settle()
    spelled_otherwise = json.dumps(shop.body(1), indent=3)

    again = await shop.client.post(
        "/orders", content=spelled_otherwise, headers={"Idempotency-Key": "same", "Content-Type": "application/json"}
    )

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert len(shop.rows("SELECT FROM orders")) == 1
    assert shop.orders.sample("orders_replays_total") == 1


async def test_a_repeated_request_needs_neither_catalogue_nor_the_same_replica(
    shop: Shop, start_replica: StartReplica
) -> None:
    first = await shop.post(key="same")
    other = await start_replica(catalog_url="http://127.0.0.1:1")

    again = await other.client.post("/orders", json=shop.body(), headers={"Idempotency-Key": "same"})

    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize("changed", ["quantity", "customer", "product"])
async def test_a_key_belongs_to_one_request(shop: Shop, changed: str) -> None:
    await shop.post(shop.body(1), key="same")
    others: dict[str, Body] = {
        "quantity": shop.body(2),
        "customer": shop.body(1, customer="bob"),
        "product": {"customer": "ann", "items": [{"product_id": shop.products[1]["id"], "quantity": 1}]},
    }

    refused = await shop.post(others[changed], key="same")

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:seatrial:problem:idempotency-key-reused")
    assert len(shop.rows("SELECT FROM orders")) == 1


async def test_without_a_key_there_is_no_order(shop: Shop) -> None:
    for headers in ({}, {"Idempotency-Key": ""}):
        refused = await shop.client.post("/orders", json=shop.body(), headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (400, "urn:seatrial:problem:idempotency-key-missing")
    assert shop.rows("SELECT FROM orders") == []


@pytest.mark.parametrize(
    ("key", "status"),
    [("~" * 255, 201), ('"quoted, with: a space"', 201), ("~" * 256, 400), ("é", 400), ("a\tb", 400)],
)
async def test_a_key_is_printable_and_short(shop: Shop, key: str, status: int) -> None:
    answer = await shop.client.post("/orders", json=shop.body(), headers=[(b"Idempotency-Key", key.encode("latin-1"))])

    assert answer.status_code == status


async def test_a_key_expires(shop: Shop) -> None:
    first = await shop.post(key="same")
    shop.execute("UPDATE idempotency_keys SET expires_at = now()")

    again = await shop.post(shop.body(2), key="same")

    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    assert again.content == (await shop.post(shop.body(2), key="same")).content
    assert len(shop.rows("SELECT FROM orders")) == 2


async def test_while_the_first_is_in_flight_the_second_is_sent_away_at_once(shop: Shop) -> None:
    with shop.postgresql.administration(shop.database.name) as connection, connection.transaction():
        # As another replica does while it places an order under this key.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('same', 0))")
        refused = await shop.post(key="same")
        other = await shop.post(key="other")
    after = await shop.post(key="same")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:seatrial:problem:idempotency-key-in-flight")
    assert refused.headers["retry-after"] == "1"
    assert (other.status_code, after.status_code) == (201, 201)
    assert len(shop.rows("SELECT FROM orders")) == 2


async def test_a_thousand_requests_with_one_key_place_one_order(shop: Shop, start_replica: StartReplica) -> None:
    replicas = [shop.orders, *[await start_replica() for _ in range(3)]]

    answers = await asyncio.gather(
        *(
            replicas[number % 4].client.post("/orders", json=shop.body(3), headers={"Idempotency-Key": "one"})
            for number in range(1000)
        )
    )

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert sum("idempotent-replayed" not in one.headers for one in answers if one.status_code == 201) == 1
    assert len({one.content for one in answers if one.status_code == 201}) == 1
    for table in ("orders", "order_items", "order_history", "outbox", "idempotency_keys"):
        assert len(shop.rows(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))) == 1, table


async def test_requests_with_different_keys_do_not_disturb_each_other(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.post(key=f"key-{number}") for number in range(100)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 100


async def test_an_unknown_product_is_told_and_uses_up_no_key(shop: Shop) -> None:
    unknown = str(uuid.uuid4())
    body = shop.body(1)
    items = body["items"]
    assert isinstance(items, list)

    refused = await shop.post(body | {"items": [*items, {"product_id": unknown, "quantity": 1}]}, key="same")
    placed = await shop.post(body, key="same")

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:seatrial:problem:unknown-product")
    assert refused.json()["errors"] == [{"where": f"product/{unknown}", "what": "there is no such product"}]
    assert placed.status_code == 201


async def test_without_the_catalogue_an_order_is_asked_for_again_later(shop: Shop, start_replica: StartReplica) -> None:
    lonely = await start_replica(catalog_url="http://127.0.0.1:1")

    refused = await lonely.client.post("/orders", json=shop.body(), headers={"Idempotency-Key": "same"})
    placed = await shop.post(key="same")

    assert (refused.status_code, refused.json()["type"]) == (503, "urn:seatrial:problem:catalog-unavailable")
    assert refused.headers["retry-after"] == "2"
    assert placed.status_code == 201


async def test_a_known_price_needs_no_catalogue_for_a_moment(shop: Shop, start_replica: StartReplica) -> None:
    replica = await start_replica(price_ttl=2)
    statuses = []
    for number in range(3):
        answer = await replica.client.post("/orders", json=shop.body(1), headers={"Idempotency-Key": f"k{number}"})
        statuses.append(answer.status_code)
        shop.postgresql.forget_statements() if number == 0 else None

    assert statuses == [201, 201, 201]
    assert shop.postgresql.statements(shop.stock, "%FROM products%") == 0


async def test_placing_is_one_statement(shop: Shop, start_replica: StartReplica) -> None:
    replica = await start_replica(price_ttl=2)
    await replica.client.post("/orders", json=shop.body(1), headers={"Idempotency-Key": "first"})
    shop.postgresql.forget_statements()

    await replica.client.post("/orders", json=shop.body(1), headers={"Idempotency-Key": "second"})

    assert shop.postgresql.statements(shop.database, "%INSERT INTO orders%") == 1
    # The foreign keys are looked after by statements of the server's own.
    assert shop.postgresql.statements(shop.database, "%FOR KEY SHARE%") == 2
    assert shop.postgresql.statements(shop.database, "%") == 3
