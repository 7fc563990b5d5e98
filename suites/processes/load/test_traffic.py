from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.load import Record, Traffic, TrafficPlan, traffic
from seatrial.slo import quantile
from seatrial.verdict import Inconclusive
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from suites.processes.load.conftest import LocalShop

SOON = timedelta(seconds=20)


def test_requests_go_out_at_the_rate_and_each_is_on_record(shop: LocalShop, tmp_path: Path) -> None:
    with traffic(shop.plan(tmp_path, rate=50)) as running:
        running.run_on(100, within=SOON)
        record = running.stop().sound()
    spans = record.requests[-1].intended - record.requests[0].intended
    assert len(record.requests) >= 100
    assert len(record.requests) / spans == pytest.approx(50, rel=0.1)
    assert all(record.outcomes)
    assert str(record) == f"{len(record.requests)} requests, none failed"


def test_a_frozen_server_shows_in_the_latency_of_all_who_came_meanwhile(shop: LocalShop, tmp_path: Path) -> None:
    with traffic(shop.plan(tmp_path, rate=50, in_flight=10)) as running:
        running.run_on(10, within=SOON)
        shop.become("frozen")
        frozen_at = running.sent
        thaw = time.monotonic() + 1
        eventually(time.monotonic, until=lambda now: now >= thaw, within=SOON, what="a second of frost passes")
        shop.become("open")
        running.run_on(60, within=SOON)
        record = running.stop().sound()
    assert frozen_at < len(record.requests)
    # With ten in flight, a closed loop would show ten slow requests; about fifty customers came in that second.
    slow = [request for request in record.requests if request.latency > timedelta(milliseconds=100)]
    assert len(slow) > 30
    assert any(request.held for request in slow)
    assert quantile([latency.total_seconds() for latency in record.latencies], 1) > 0.9


def test_errors_and_broken_connections_are_failures(shop: LocalShop, tmp_path: Path) -> None:
    with traffic(shop.plan(tmp_path, rate=50)) as running:
        running.run_on(10, within=SOON)
        shop.become("broken")
        running.run_on(10, within=SOON)
        shop.become("rude")
        running.run_on(10, within=SOON)
        record = running.stop()
    seen = {request.status or str(request.error).partition(":")[0] for request in record.requests}
    assert {200, 500, "ServerDisconnectedError"} <= seen
    assert "x status 500" in str(record)


def test_a_generator_that_cannot_keep_its_rate_makes_the_record_inconclusive(shop: LocalShop, tmp_path: Path) -> None:
    with traffic(shop.plan(tmp_path, rate=100)) as running:
        running.run_on(50, within=SOON)
        generator = psutil.Process(running._crew.process.pid)
        generator.suspend()
        # For longer than the lag that is allowed: a busy machine does the same.
        threading.Event().wait(1)
        generator.resume()
        running.run_on(100, within=SOON)
        record = running.stop()
    with pytest.raises(Inconclusive, match="could not keep"):
        record.sound()


def test_an_empty_record_is_inconclusive(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match="no request was sent"):
        Record((), 0, 1.0, tmp_path).sound()


def test_a_record_without_its_closing_line_is_inconclusive(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text('{"intended": 1, "sta')
    with pytest.raises(Inconclusive, match="did not live"):
        Record.read(file)


def test_a_generator_that_is_killed_makes_the_traffic_inconclusive(shop: LocalShop, tmp_path: Path) -> None:
    with traffic(shop.plan(tmp_path, rate=20)) as running:
        running.run_on(5, within=SOON)
        running._crew.process.kill()
        with pytest.raises(Inconclusive, match="did not"):
            running.stop()


def test_a_plan_that_cannot_start_is_inconclusive_and_says_why(tmp_path: Path) -> None:
    plan = TrafficPlan(
        url="https://127.0.0.1", host="x", paths=("/",), rate=1, file=tmp_path / "r", ca=tmp_path / "missing.pem"
    )
    with pytest.raises(Inconclusive, match="FileNotFoundError"):
        Traffic.start(plan)


def test_the_generator_dies_with_a_test_that_is_killed(shop: LocalShop, tmp_path: Path) -> None:
    test = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from seatrial.load import Traffic, TrafficPlan
        plan = TrafficPlan(url={shop.url!r}, host="x", paths=("/",), rate=10, file=Path({str(tmp_path)!r}) / "r")
        print(Traffic.start(plan)._crew.process.pid, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", test], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        generator = int(process.stdout.readline())
        assert psutil.pid_exists(generator)
        os.kill(process.pid, signal.SIGKILL)
    eventually(
        lambda: _runs(generator),
        until=lambda alive: not alive,
        within=SOON,
        what="the generator is gone",
    )


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
