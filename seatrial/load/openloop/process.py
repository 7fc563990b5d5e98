"""The process that plays customers in an open loop, told what to do on standard input.

The first line is the plan as JSON. Customers come at its times, whether or not earlier ones were answered. A second
line lets nobody new come; the end of input means that whoever asked for the load is gone, and ends the process at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time

import gevent  # type: ignore[import-untyped]
import gevent.socket  # type: ignore[import-untyped]
from locust.env import Environment

from seatrial.ending import die_with_parent
from seatrial.load.openloop.health import HealthWatch
from seatrial.load.openloop.plan import LoadPlan
from seatrial.load.openloop.shopper import Errand, Reader, Refused, Shopper, WrongAnswer
from seatrial.load.openloop.writer import RecordWriter
from seatrial.load.record import Request
from seatrial.load.shop import NoAnswer
from seatrial.load.starting import come_first, first_line

_STDIN = 0
_GONE = 3
_UNABLE = 1
_CLEAN_UP_SECONDS = 10
_NOT_SENT = "never sent: as many requests as allowed stayed unanswered"


class Generator:
    """Carries out one plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self.plan = plan
        self.errand = Errand.of(plan)
        self.dispatcher = self.errand.dispatcher
        self.environment = Environment(user_classes=[Reader if "read" in plan.mix else Shopper])
        self.environment.errand = self.errand  # type: ignore[attr-defined]
        self.writer = RecordWriter(plan.file)
        self.environment.events.request.add_listener(self.writer.listen)  # type: ignore[no-untyped-call]
        self.watch = HealthWatch(lambda: plan.in_flight - self.dispatcher.idle, self.writer.flush)

    def run(self) -> None:
        """Let all come, wait for their answers, close the record. Raises NoAnswer, Refused or WrongAnswer before."""
        self.errand.prepare(frozenset(self.plan.mix), self.plan.products)
        # The pool is as large as the number of requests that may be unanswered; idle users cost nothing.
        self.environment.create_local_runner().start(self.plan.in_flight, spawn_rate=self.plan.in_flight)
        while self.dispatcher.idle < self.plan.in_flight:
            gevent.sleep(0.001)
        watching = gevent.spawn(self.watch.run)
        self.dispatcher.start()
        sys.stdout.write("sending\n")
        sys.stdout.flush()
        self.dispatcher.over.wait()
        self._await_answers()
        watching.kill()
        health = {"windows": self.watch.windows, "most_in_flight": self.watch.most_in_flight}
        closing = {"planned": self.dispatcher.planned, "rate": max(stage.rate for stage in self.plan.stages)}
        limits = {"began": self.dispatcher.began, "in_flight": self.plan.in_flight, "held": self.dispatcher.held}
        self.writer.close({**closing, **limits, **health})
        with contextlib.suppress(NoAnswer, gevent.Timeout), gevent.Timeout(_CLEAN_UP_SECONDS):
            self.errand.clean_up()

    def _await_answers(self) -> None:
        """Wait for what is unanswered. Who still waits to be served after that was never served, which is on record."""
        end = time.monotonic() + self.plan.patience.total_seconds()
        while self.dispatcher.idle < self.plan.in_flight and time.monotonic() < end:
            gevent.sleep(0.02)
        now = time.monotonic()
        for arrival in self.dispatcher.leave():
            request = Request(self.dispatcher.at(arrival), now, now, None, _NOT_SENT, held=True, act=arrival.act)
            self.writer.listen(context=vars(request))
        end = time.monotonic() + self.plan.patience.total_seconds()
        while self.dispatcher.idle < self.plan.in_flight and time.monotonic() < end:
            gevent.sleep(0.02)


def _follow(generator: Generator) -> None:
    """Let nobody new come after the next line of input; end the process when the input ends instead."""
    while True:
        gevent.socket.wait_read(_STDIN)
        if not os.read(_STDIN, 1):
            generator.writer.flush()
            os._exit(_GONE)
        generator.dispatcher.stop()


def main() -> int:
    """Read the plan from the first line of input and carry it out; 1 when the shop is not as the plan needs it."""
    die_with_parent()
    come_first()
    logging.disable(logging.WARNING)
    generator = Generator(LoadPlan.parse(first_line()))
    gevent.spawn(_follow, generator)
    try:
        generator.run()
    except (NoAnswer, Refused, WrongAnswer) as problem:
        sys.stderr.write(f"{generator.plan.url} is not ready to be loaded: {problem}\n")
        return _UNABLE
    return 0
