"""What is ordered is set aside in the real catalogue, and given back, exactly once."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from reference_app.orders.domain import CatalogUnavailable

if TYPE_CHECKING:
    import httpx

    from suites.services.orders.conftest import Replica, Shop, StartCarrier, StartReplica

pytestmark = pytest.mark.anyio


async def test_an_order_is_confirmed_and_its_pieces_leave_the_stock(shop: Shop) -> None:
    before = await shop.left(), await shop.left(1)
    path = await shop.placed(shop.body(3, 2))

    await shop.settle()

    assert await shop.status(path) == ("confirmed", None)
    assert (await shop.left(), await shop.left(1)) == (before[0] - 3, before[1] - 2)
    assert shop.worker.sample("orders_saga_outcomes_total", outcome="confirmed") == 1
    assert shop.worker.sample("orders_transitions_total", status="confirmed") == 1
    assert shop.worker.sample("orders_events_handled_total", type="order.placed") == 1


async def test_an_order_of_more_than_there_is_is_cancelled_and_takes_nothing(shop: Shop) -> None:
    before = await shop.left(), await shop.left(1)
    path = await shop.placed(shop.body(1, 1000))

    await shop.settle()

    assert await shop.status(path) == ("cancelled", "insufficient stock")
    assert (await shop.left(), await shop.left(1)) == before
    assert shop.worker.sample("orders_saga_outcomes_total", outcome="cancelled") == 1


async def test_an_order_of_a_product_that_is_gone_is_cancelled(shop: Shop) -> None:
    path = await shop.placed()
    await shop.catalog.delete(f"/products/{shop.products[0]['id']}", headers={"If-Match": "*"})

    await shop.settle()
    status = await shop.status(path)
    with shop.postgresql.administration(shop.stock.name) as connection:
        connection.execute(
            "INSERT INTO products (id, sku, name, description, category_id, price_cents, stock)"
            " SELECT p.id, %s, p.name, '', (SELECT id FROM categories LIMIT 1), p.price_cents, p.stock"
            " FROM planted p WHERE p.id = %s",
            (shop.products[0]["sku"], shop.products[0]["id"]),
        )

    assert status == ("cancelled", "unknown product")


@pytest.mark.parametrize("settled", [True, False])
async def test_what_a_cancelled_order_held_comes_back(shop: Shop, *, settled: bool) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(4))
    if settled:
        await shop.settle()
        assert await shop.left() == before - 4
    await shop.client.post(f"{path}/cancel")

    await shop.settle()

    assert await shop.left() == before
    assert await shop.status(path) == ("cancelled", "cancelled by the customer")


async def test_a_cancellation_that_overtakes_the_order_leaves_nothing_reserved(shop: Shop) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(4))
    await shop.client.post(f"{path}/cancel")
    shop.execute("UPDATE outbox SET published_at = now() WHERE type = 'order.placed'")
    await shop.relay.round()
    await shop.worker.round()
    shop.execute("UPDATE outbox SET published_at = NULL WHERE type = 'order.placed'")

    await shop.settle()

    assert [message["type"] for message in shop.messages()] == ["order.cancelled", "order.placed"]
    assert await shop.left() == before
    assert shop.worker.sample("orders_saga_outcomes_total", outcome="overtaken") == 1


async def test_a_cancellation_between_reservation_and_confirmation_is_made_good(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(4))
    catalog = shop.worker.app.state.worker._catalog
    hold = catalog.hold

    async def cancelled_meanwhile(*arguments: object) -> object:
        refusal = await hold(*arguments)
        await shop.client.post(f"{path}/cancel")
        return refusal

    monkeypatch.setattr(catalog, "hold", cancelled_meanwhile)
    await shop.relay.round()
    await shop.worker.round()
    reserved = await shop.left()
    await shop.settle()

    assert (reserved, await shop.left()) == (before - 4, before)
    assert await shop.status(path) == ("cancelled", "cancelled by the customer")


async def test_a_message_that_comes_again_does_nothing(shop: Shop) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(2))
    await shop.settle()
    with Redis.from_url(shop.redis.url) as redis:
        for message in shop.messages() * 3:
            redis.xadd("orders:events", dict(message))

    await shop.worker.round()

    assert await shop.left() == before - 2
    assert [entry["status"] for entry in (await shop.client.get(f"{path}/history")).json()["items"]] == [
        "pending",
        "confirmed",
    ]
    assert shop.worker.sample("orders_duplicates_dropped_total") == 6


async def test_one_message_for_two_workers_at_once_does_its_work_once(shop: Shop, start_worker: StartCarrier) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(2))
    await shop.relay.round()
    with Redis.from_url(shop.redis.url) as redis:
        (message,) = shop.messages()
        for _ in range(7):
            redis.xadd("orders:events", dict(message))
    workers = [shop.worker, await start_worker(messages_timeout=0.2)]

    await asyncio.gather(*(worker.round() for worker in workers))

    assert await shop.left() == before - 2
    history = (await shop.client.get(f"{path}/history")).json()["items"]
    assert [entry["status"] for entry in history] == ["pending", "confirmed"]
    assert sum(worker.sample("orders_events_handled_total", type="order.placed") for worker in workers) == 1
    assert sum(worker.sample("orders_duplicates_dropped_total") for worker in workers) == 7


async def test_the_messages_of_a_dead_worker_are_taken_over(shop: Shop, start_worker: StartCarrier) -> None:
    path = await shop.placed()
    await shop.relay.round()
    with Redis.from_url(shop.redis.url) as redis:
        redis.xgroup_create("orders:events", "orders:saga", id="0")
        redis.xreadgroup("orders:saga", "dead", {"orders:events": ">"})
    heir = await start_worker(messages_timeout=0.2, claim_after=0)

    await shop.worker.round()
    untouched = await shop.status(path)
    await heir.round()

    assert untouched == ("pending", None)
    assert await shop.status(path) == ("confirmed", None)
    with Redis.from_url(shop.redis.url) as redis:
        assert redis.xpending("orders:events", "orders:saga")["pending"] == 0


async def test_a_worker_that_died_after_the_reservation_is_completed(
    shop: Shop, start_worker: StartCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await shop.left()
    path = await shop.placed(shop.body(3))
    await shop.relay.round()

    async def die(*_: object, **__: object) -> bool:
        raise ConnectionAbortedError

    monkeypatch.setattr(shop.worker.app.state.worker._store, "settle", die)
    with pytest.raises(ConnectionAbortedError):
        await shop.worker.round()
    between = await shop.status(path), await shop.left()
    await (await start_worker(messages_timeout=0.2, claim_after=0)).round()

    assert between == (("pending", None), before - 3)
    assert (await shop.status(path), await shop.left()) == (("confirmed", None), before - 3)


async def test_without_the_catalogue_the_order_waits(shop: Shop, start_worker: StartCarrier) -> None:
    path = await shop.placed()
    await shop.relay.round()
    lonely = await start_worker(catalog_url="http://127.0.0.1:1", messages_timeout=0.2)

    with pytest.raises(CatalogUnavailable):
        await lonely.round()
    waiting = await shop.status(path)
    await (await start_worker(messages_timeout=0.2, claim_after=0)).round()

    assert (waiting, await shop.status(path)) == (("pending", None), ("confirmed", None))
    assert lonely.sample("orders_saga_outcomes_total", outcome="postponed") == 1


async def test_one_order_that_cannot_go_on_does_not_hold_up_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [await shop.placed() for _ in range(3)]
    catalog = shop.worker.app.state.worker._catalog
    hold = catalog.hold

    async def picky(order_id: object, items: object) -> object:
        if f"/orders/{order_id}" == paths[0]:
            raise CatalogUnavailable
        return await hold(order_id, items)

    monkeypatch.setattr(catalog, "hold", picky)
    await shop.relay.round()
    with pytest.raises(CatalogUnavailable):
        await shop.worker.round()

    assert [(await shop.status(path))[0] for path in paths] == ["pending", "confirmed", "confirmed"]


async def test_a_redis_without_memory_is_no_obstacle(shop: Shop) -> None:
    await shop.placed()
    await shop.settle()
    shop.redis.kill()
    shop.redis.start()
    path = await shop.placed()

    await shop.settle()

    assert await shop.status(path) == ("confirmed", None)


async def test_what_is_no_event_is_dropped(shop: Shop) -> None:
    path = await shop.placed()
    with Redis.from_url(shop.redis.url) as redis:
        redis.xadd("orders:events", {"nonsense": "'; DROP TABLE orders; --"})
        redis.xadd("orders:events", {"id": str(uuid.uuid4()), "type": "order.placed", "data": "{"})
        redis.xadd(
            "orders:events",
            {
                "id": str(uuid.uuid4()),
                "type": "order.cancelled",
                "order_id": path.rpartition("/")[2],
                "sequence": "2",
                "at": "2026-01-01T00:00:00Z",
                "data": "{}",
            },
        )

    await shop.settle()

    assert await shop.status(path) == ("confirmed", None)
    with Redis.from_url(shop.redis.url) as redis:
        assert redis.xpending("orders:events", "orders:saga")["pending"] == 0


async def test_of_what_there_is_no_more_is_confirmed_than_there_is(shop: Shop, start_worker: StartCarrier) -> None:
    left = await shop.left()
    paths = [await shop.placed(shop.body(7)) for _ in range(left // 7 + 5)]
    workers = [shop.worker, *[await start_worker(messages_timeout=0.2) for _ in range(2)]]

    await shop.relay.round()
    for _ in range(3):
        await asyncio.gather(*(worker.round() for worker in workers))
    await shop.settle()

    statuses = [await shop.status(path) for path in paths]
    assert statuses.count(("confirmed", None)) == left // 7
    assert statuses.count(("cancelled", "insufficient stock")) == 5
    assert await shop.left() == left % 7


async def test_the_trace_of_the_order_goes_on_in_the_catalogue(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    seen: list[str] = []
    catalog = shop.worker.app.state.worker._catalog
    answered = catalog._answered

    async def watched(*arguments: object) -> object:
        headers = arguments[-1]
        assert isinstance(headers, dict)
        seen.append(headers["traceparent"])
        return await answered(*arguments)

    monkeypatch.setattr(catalog, "_answered", watched)
    await shop.client.post(
        "/orders",
        json=shop.body(1),
        headers={"Idempotency-Key": "k", "traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    await shop.settle()

    assert [one.split("-")[1] for one in seen] == [trace]


async def test_a_worker_that_leaves_takes_its_name_with_it(shop: Shop, start_worker: StartCarrier) -> None:
    await shop.placed()
    await shop.settle()
    other: Replica = await start_worker(messages_timeout=0.2)
    await shop.placed()
    await shop.relay.round()
    await other.round()

    async def names() -> set[str]:
        with Redis.from_url(shop.redis.url, decode_responses=True) as redis:
            return {one["name"] for one in redis.xinfo_consumers("orders:events", "orders:saga")}

    before = await names()
    await other.app.state.worker.leave()

    assert len(before) == 2
    assert await names() == before - {other.app.state.worker._name}


async def test_a_catalogue_that_answers_nonsense_is_no_answer(
    shop: Shop, start_replica: StartReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = await start_replica()
    body = shop.body(1)

    async def nonsense(*_: object) -> tuple[int, bytes]:
        return 200, b'{"items": [{"id": "x"}]}'

    monkeypatch.setattr("reference_app.orders.catalog.Catalog._answered", nonsense)
    answer: httpx.Response = await replica.client.post("/orders", json=body, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:seatrial:problem:catalog-unavailable")
