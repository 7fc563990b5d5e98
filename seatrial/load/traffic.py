"""Traffic in the background: a process of its own, so that a busy test does not disturb the rate."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.load.catalogue import READ_PATHS
from seatrial.load.crew import Crew
from seatrial.load.plan import TrafficPlan
from seatrial.load.record import Record
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seatrial.load.edge import Customer

_MARGIN = timedelta(seconds=10)


class Traffic:
    """Traffic under way. It ends with `stop`, or with the process that started it, however that ends."""

    def __init__(self, plan: TrafficPlan, crew: Crew) -> None:
        self.plan = plan
        self._crew = crew
        self._record: Record | None = None

    @classmethod
    def start(cls, plan: TrafficPlan) -> Traffic:
        """Start the traffic of *plan* and return once requests go out.

        Raises Inconclusive when the generator does not start.
        """
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        generator = Crew.start(
            "the traffic generator", program="seatrial.load.generator", plan=plan.written(), under_way="sending"
        )
        return cls(plan, generator)

    @property
    def sent(self) -> int:
        """How many requests have been answered or have failed so far."""
        return self.plan.file.read_bytes().count(b"\n") if self.plan.file.exists() else 0

    def run_on(self, requests: int, *, within: timedelta) -> None:
        """Return once *requests* more have been answered or have failed. Raises NotObserved."""
        wanted = self.sent + requests
        what = f"{requests} more requests are answered or have failed"
        eventually(lambda: self.sent, until=lambda sent: sent >= wanted, within=within, what=what)

    def judged_on(self, requests: int, *, within: timedelta) -> Record:
        """Go on until at least *requests* have been sent in all, then stop; return the record if it is sound.

        Raises NotObserved when they take longer than *within*, Inconclusive when the record cannot bear a judgement.
        """
        missing = requests - self.sent
        if self._record is None and missing > 0:
            self.run_on(missing, within=within)
        return self.stop().sound()

    def stop(self) -> Record:
        """Stop sending, wait for the answers still due, return the record.

        Raises Inconclusive when the generator died.
        """
        if self._record is None:
            self._crew.stop(within=self.plan.patience + _MARGIN)
            self._record = Record.read(self.plan.file)
        return self._record

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        self._crew.kill()


@contextmanager
def customers(customer: Customer, rate: float, file: Path) -> Iterator[Traffic]:
    """Let customers read the catalogue *rate* times per second, written down in *file*, while the context lasts."""
    plan = TrafficPlan(
        url=customer.url, host=customer.host, paths=READ_PATHS, rate=rate, file=file, ca=customer.edge.ca
    )
    with traffic(plan) as running:
        yield running


@contextmanager
def traffic(plan: TrafficPlan) -> Iterator[Traffic]:
    """Send the traffic of *plan* for as long as the context lasts."""
    running = Traffic.start(plan)
    try:
        yield running
    finally:
        running.kill()
