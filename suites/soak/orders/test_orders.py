"""Orders while everything that carries them is killed, frozen and restarted at random instants.

``SOAK_ORDERS`` says how many acknowledged orders make a soak (20,000 unless it is set), ``SOAK_RATE`` how many come per
second. The seed is that of ``--seed``.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from seatrial.load.ledger import Seen, reckon
from seatrial.load.ordering import Ordering, OrderPlan
from suites.soak.orders.clock import pass_time
from suites.soak.orders.faults import draw, strike
from suites.soak.orders.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from suites.soak.orders.conftest import StartMessages, Tell
    from suites.soak.orders.stage import Builder, Stage

ORDERS = int(os.environ.get("SOAK_ORDERS", "20000"))
RATE = float(os.environ.get("SOAK_RATE", "60"))
ABSENCE = timedelta(seconds=30)
SOON = timedelta(minutes=2)
_PLENTY = [1_000_000] * 27
_SCARCE = [ORDERS // 100] * 3


@dataclass(frozen=True)
class Variant:
    """How the order service is deployed; *remembers* is whether a killed Redis knows afterwards what it knew before.

    The steps of an order are told in their order by a single relay whose Redis remembers.
    """

    remembers: bool
    relays: int

    def __str__(self) -> str:
        return f"{'remembering' if self.remembers else 'forgetful'} Redis, {self.relays} relay"


@pytest.mark.parametrize("variant", [Variant(remembers=True, relays=1), Variant(remembers=False, relays=2)], ids=str)
def test_no_order_is_lost_or_doubled(
    variant: Variant,
    builder: Builder,
    start_messages: StartMessages,
    tell: Tell,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    messages = start_messages(remembers=variant.remembers)
    catalogue = builder.catalogue()
    stage = builder.stage(messages, catalogue, serving=2, relays=variant.relays, workers=2)
    try:
        stage.start()
        _soak(stage, variant, tell, tmp_path, pytestconfig.option.seed)
    finally:
        stage.stop()


def _soak(stage: Stage, variant: Variant, tell: Tell, folder: Path, seed: int) -> None:
    products = stage.offer(_PLENTY + _SCARCE)
    run = f"soak-{seed}"
    bookkeeper = stage.bookkeeper(run)
    before = bookkeeper.stock(products)
    plan = OrderPlan(
        shop=stage.shop,
        run=run,
        products=products,
        rate=RATE,
        file=folder / "daybook.jsonl",
        record=folder / "orders.jsonl",
        seed=seed,
        patience=timedelta(seconds=5),
        deadline=timedelta(minutes=3),
        # A crowd that keeps asking what cannot answer would keep it from ever answering again.
        in_flight=100,
    )
    struck: Counter[str] = Counter()
    begin = time.monotonic()
    with Subscriber(stage.messages.url) as subscriber:
        with Ordering.start(plan) as ordering:
            left_at: float | None = None
            for number, blow in enumerate(draw(seed)):
                pass_time(blow.calm)
                strike(stage, blow)
                struck[blow.fault] += 1
                if number % 7 == 0:
                    stage.catalogue.wait_ready()
                    stage.reprice(products[number % len(_PLENTY)])
                if left_at is None and ordering.settled > ORDERS // 3:
                    subscriber.leave()
                    left_at = time.monotonic()
                elif left_at is not None and time.monotonic() - left_at > ABSENCE.total_seconds():
                    subscriber.come_back()
                if ordering.settled >= ORDERS * 1.02:
                    break
            subscriber.come_back()
            stage.start()
            daybook = ordering.stop()
        took = time.monotonic() - begin
        stage.settle(run)
        subscriber.wait_idle(within=SOON)
        events = tuple(subscriber.events)
    books = bookkeeper.books(before, stage.prices)
    begin = time.monotonic()
    reckoning = reckon(
        daybook, books, Seen(events, complete=variant.remembers, ordered=variant.remembers and variant.relays == 1)
    )
    text = (
        f"{variant}, --seed {seed}: {struck.total()} faults in {took:.0f} s ({_listed(struck)});"
        f" reckoned in {time.monotonic() - begin:.1f} s\n{reckoning}"
    )
    (folder / "reckoning.txt").write_text(text, encoding="utf-8")
    tell(text)
    reckoning.required(ORDERS)


def _listed(struck: Counter[str]) -> str:
    return ", ".join(f"{fault} {times}" for fault, times in sorted(struck.items()))


@pytest.fixture
def quiet(builder: Builder, start_messages: StartMessages) -> Iterator[Stage]:
    """An order service that nobody disturbs."""
    stage = builder.stage(start_messages(remembers=False), builder.catalogue(), serving=2)
    try:
        stage.start()
        yield stage
    finally:
        stage.stop()


def test_who_follows_an_order_and_is_away_for_thirty_seconds_misses_nothing(quiet: Stage) -> None:
    product = quiet.offer([10])[0]
    with httpx.Client(base_url=quiet.shop.urls[0], trust_env=False, timeout=60) as client:
        body = {"customer": "follower", "items": [{"product_id": product, "quantity": 1}]}
        order = client.post("/orders", json=body, headers={"Idempotency-Key": "follower"}).raise_for_status().json()
        path = f"/orders/{order['id']}"
        first = _followed(client, path, after="", until=lambda sequence: sequence == "1")
        pass_time(ABSENCE.total_seconds())
        for move in ("ship", "deliver"):
            client.post(f"{path}/{move}").raise_for_status()
        quiet.messages.kill()
        rest = _followed(client, path, after=first[-1][0], until=lambda _: False)

    assert first == [("1", "pending")]
    assert rest == [("2", "confirmed"), ("3", "shipped"), ("4", "delivered")]


def _followed(client: httpx.Client, path: str, *, after: str, until: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Return the ids and statuses of the events until one satisfies *until*, or the stream ends."""
    heard = []
    with client.stream("GET", f"{path}/events", headers={"Last-Event-ID": after} if after else {}) as answer:
        number = ""
        for line in answer.iter_lines():
            if line.startswith("id: "):
                number = line.removeprefix("id: ")
            elif line.startswith("data: "):
                heard.append((number, json.loads(line.removeprefix("data: "))["status"]))
                if until(number):
                    break
    return heard
