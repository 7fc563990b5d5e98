"""Locust as it comes: FastHttpUser in a closed loop, to compare with. ``plain.py URL USERS PER_SECOND``.

Each of USERS asks PER_SECOND times per second, or as often as it can where that is 0. It says ``sending`` once all of
them do, and after a line of input tells, as one line of JSON, how many requests there were, their p99 in seconds as
Locust has it, the processor seconds that they took and the seconds that passed.
"""

from __future__ import annotations

import json
import os
import sys
import time

from locust import FastHttpUser, constant, constant_throughput, task
from locust.env import Environment

import gevent  # type: ignore[import-untyped]  # isort: skip (Locust patches first)
import gevent.socket  # type: ignore[import-untyped]  # isort: skip


class Plain(FastHttpUser):
    """Reads one page again and again."""

    wait_time = constant(0)

    @task
    def read(self) -> None:
        """Read it."""
        self.client.get("/catalog/products?limit=20", name="read")


def main(url: str, users: str, per_second: str) -> None:
    """Ask until told to stop."""
    Plain.host = url
    if float(per_second):
        Plain.wait_time = constant_throughput(float(per_second))
    environment = Environment(user_classes=[Plain], host=url)
    runner = environment.create_local_runner()
    runner.start(int(users), spawn_rate=int(users))
    while not environment.stats.total.num_requests:
        gevent.sleep(0.01)
    before, begun, used = environment.stats.total.num_requests, time.monotonic(), time.process_time()
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    gevent.socket.wait_read(0)
    if not os.read(0, 1):
        return
    total = environment.stats.total
    said = {
        "requests": total.num_requests - before,
        "failures": total.num_failures,
        "p99": total.get_response_time_percentile(0.99) / 1000,
        "processor": time.process_time() - used,
        "seconds": time.monotonic() - begun,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    runner.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
