"""The ledger finds each planted bug under the trouble that shows it, and finds nothing where there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.load.ledger import Seen, Wrong, reckon
from seatrial.load.ordering import PROGRAM, Habits, Ordering, OrderPlan
from seatrial.waiting import eventually
from suites.processes.orders.planted import BUGS
from suites.soak.orders.clock import pass_time
from suites.soak.orders.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.load.ledger import Reckoning
    from suites.processes.orders.conftest import OpenStage
    from suites.soak.orders.stage import Program, Stage

SOON = timedelta(minutes=2)
# Long enough for what is published again and again to be handled at last, if it ever is.
_STANDSTILL = 3.0
_PLENTY = 100_000
_HABITS = Habits(cancel=0.3, deliver=0.1, repeat=0.3, reuse=0.2)


def calm(_stage: Stage) -> None:
    """Nothing happens."""


def new_prices(stage: Stage) -> None:
    for product in stage.products:
        stage.reprice(product)


def redis_killed(stage: Stage) -> None:
    stage.messages.kill()
    pass_time(1)
    stage.messages.start()


def database_killed(stage: Stage) -> None:
    stage.postgresql.kill()
    stage.postgresql.start()


def database_frozen(stage: Stage) -> None:
    with stage.postgresql.frozen():
        pass_time(2)


def catalogue_frozen(stage: Stage) -> None:
    with stage.catalogue.frozen():
        pass_time(1.5)


def orders_killed(stage: Stage) -> None:
    _killed(stage.serving[0])


def relay_killed(stage: Stage) -> None:
    _killed(stage.relays[0])


def worker_killed(stage: Stage) -> None:
    _killed(stage.workers[0])


def worker_late(stage: Stage) -> None:
    """The worker is away for so long that what waits for it is published again."""
    stage.workers[0].kill()
    pass_time(2.5)
    stage.workers[0].start()


def _killed(program: Program) -> None:
    program.kill()
    pass_time(0.5)
    program.start()


@dataclass(frozen=True)
class Case:
    """A bug, the trouble that shows it, and what the ledger then says.

    What shows only if the trouble comes within a moment of an order's life is given several *chances*.
    """

    bug: str
    trouble: Callable[[Stage], None]
    expected: Wrong
    relays: int = 1
    chances: int = 1


CASES = (
    Case("acknowledge_before_commit", orders_killed, Wrong.LOST),
    Case("acknowledge_before_work", worker_killed, Wrong.UNSETTLED),
    Case("any_body_under_a_key", calm, Wrong.UNFAITHFUL),
    Case("dual_write", redis_killed, Wrong.UNSETTLED),
    Case("event_before_commit", database_killed, Wrong.EVENT_PHANTOM),
    Case("history_afterwards", worker_killed, Wrong.HISTORY, chances=5),
    Case("lost_item", calm, Wrong.ALTERED),
    Case("mark_before_send", redis_killed, Wrong.UNSETTLED),
    Case("move_acknowledged_early", orders_killed, Wrong.UNDONE),
    Case("no_compensation", calm, Wrong.STOCK),
    Case("no_deduplication", worker_late, Wrong.STOCK),
    Case("no_price_snapshot", new_prices, Wrong.ALTERED),
    Case("no_unique_key", calm, Wrong.DOUBLED),
    Case("no_version_guard", catalogue_frozen, Wrong.HISTORY, chances=5),
    Case("pubsub_only", worker_killed, Wrong.UNSETTLED),
    Case("refuse_after_commit", calm, Wrong.PHANTOM),
    Case("relay_without_lock", calm, Wrong.EVENT_DOUBLED, relays=2),
    Case("replay_of_today", calm, Wrong.UNFAITHFUL),
)
TROUBLES = (
    calm,
    new_prices,
    redis_killed,
    database_killed,
    database_frozen,
    catalogue_frozen,
    orders_killed,
    relay_killed,
    worker_killed,
    worker_late,
)


def test_every_bug_has_its_case_and_every_trouble_is_borne_by_the_honest_service() -> None:
    assert sorted(case.bug for case in CASES) == sorted(BUGS)
    assert {case.trouble for case in CASES} <= set(TROUBLES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.bug)
def test_a_planted_bug_is_found(case: Case, open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(case.bug, relays=case.relays)

    reckoning = _reckoned(stage, tmp_path, *[case.trouble] * case.chances)

    assert case.expected in reckoning.kinds, str(reckoning)
    assert not reckoning.sound


def test_customers_who_forget_their_key_are_found(open_stage: OpenStage, tmp_path: Path) -> None:
    reckoning = _reckoned(open_stage(), tmp_path, database_frozen, program="suites.processes.orders.forgetful")

    assert reckoning.kinds == {Wrong.DOUBLED}, str(reckoning)


def test_the_honest_service_bears_every_trouble(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(serving=2, relays=2)

    reckoning = _reckoned(stage, tmp_path, *TROUBLES, honest=True)

    reckoning.required()


def _reckoned(
    stage: Stage,
    folder: Path,
    *troubles: Callable[[Stage], None],
    program: str = PROGRAM,
    honest: bool = False,
) -> Reckoning:
    """Let customers order while each of *troubles* happens, and reckon.

    Of the *honest* service everything is expected, also that it settles every order.
    """
    products = stage.offer([_PLENTY] * 3)
    run = f"run{time.monotonic_ns()}"
    bookkeeper = stage.bookkeeper(run)
    before = bookkeeper.stock(products)
    plan = OrderPlan(
        shop=stage.shop,
        run=run,
        products=products,
        rate=30,
        file=folder / "daybook.jsonl",
        record=folder / "orders.jsonl",
        habits=_HABITS,
        patience=timedelta(seconds=1.5),
        deadline=timedelta(seconds=10),
        # On a slow machine fewer come, instead of all of them at once.
        in_flight=20,
    )
    with Subscriber(stage.messages.url) as subscriber:
        with Ordering.start(plan, program=program) as ordering:
            for trouble in troubles:
                ordering.run_on(25, within=SOON)
                trouble(stage)
            ordering.run_on(15, within=SOON)
            stage.start()
            daybook = ordering.stop()
        if honest:
            stage.settle(run, within=SOON)
        else:
            _stand_still(stage, run)
        subscriber.wait_idle(within=SOON)
        events = tuple(subscriber.events)
    seen = Seen(events, complete=honest, ordered=False)
    return reckon(daybook, bookkeeper.books(before, stage.prices), seen)


def _stand_still(stage: Stage, run: str) -> None:
    """Return once everything is settled, or nothing has changed for a while."""
    bookkeeper = stage.bookkeeper(run)
    last: tuple[int, int] | None = None
    since = time.monotonic()

    def look() -> bool:
        nonlocal last, since
        seen = (stage.unhandled(), bookkeeper.pending())
        if seen != last:
            last, since = seen, time.monotonic()
        return seen == (0, 0) or time.monotonic() - since > _STANDSTILL

    eventually(look, until=bool, within=SOON, what="the order service stands still")
