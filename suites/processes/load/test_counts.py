"""What a reference service counts, held against what its customers saw: a real one, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from seatrial.kube.metrics import Metrics
from seatrial.load import TrafficPlan, traffic
from seatrial.load.indicators import judge_all, judge_counts
from seatrial.slo.counters import increase
from seatrial.slo.reading import objectives_of
from seatrial.verdict import Inconclusive
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seatrial.slo.counters import ReplicaCount

SOON = timedelta(seconds=60)
PATH = "/static/icon.svg"


@dataclass
class Storefront:
    """The storefront, which serves its own files although there is no gateway behind it."""

    ports: tuple[int, int]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        http_port, admin_port = self.ports
        settings = {
            "STOREFRONT_HOST": "127.0.0.1",
            "STOREFRONT_HTTP_PORT": str(http_port),
            "STOREFRONT_ADMIN_PORT": str(admin_port),
            "STOREFRONT_GATEWAY_URL": "http://127.0.0.1:9",
            "STOREFRONT_FAULTS_ENABLED": "true",
            "STOREFRONT_DRAIN": "0",
            "SECRETS_DIRECTORY": "/nonexistent",
        }
        command = (sys.executable, "-m", "reference_app.storefront", "serve")
        self.processes.append(subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.DEVNULL))
        eventually(self.answers, until=bool, within=SOON, what="the storefront answers")

    def answers(self) -> bool:
        assert self.processes[-1].poll() is None, "the storefront has ended"
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.processes[-1].send_signal(signal.SIGKILL)
        self.processes[-1].wait()

    def fail(self, share: float) -> None:
        fault = {"lease_seconds": 60, "error_rate": share}
        httpx.put(f"http://127.0.0.1:{self.ports[1]}/fault", json=fault, trust_env=False).raise_for_status()

    def counted(self) -> dict[str, ReplicaCount]:
        told = httpx.get(f"http://127.0.0.1:{self.ports[1]}/metrics", trust_env=False).raise_for_status()
        return {"storefront": Metrics.parse(told.text).replica_count()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def plan(self, directory: Path) -> TrafficPlan:
        file = directory / "requests.jsonl"
        return TrafficPlan(url=self.url, host="shop.example", paths=(PATH,), rate=100, file=file)


@pytest.fixture
def storefront() -> Iterator[Storefront]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        started = Storefront((one.getsockname()[1], two.getsockname()[1]))
    try:
        started.start()
        yield started
    finally:
        for process in started.processes:
            process.kill()
            process.wait()


def test_servers_and_customers_count_the_same_when_all_is_well(storefront: Storefront, tmp_path: Path) -> None:
    before = storefront.counted()
    with traffic(storefront.plan(tmp_path)) as running:
        running.run_on(250, within=SOON)
        record = running.stop()
    judgement = judge_counts(record, increase(before, storefront.counted()))
    assert judgement.met, judgement
    assert judgement.observed >= 250
    availability, _ = judge_all(record, objectives_of("storefront")[:2])
    assert availability.met, availability


def test_servers_and_customers_count_the_same_when_a_third_fails(storefront: Storefront, tmp_path: Path) -> None:
    storefront.fail(1 / 3)
    before = storefront.counted()
    with traffic(storefront.plan(tmp_path)) as running:
        running.run_on(250, within=SOON)
        record = running.stop()
    counted = increase(before, storefront.counted())
    assert record.failures
    assert counted.tally.bad == len(record.failures)
    assert judge_counts(record, counted).met
    availability, _ = judge_all(record, objectives_of("storefront")[:2])
    assert not availability.met


def test_a_request_that_nobody_recorded_shows(storefront: Storefront, tmp_path: Path) -> None:
    before = storefront.counted()
    with traffic(storefront.plan(tmp_path)) as running:
        running.run_on(50, within=SOON)
        httpx.get(f"{storefront.url}{PATH}", trust_env=False).raise_for_status()
        record = running.stop()
    judgement = judge_counts(record, increase(before, storefront.counted()))
    assert not judgement.met
    assert judgement.observed == judgement.required + 1


def test_what_a_killed_process_had_counted_is_missed_and_not_made_up(storefront: Storefront, tmp_path: Path) -> None:
    before = storefront.counted()
    with traffic(storefront.plan(tmp_path)) as running:
        running.run_on(100, within=SOON)
        storefront.kill()
        storefront.start()
        running.run_on(100, within=SOON)
        record = running.stop()
    with pytest.raises(Inconclusive, match="what storefront counted before being started anew is lost"):
        judge_counts(record, increase(before, storefront.counted()))
