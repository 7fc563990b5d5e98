"""The process that sends traffic: ``python -m seatrial.load.generator``, told what to do on standard input.

The first line is the plan as JSON. Requests go out at the plan's rate, whether or not earlier ones were answered. A
second line ends the sending in good order; the end of input without one means that whoever asked for the traffic is
gone, and ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import aiohttp

from seatrial.load.plan import TrafficPlan
from seatrial.load.record import Request
from seatrial.load.starting import come_first, first_line

if TYPE_CHECKING:
    from typing import TextIO

_GONE = 3
_AHEAD = -10


class Generator:
    """Sends the requests of one plan and writes down each."""

    def __init__(self, plan: TrafficPlan, client: aiohttp.ClientSession, file: TextIO) -> None:
        self.plan = plan
        self.client = client
        self.file = file
        self.free = asyncio.Semaphore(plan.in_flight)
        self.headers = {"Host": plan.host}
        self.running: set[asyncio.Task[None]] = set()

    async def send_until(self, stop: asyncio.Event) -> int:
        """Send until *stop* is set, wait for the answers still due, return how many requests the rate called for."""
        begin = time.monotonic()
        number = 0
        while not stop.is_set():
            intended = begin + number / self.plan.rate
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=max(0.0, intended - time.monotonic()))
            if stop.is_set():
                break
            task = asyncio.create_task(self.send(intended, self.plan.paths[number % len(self.plan.paths)]))
            self.running.add(task)
            task.add_done_callback(self.running.discard)
            number += 1
        planned = int((time.monotonic() - begin) * self.plan.rate)
        if self.running:
            await asyncio.wait(self.running)
        return planned

    async def send(self, intended: float, path: str) -> None:
        """Send one request and write down how it went."""
        held = self.free.locked()
        async with self.free:
            started = time.monotonic()
            status: int | None = None
            error: str | None = None
            try:
                async with asyncio.timeout(self.plan.patience.total_seconds()):
                    async with self.client.get(path, headers=self.headers, server_hostname=self.plan.host) as answer:
                        await answer.read()
                status = answer.status
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                error = f"{type(problem).__name__}: {problem}".rstrip(": ")
            request = Request(intended, started, time.monotonic(), status, error, held)
        self.file.write(json.dumps(asdict(request)) + "\n")


async def _follow(stop: asyncio.Event) -> None:
    """Set *stop* at the next line of input; end the process when the input ends instead."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    if not await reader.readline():
        os._exit(_GONE)
    stop.set()


async def _run(plan: TrafficPlan) -> None:
    stop = asyncio.Event()
    follower = asyncio.create_task(_follow(stop))
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
    # No limit of connections here, because in_flight is one; no cookies, because each request is another customer.
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    jar = aiohttp.DummyCookieJar()
    with plan.file.open("w", encoding="utf-8", buffering=1) as file:
        async with aiohttp.ClientSession(plan.url, connector=connector, cookie_jar=jar) as client:
            sys.stdout.write("sending\n")
            sys.stdout.flush()
            planned = await Generator(plan, client, file).send_until(stop)
        file.write(json.dumps({"planned": planned, "rate": plan.rate}) + "\n")
    follower.cancel()


def main() -> None:
    """Read the plan from the first line of input and carry it out."""
    with contextlib.suppress(PermissionError):
        # A clock must not wait for what it measures; where the right to this is missing, the record shows the lag.
        os.nice(_AHEAD)
    come_first()
    plan = TrafficPlan.parse(first_line())
    asyncio.run(_run(plan))


if __name__ == "__main__":
    main()
