"""Events leave the outbox at least once, whatever happens to who carries them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from reference_app.orders import relay as relay_module

if TYPE_CHECKING:
    from suites.services.orders.conftest import Shop, StartCarrier

pytestmark = pytest.mark.anyio


async def test_an_event_is_published_once_and_marked(shop: Shop) -> None:
    path = await shop.placed()

    for _ in range(3):
        await shop.relay.round()

    (message,) = shop.messages()
    (event,) = shop.rows("SELECT * FROM outbox")
    order = (await shop.client.get(path)).json()
    assert message["id"] == str(event["id"])
    assert (message["type"], message["order_id"], message["sequence"]) == ("order.placed", order["id"], "1")
    assert datetime.fromisoformat(message["at"]) == datetime.fromisoformat(order["created_at"])
    assert json.loads(message["data"]) == event["data"]
    assert event["published_at"] is not None
    assert event["publications"] == 1
    assert shop.relay.sample("orders_events_published_total", turn="first") == 1


async def test_events_are_published_in_the_order_in_which_they_came_about(shop: Shop) -> None:
    paths = [await shop.placed() for _ in range(5)]

    await shop.relay.round()

    assert [f"/orders/{message['order_id']}" for message in shop.messages()] == paths


async def test_several_relays_share_the_work(shop: Shop, start_relay: StartCarrier) -> None:
    relays = [shop.relay, *[await start_relay() for _ in range(3)]]
    for _ in range(60):
        await shop.placed()

    for _ in range(3):
        await asyncio.gather(*(relay.round() for relay in relays))

    ids = [message["id"] for message in shop.messages()]
    assert len(ids) == len(set(ids)) == 60


async def test_what_another_relay_holds_is_left_to_it(shop: Shop) -> None:
    await shop.placed()
    await shop.placed()
    with shop.postgresql.administration(shop.database.name) as connection, connection.transaction():
        connection.execute("SELECT FROM outbox ORDER BY position LIMIT 1 FOR UPDATE")
        await shop.relay.round()
        meanwhile = len(shop.messages())
    await shop.relay.round()

    assert (meanwhile, len(shop.messages())) == (1, 2)


async def test_without_redis_nothing_is_marked_and_nothing_is_lost(shop: Shop) -> None:
    await shop.placed()
    shop.redis.kill()

    with pytest.raises((RedisError, OSError)):
        await shop.relay.round()
    kept = shop.rows("SELECT FROM outbox WHERE published_at IS NULL")
    shop.redis.start()
    await shop.relay.round()

    assert (len(kept), len(shop.messages())) == (1, 1)


async def test_a_relay_that_is_cut_off_lets_go_and_its_events_go_again(
    shop: Shop, start_relay: StartCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay dies after the event is in the stream and before that is marked."""
    await shop.placed()
    mark = relay_module._mark

    async def die(*_: object) -> None:
        shop.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            " AND datname = current_database()"
        )
        await mark(*_)  # type: ignore[arg-type]

    with monkeypatch.context() as context:
        context.setattr(relay_module, "_mark", die)
        with pytest.raises(DBAPIError):
            await shop.relay.round()
    await (await start_relay()).round()
    await shop.settle()

    first, second, _ = shop.messages()
    assert first["id"] == second["id"]
    assert shop.worker.sample("orders_duplicates_dropped_total") == 1
    assert shop.worker.sample("orders_saga_outcomes_total", outcome="confirmed") == 1


async def test_what_redis_forgot_is_published_again(shop: Shop, start_relay: StartCarrier) -> None:
    path = await shop.placed()
    impatient = await start_relay(republish_after=0)
    await shop.relay.round()
    with Redis.from_url(shop.redis.url) as redis:
        redis.flushall()

    await impatient.app.state.relay.republish()
    await shop.settle()

    assert await shop.status(path) == ("confirmed", None)
    assert impatient.sample("orders_events_published_total", turn="again") == 1


async def test_what_is_being_handled_is_waited_for_longer_each_time(shop: Shop, start_relay: StartCarrier) -> None:
    await shop.placed()
    patient = await start_relay(republish_after=10)
    await patient.round()

    published = []
    for publications, age in ((1, 9), (1, 11), (2, 19), (2, 21), (9, 639), (9, 641)):
        shop.execute(
            f"UPDATE outbox SET publications = {publications}, published_at = now() - interval '{age} s'"  # noqa: S608
        )
        published.append(await patient.app.state.relay.republish())

    assert published == [0, 1, 0, 1, 0, 1]


async def test_what_was_handled_is_not_published_again(shop: Shop, start_relay: StartCarrier) -> None:
    await shop.placed()
    await shop.settle()
    before = len(shop.messages())

    published = await (await start_relay(republish_after=0)).app.state.relay.republish()

    assert (published, len(shop.messages())) == (0, before)


async def test_the_backlog_can_be_seen(shop: Shop, start_relay: StartCarrier) -> None:
    await shop.placed()
    await shop.placed()
    shop.execute("UPDATE outbox SET at = now() - interval '90 s' WHERE position = (SELECT min(position) FROM outbox)")
    relay = await start_relay()

    await relay.app.state.relay.measure()
    behind = relay.sample("orders_outbox_events"), relay.sample("orders_outbox_lag_seconds")
    await relay.app.state.relay.publish()
    await relay.app.state.relay.measure()

    assert behind[0] == 2
    assert 90 <= behind[1] < 120
    assert (relay.sample("orders_outbox_events"), relay.sample("orders_outbox_lag_seconds")) == (0, 0)


async def test_keys_and_events_are_forgotten_when_their_time_has_come(shop: Shop, start_relay: StartCarrier) -> None:
    for key in ("old", "young"):
        await shop.post(key=key)
    await shop.settle()
    await shop.placed()
    shop.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 s' WHERE key = 'old'")
    shop.execute(
        "UPDATE outbox SET handled_at = now() - interval '11 s' WHERE type = 'order.placed' AND handled_at < now()"
    )

    await (await start_relay(keep_events=10)).app.state.relay.forget()

    assert {row["key"] for row in shop.rows("SELECT key FROM idempotency_keys")} > {"young"}
    assert shop.rows("SELECT FROM idempotency_keys WHERE key = 'old'") == []
    kept = shop.rows("SELECT type, handled_at IS NULL AS open FROM outbox ORDER BY position")
    assert kept == [
        {"type": "order.confirmed", "open": False},
        {"type": "order.confirmed", "open": False},
        {"type": "order.placed", "open": True},
    ]


async def test_the_stream_does_not_grow_for_ever(shop: Shop, start_relay: StartCarrier) -> None:
    relay = await start_relay(stream_length=1000)
    shop.execute(
        "INSERT INTO outbox (id, order_id, type, sequence, at, data) SELECT gen_random_uuid(), gen_random_uuid(),"
        " 'order.shipped', 1, now(), '{}' FROM generate_series(1, 2000)"
    )

    while await relay.app.state.relay.publish():
        continue

    # Redis trims whole nodes of a hundred.
    assert 1000 <= len(shop.messages()) <= 1100
