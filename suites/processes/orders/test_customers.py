from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from operator import lt
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from seatrial.load.daybook import Act, Outcome
from seatrial.load.ordering import Habits, Ordering, OrderPlan
from seatrial.load.shop import Shop
from seatrial.verdict import Inconclusive
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = timedelta(seconds=30)


@dataclass(frozen=True)
class Clerk:
    url: str

    def become(self, mode: str) -> None:
        httpx.put(f"{self.url}/mode/{mode}", trust_env=False).raise_for_status()

    def requests(self) -> int:
        return self.asked().total()

    def asked(self) -> Counter[str]:
        return Counter(httpx.get(f"{self.url}/asked", trust_env=False).json()["asked"])


@pytest.fixture
def clerk() -> Iterator[Clerk]:
    program = Path(__file__).with_name("clerk.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Clerk(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        process.kill()


@pytest.fixture
def plan(clerk: Clerk, tmp_path: Path) -> OrderPlan:
    return OrderPlan(
        shop=Shop((clerk.url,)),
        run="run",
        products=("a", "b", "c"),
        rate=100,
        file=tmp_path / "daybook.jsonl",
        record=tmp_path / "orders.jsonl",
        habits=Habits(cancel=0, deliver=0, repeat=0, reuse=0),
        patience=timedelta(seconds=1),
    )


def test_customers_come_at_the_rate_and_each_is_acknowledged_once(clerk: Clerk, plan: OrderPlan) -> None:
    with Ordering.start(replace(plan, rate=50)) as ordering:
        ordering.run_on(60, within=SOON)
        book = ordering.stop()
        requests = ordering.requests().sound()

    assert len(book.outcomes(Outcome.ACKNOWLEDGED)) == len(book.placements) == len(requests.requests) >= 60
    assert set(clerk.asked().values()) == {1}
    span = requests.requests[-1].intended - requests.requests[0].intended
    assert len(requests.requests) / span == pytest.approx(50, rel=0.15)


def test_customers_who_get_no_answer_ask_again_under_the_same_key(clerk: Clerk, plan: OrderPlan) -> None:
    with Ordering.start(replace(plan, limit=20)) as ordering:
        ordering.run_on(1, within=SOON)
        for mode in ("deaf", "busy", "open"):
            clerk.become(mode)
            before = clerk.requests()
            eventually(clerk.requests, until=partial(lt, before + 2), within=SOON, what="customers ask on")
        book = ordering.stop()

    assert len(book.outcomes(Outcome.ACKNOWLEDGED)) == len(book.placements) == 20
    assert max(clerk.asked().values()) > 1
    assert len(clerk.asked()) == 20
    assert {one.status for placement in book.placements.values() for one in placement.told} >= {None, 503, 201}


def test_a_customer_who_is_never_answered_does_not_know(clerk: Clerk, plan: OrderPlan) -> None:
    clerk.become("frozen")
    impatient = replace(plan, limit=3, patience=timedelta(seconds=0.2), deadline=timedelta(seconds=1))
    with Ordering.start(impatient) as ordering:
        ordering.run_on(3, within=SOON)
        book = ordering.stop()

    assert [placement.outcome for placement in book.placements.values()] == [Outcome.UNKNOWN] * 3
    assert all(len(placement.told) > 1 for placement in book.placements.values())


def test_a_refusal_is_taken_for_an_answer(clerk: Clerk, plan: OrderPlan) -> None:
    clerk.become("refusing")
    with Ordering.start(replace(plan, limit=5)) as ordering:
        ordering.run_on(5, within=SOON)
        book = ordering.stop()

    assert [placement.outcome for placement in book.placements.values()] == [Outcome.REFUSED] * 5
    assert set(clerk.asked().values()) == {1}


def test_customers_do_as_their_habits_are(plan: OrderPlan) -> None:
    habits = Habits(cancel=0.5, deliver=0.5, repeat=1, reuse=1)
    with Ordering.start(replace(plan, limit=20, habits=habits)) as ordering:
        ordering.run_on(20, within=SOON)
        book = ordering.stop()

    told = [one for placement in book.placements.values() for one in placement.told]
    assert Counter((one.act, one.status) for one in told) == {
        (Act.PLACE, 201): 20,
        (Act.REPEAT, 201): 20,
        (Act.REUSE, 422): 20,
    }
    assert all(one.replayed for one in told if one.act is Act.REPEAT)
    assert {moved.move.status for moved in book.moves} == {"cancelled", "shipped", "delivered"}
    assert all(moved.acknowledged for moved in book.moves)


def test_a_try_is_on_record_before_its_answer(clerk: Clerk, plan: OrderPlan) -> None:
    clerk.become("frozen")
    with Ordering.start(replace(plan, limit=1, patience=SOON)) as ordering:
        eventually(clerk.requests, until=bool, within=SOON, what="the clerk is asked")
        lines = plan.file.read_text(encoding="utf-8").splitlines()
        clerk.become("open")
        ordering.stop()

    assert [line.partition(",")[0] for line in lines] == ['{"line": "intent"', '{"line": "try"']


def test_customers_who_are_killed_make_the_orders_inconclusive(plan: OrderPlan) -> None:
    with Ordering.start(plan) as ordering:
        ordering.run_on(5, within=SOON)
        ordering._crew.process.kill()
        with pytest.raises(Inconclusive, match="did not"):
            ordering.stop()


def test_customers_who_cannot_start_are_inconclusive_and_say_why(plan: OrderPlan, tmp_path: Path) -> None:
    shop = replace(plan.shop, ca=tmp_path / "missing.pem")
    with pytest.raises(Inconclusive, match="FileNotFoundError"):
        Ordering.start(replace(plan, shop=shop))


def test_customers_end_with_a_test_that_is_killed(plan: OrderPlan) -> None:
    test = (
        "import sys\nfrom seatrial.load.ordering import Ordering, OrderPlan\n"
        f"print(Ordering.start(OrderPlan.parse({plan.written()!r}))._crew.process.pid, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", test], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        customers = int(process.stdout.readline())
        assert psutil.pid_exists(customers)
        os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: _runs(customers), until=lambda alive: not alive, within=SOON, what="the customers are gone")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
