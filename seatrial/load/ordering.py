"""Customers who order, in the background: a process of its own, so that a busy test does not disturb their rate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from seatrial.load.crew import Crew
from seatrial.load.daybook import Daybook
from seatrial.load.record import Record
from seatrial.load.shop import Shop
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM = "seatrial.load.shoppers"
_MARGIN = timedelta(seconds=30)
# A customer who ships and delivers waits for three answers, one after the other, after the order.
_WAITS_AFTER_AN_ORDER = 4


@dataclass(frozen=True)
class Habits:
    """What share of the customers (0 to 1 each) does more than order.

    *cancel* and *deliver* (ship, then deliver) are done to confirmed and pending orders alike, by different customers;
    *repeat* asks again under the same key after the answer; *reuse* sends another order under it.
    """

    cancel: float = 0.1
    deliver: float = 0.05
    repeat: float = 0.05
    reuse: float = 0.02


@dataclass(frozen=True)
class OrderPlan:
    """New orders at *rate* per second of one to three of *products*, written down in *file* as a daybook.

    Each customer places one order, under a name that begins with *run*, and asks until there is an answer, under the
    same key, each time at the next address of *shop*: *patience* for one answer, *deadline* for all. *record* gets a
    line per order as `seatrial.load.record` reads it. At most *in_flight* customers act at a time; the others wait. The
    same *seed* gives the same orders. Without *limit*, they order until they are stopped.
    """

    shop: Shop
    run: str
    products: tuple[str, ...]
    rate: float
    file: Path
    record: Path
    seed: int = 0
    habits: Habits = Habits()
    patience: timedelta = timedelta(seconds=3)
    deadline: timedelta = timedelta(seconds=60)
    in_flight: int = 500
    limit: int | None = None

    def written(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(
            {
                **vars(self),
                "shop": self.shop.written(),
                "file": str(self.file),
                "record": str(self.record),
                "habits": vars(self.habits),
                "patience": self.patience.total_seconds(),
                "deadline": self.deadline.total_seconds(),
            }
        )

    @classmethod
    def parse(cls, line: str) -> OrderPlan:
        """Read what `written` wrote."""
        said = json.loads(line)
        changed = {
            "shop": Shop.read(said["shop"]),
            "products": tuple(said["products"]),
            "file": Path(said["file"]),
            "record": Path(said["record"]),
            "habits": Habits(**said["habits"]),
            "patience": timedelta(seconds=said["patience"]),
            "deadline": timedelta(seconds=said["deadline"]),
        }
        return cls(**{**said, **changed})


class Ordering:
    """Customers who order. They end with `stop`, or with the process that started them, however that ends."""

    def __init__(self, plan: OrderPlan, crew: Crew) -> None:
        self.plan = plan
        self._crew = crew
        self._daybook: Daybook | None = None

    @classmethod
    def start(cls, plan: OrderPlan, *, program: str = PROGRAM) -> Ordering:
        """Start the customers of *plan* and return once they order; *program* is the module that plays them.

        Raises Inconclusive when they do not start.
        """
        for file in (plan.file, plan.record):
            file.parent.mkdir(parents=True, exist_ok=True)
        return cls(plan, Crew.start("the customers", program=program, plan=plan.written(), under_way="ordering"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def settled(self) -> int:
        """How many orders have been acknowledged, refused or given up so far."""
        return self.plan.record.read_bytes().count(b"\n") if self.plan.record.exists() else 0

    def run_on(self, orders: int, *, within: timedelta) -> None:
        """Return once *orders* more have been settled. Raises NotObserved."""
        wanted = self.settled + orders
        what = f"{orders} more orders are acknowledged, refused or given up"
        eventually(lambda: self.settled, until=lambda settled: settled >= wanted, within=within, what=what)

    def stop(self) -> Daybook:
        """Let nobody new come, wait for the answers still due, return what the customers wrote down.

        Raises Inconclusive when their process died.
        """
        if self._daybook is None:
            self._crew.stop(within=self.plan.deadline * _WAITS_AFTER_AN_ORDER + _MARGIN)
            self._daybook = Daybook.read(self.plan.file)
        return self._daybook

    def requests(self) -> Record:
        """Return the record of the orders as requests, once `stop` has closed it."""
        return Record.read(self.plan.record)

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        self._crew.kill()
