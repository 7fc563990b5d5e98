"""The catalogue as a process: settings, ports, logs, faults, and an end that loses nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest

from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from suites.services.backing import Database, RedisServer

_COMMAND = (sys.executable, "-m", "reference_app.catalog")
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SOON = timedelta(seconds=60)


@dataclass
class Service:
    """A running process of the catalogue."""

    process: subprocess.Popen[str]
    http: str
    admin: str
    lines: list[str] = field(default_factory=list)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_SOON.total_seconds())


class RunService(Protocol):
    def __call__(self, **settings: str) -> Service: ...


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    return inherited | {"SECRETS_DIRECTORY": "/nonexistent"} | dict(settings)


def _settings(database: Database, redis_server: RedisServer) -> dict[str, str]:
    http_port, admin_port = _free_ports()
    return {
        "CATALOG_HOST": "127.0.0.1",
        "CATALOG_HTTP_PORT": str(http_port),
        "CATALOG_ADMIN_PORT": str(admin_port),
        "CATALOG_DATABASE_HOST": database.host,
        "CATALOG_DATABASE_NAME": database.name,
        "CATALOG_DATABASE_USERNAME": database.username,
        "CATALOG_DATABASE_PASSWORD": database.password,
        "CATALOG_CACHE_URL": redis_server.url,
        "CATALOG_ROOT_PATH": "/catalog",
        "CATALOG_DRAIN": "1",
        "CATALOG_GRACE": "5",
    }


@pytest.fixture
def settings(database: Database, redis_server: RedisServer) -> dict[str, str]:
    return _settings(database, redis_server)


@contextmanager
def _running(settings: Mapping[str, str]) -> Iterator[Service]:
    process = subprocess.Popen(
        [*_COMMAND, "serve"], env=_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    service = Service(
        process,
        http=f"http://127.0.0.1:{settings['CATALOG_HTTP_PORT']}",
        admin=f"http://127.0.0.1:{settings['CATALOG_ADMIN_PORT']}",
    )
    assert process.stdout is not None
    reader = threading.Thread(target=service.lines.extend, args=(process.stdout,))
    reader.start()
    try:
        eventually(lambda: _ready(service), until=bool, within=_SOON, what="the catalogue is ready")
        yield service
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _ready(service: Service) -> bool:
    assert service.process.poll() is None, "".join(service.lines)
    try:
        return httpx.get(f"{service.http}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def shared(planted: Database, redis_process: RedisServer) -> Iterator[Service]:
    """One process for the tests that leave it as it was, with the fault switch enabled."""
    if redis_process.process is None:
        redis_process.start()
    with _running(_settings(planted, redis_process) | {"CATALOG_FAULTS_ENABLED": "true"}) as service:
        yield service


def _run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments], env=_environment(settings), capture_output=True, text=True, check=False, timeout=120
    )


def test_a_missing_setting_is_named() -> None:
    ended = _run("serve", CATALOG_DATABASE_HOST="h", CATALOG_DATABASE_NAME="n", CATALOG_DATABASE_USERNAME="u")

    assert ended.returncode == 2
    assert ended.stderr == (
        "CATALOG_DATABASE_PASSWORD is not set: set the variable, or mount the value as the file"
        " /nonexistent/catalog_database_password.\n"
    )


def test_migrate_and_seed_can_run_again(settings: dict[str, str]) -> None:
    ended = _run("migrate", "--seed", **settings)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["products"] == 0


def test_metrics_are_on_the_administration_port_alone(shared: Service) -> None:
    product = httpx.get(f"{shared.http}/catalog/products?limit=1").json()["items"][0]["id"]
    httpx.get(f"{shared.http}/catalog/products/{product}")

    plain = httpx.get(f"{shared.admin}/metrics")
    rich = httpx.get(f"{shared.admin}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert re.search(
        r'http_requests_total\{method="GET",route="/products/\{product_id\}",status="200"\} [1-9]', plain.text
    )
    assert 'http_request_duration_seconds_bucket{le="0.001",method="GET"' in plain.text
    assert 'catalog_cache_reads_total{origin="hit"}' in plain.text
    assert "process_resident_memory_bytes" in plain.text
    assert re.search(r'# \{trace_id="[0-9a-f]{32}"\}', rich.text)
    for path in ("/metrics", "/catalog/metrics", "/fault", "/catalog/fault"):
        assert httpx.get(f"{shared.http}{path}").status_code == 404


def test_a_fault_is_switched_on_and_off(shared: Service) -> None:
    switch = f"{shared.admin}/fault"
    fault = {"lease_seconds": 60, "error_rate": 1, "not_ready": True}

    on = httpx.put(switch, json=fault)
    failed, alive, unready = (httpx.get(f"{shared.http}{path}") for path in ("/products", "/healthz", "/readyz"))
    off = httpx.delete(switch)
    served = httpx.get(f"{shared.http}/products")

    assert on.json()["fault"] | fault == on.json()["fault"]
    assert (failed.status_code, failed.json()["type"]) == (500, "urn:seatrial:problem:injected-fault")
    assert (alive.status_code, unready.status_code) == (200, 503)
    assert off.json() == {"fault": None}
    assert served.status_code == 200


def test_a_fault_makes_requests_slow(shared: Service) -> None:
    httpx.put(f"{shared.admin}/fault", json={"lease_seconds": 60, "latency_seconds": 0.3})
    slow = httpx.get(f"{shared.http}/products").elapsed
    httpx.delete(f"{shared.admin}/fault")
    fast = httpx.get(f"{shared.http}/products").elapsed

    assert slow >= timedelta(seconds=0.3) > fast


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"lease_seconds": 0}', b'{"lease_seconds": 9999}', b'{"lease_seconds": 1, "x": 1}']
)
def test_a_fault_without_a_sound_lease_is_refused(shared: Service, body: bytes) -> None:
    answer = httpx.put(f"{shared.admin}/fault", content=body)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert httpx.get(f"{shared.admin}/fault").json() == {"fault": None}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /products HTTP/9.9\r\n\r\n",
        b"POST /products HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /products HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /products HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
    ],
    ids=["100,000 header bytes", "TLS", "version", "negative length", "broken chunk", "NUL in a header"],
)
def test_broken_http_is_refused_and_harms_nobody(shared: Service, request_bytes: bytes) -> None:
    port = int(shared.http.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        status = connection.recv(12)

    # An empty answer is a closed connection.
    assert status == b"" or status.startswith(b"HTTP/1.1 4")
    assert httpx.get(f"{shared.http}/readyz").status_code == 200


def test_ten_thousand_header_bytes_are_told_to_be_too_many(shared: Service) -> None:
    borne = httpx.get(f"{shared.http}/products", headers={"X-Long": "a" * 7_000})
    refused = httpx.get(f"{shared.http}/products", headers={"X-Long": "a" * 10_000})

    assert (borne.status_code, refused.status_code) == (200, 431)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["trace_id"] == refused.headers["traceparent"].split("-")[1]
    counted = r'http_requests_total\{method="other",route="unmatched",status="431"\} [1-9]'
    assert re.search(counted, httpx.get(f"{shared.admin}/metrics").text)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /products HTTP/1.1\r\nHost: x\r\n",
        b"POST /products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["head", "body"],
)
def test_whoever_takes_for_ever_is_told_so(settings: dict[str, str], sent: bytes) -> None:
    with _running(settings | {"CATALOG_PATIENCE": "0.5"}) as service:
        port = int(service.http.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(sent)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 408


@dataclass(frozen=True)
class Ended:
    """What was seen of a process that got SIGTERM under traffic."""

    outcomes: list[int | str]
    while_draining: int
    code: int
    log: str


@pytest.fixture(scope="module")
def ended(planted: Database, redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The end of a process that has its credentials from mounted files and four customers who never pause."""
    settings = _settings(planted, redis_process)
    secrets = tmp_path_factory.mktemp("secrets")
    for name in ("CATALOG_DATABASE_USERNAME", "CATALOG_DATABASE_PASSWORD"):
        (secrets / name.lower()).write_text(settings.pop(name) + "\n")
    outcomes: list[int | str] = []
    in_rotation = threading.Event()
    in_rotation.set()

    def customer(url: str) -> None:
        with httpx.Client(timeout=30) as client:
            # As behind a Service: new requests come until readiness is seen to be off.
            while in_rotation.is_set():
                try:
                    outcomes.append(
                        client.get(url, headers={"traceparent": f"00-{_TRACE}-b7ad6b7169203331-01"}).status_code
                    )
                except httpx.TransportError as error:
                    outcomes.append(repr(error))

    with _running(
        settings | {"SECRETS_DIRECTORY": str(secrets), "CATALOG_DRAIN": "600", "CATALOG_GRACE": "630"}
    ) as service:
        assert httpx.get(f"{service.admin}/fault").status_code == 404
        customers = [threading.Thread(target=customer, args=(f"{service.http}/products",)) for _ in range(4)]
        for one in customers:
            one.start()
        try:
            _reaches(outcomes, 40, "traffic flows")
            service.process.send_signal(signal.SIGTERM)
            _readiness_goes_off(service)
            before = len(outcomes)
            _reaches(outcomes, before + 20, "traffic goes on while the process drains")
            while_draining = len(outcomes) - before
        finally:
            in_rotation.clear()
            for one in customers:
                one.join()
        # The drain is long, so that a slow machine does not end it before the customers have left; this cuts it short.
        code = service.end()
    return Ended(outcomes, while_draining, code, "".join(service.lines))


def _reaches(outcomes: list[int | str], count: int, what: str) -> None:
    eventually(lambda: len(outcomes), until=lambda seen: seen >= count, within=_SOON, what=what)


def _readiness_goes_off(service: Service) -> None:
    eventually(
        lambda: httpx.get(f"{service.http}/readyz").status_code,
        until=lambda status: status == 503,
        within=_SOON,
        what="readiness goes off",
    )


def test_an_end_under_traffic_loses_nothing(ended: Ended) -> None:
    assert ended.code == 0
    assert ended.while_draining >= 20
    assert set(ended.outcomes) == {200}


def test_the_log_is_json_with_the_trace(ended: Ended) -> None:
    entries = [json.loads(line) for line in ended.log.splitlines()]

    request = next(entry for entry in entries if entry.get("path") == "/products")
    assert request["trace_id"] == _TRACE
    assert (request["level"], request["service"], request["route"]) == ("INFO", "catalog", "/products")
    assert request["status"] == 200
    assert [entry["message"] for entry in entries if entry["logger"].endswith("serving")] == ["draining", "stopping"]


def test_the_log_holds_no_credentials(ended: Ended, planted: Database) -> None:
    assert planted.password not in ended.log


def test_the_drain_ends_by_itself_and_the_request_in_flight_is_answered(settings: dict[str, str]) -> None:
    answers: list[int] = []
    with _running(
        settings | {"CATALOG_DRAIN": "0.5", "CATALOG_GRACE": "60", "CATALOG_FAULTS_ENABLED": "true"}
    ) as service:
        httpx.put(f"{service.admin}/fault", json={"lease_seconds": 60, "latency_seconds": 2})
        slow = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{service.http}/products", timeout=60).status_code)
        )
        slow.start()
        eventually(
            lambda: httpx.get(f"{service.admin}/metrics").text,
            until=lambda text: "http_requests_in_flight 1.0" in text,
            within=_SOON,
            what="the request is in flight",
        )
        code = service.end()
        slow.join()

    assert (code, answers) == (0, [200])
