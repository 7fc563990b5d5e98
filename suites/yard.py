"""What the tests of the library share: records to show, and a pytest of its own to run features in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import pytest_bdd.feature

import seatrial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A cluster of which only that much is there as a run touches before its first step.
CONFTEST = """
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import seatrial
from pytest_bdd import given, parsers, then, when
from seatrial.errors import UsageError
from seatrial.verdict import Inconclusive
from seatrial.witness import Judged, tell_judged

LOG = Path(__file__).with_name("log.txt")


def log(line):
    with LOG.open("a") as file:
        print(line, file=file)


class Running:
    name = "embedded"
    kubeconfig = Path("/nonexistent")
    registry = None
    edge = None


@contextmanager
def lock(*, wait, say):
    if not wait and Path(__file__).with_name("in-use").exists():
        raise UsageError("The embedded cluster is in use by process 1; wait for it to end, or end it, and run again.")
    log("locked")
    yield
    log("unlocked")


def up(*, progress, install):
    trouble = Path(__file__).with_name("trouble")
    if trouble.exists():
        raise UsageError(trouble.read_text())
    if Path(__file__).with_name("breakage").exists():
        raise OSError("no bridge could be made")
    log("up")
    return Running()


fake = ModuleType("seatrial.cluster")
fake.lock, fake.up = lock, up
seatrial.cluster = sys.modules["seatrial.cluster"] = fake


@pytest.fixture
def ship():
    log("ship is there")
    yield "ship"
    log("ship is gone")


@pytest.fixture
def leak():
    yield
    raise RuntimeError("the leak cannot be closed")


@pytest.fixture
def reef():
    raise RuntimeError("ran on a reef")


@given("a ship")
def a_ship(ship):
    pass


@given("a leak")
def a_leak(leak):
    pass


@given("a reef")
def a_reef(reef):
    pass


@when("it sails")
def sails():
    pass


@when("the engine breaks")
def breaks():
    raise KeyError("engine")


@when("it waits")
def waits():
    import threading

    log("waiting")
    threading.Event().wait(60)


@when("it takes its time")
def takes_its_time(progress):
    with progress.phase("Taking its time"):
        pass


@when("nobody looks")
def nobody_looks():
    pytest.skip("night")


@then(parsers.parse("it makes {knots:d} knots"))
def makes(knots):
    assert knots == 12, f"it makes 12 knots, not {knots}"


@then("its speed was measured")
def measured():
    raise Inconclusive("no log line was read")


@then("nobody minds what its log says")
def careless(tmp_path):
    log = tmp_path / "log"
    log.write_text("12 knots")
    tell_judged(Judged("speed", None, 20, 12, 1, met=False, record=log))
"""


@dataclass(frozen=True)
class Yard:
    """A folder with features of its own, in which pytest runs as a stranger would run it."""

    pytester: pytest.Pytester

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, text: str, name: str = "sample.feature") -> None:
        (self.path / "features").mkdir(exist_ok=True)
        (self.path / "features" / name).write_text(text, encoding="utf-8")

    def scenario(self, *steps: str, name: str = "One", tags: str = "") -> None:
        lines = "\n".join(f"    {step}" for step in steps)
        self.write(f"Feature: Ships\n  {tags}\n  Scenario: {name}\n{lines}\n")

    def run(self, *arguments: str) -> Ended:
        """Run in this process, which saves starting an interpreter for each test."""
        # pytest-bdd keeps what it has read for the life of the process; a file may have been written again since.
        pytest_bdd.feature.features.clear()
        result = self.pytester.runpytest_inprocess("-p", "seatrial.plugin", *arguments, no_reraise_ctrlc=True)
        return Ended(int(result.ret), result.stdout.str(), result.stderr.str())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run in a process of its own, which can be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "seatrial.plugin", *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def log(self) -> list[str]:
        file = self.path / "log.txt"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def latest(self) -> Path:
        return self.path / "reports" / "latest"


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def yard(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Yard:
    pytester.makeconftest(CONFTEST)
    monkeypatch.setenv("SEATRIAL_INVOKED_FROM", str(pytester.path))
    monkeypatch.delenv("SEATRIAL_LAUNCHER", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    # The conftest above puts its own there.
    monkeypatch.setattr(seatrial, "cluster", None, raising=False)
    return Yard(pytester)


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"kind":"Status","message":"Unauthorized","code":401}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def refusing_api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
