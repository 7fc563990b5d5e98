"""Traffic in the background: a process of its own, so that a busy test does not disturb the rate."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.load.catalogue import READ_PATHS
from seatrial.load.plan import TrafficPlan
from seatrial.load.record import Record
from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seatrial.load.edge import Customer

_MARGIN = timedelta(seconds=10)


class Traffic:
    """Traffic under way. It ends with `stop`, or with the process that started it, however that ends."""

    def __init__(self, plan: TrafficPlan, process: subprocess.Popen[str]) -> None:
        self.plan = plan
        self._process = process
        self._record: Record | None = None

    @classmethod
    def start(cls, plan: TrafficPlan) -> Traffic:
        """Start the traffic of *plan* and return once requests go out.

        Raises Inconclusive when the generator does not start.
        """
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "seatrial.load.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        traffic = cls(plan, process)
        try:
            traffic._begin()
        except BaseException:
            traffic.kill()
            raise
        return traffic

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
            try:
                self._say("stop")
                self._process.wait((self.plan.patience + _MARGIN).total_seconds())
            except (BrokenPipeError, subprocess.TimeoutExpired) as error:
                raise Inconclusive(
                    f"the traffic generator did not end in good order: {self._last_words()}", Missing.SAMPLES
                ) from error
            finally:
                self.kill()
            self._record = Record.read(self.plan.file)
        return self._record

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                # What was still to be said to a process that has ended is of no use to anyone.
                with suppress(BrokenPipeError):
                    stream.close()

    def _begin(self) -> None:
        self._say(self.plan.written())
        if self._process.stdout is None or self._process.stdout.readline().strip() != "sending":
            raise Inconclusive(f"the traffic generator did not start: {self._last_words()}", Missing.TRAFFIC)

    def _say(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _last_words(self) -> str:
        self._process.kill()
        self._process.wait()
        said = self._process.stderr.read() if self._process.stderr is not None else ""
        return said.strip().splitlines()[-1] if said.strip() else f"exit code {self._process.returncode}"


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
