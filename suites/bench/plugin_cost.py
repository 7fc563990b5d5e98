"""What recording costs: per step beside bare pytest-bdd, per scenario at collection, and of a real run's time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.audit import Journal, Replay, parse
from seatrial.evidence.redaction import Redactor
from suites.bench.samples import Measurement, ratios

if TYPE_CHECKING:
    from seatrial.progress import Progress

STEP_COST = 1.1
COLLECTION_GROWTH = 1.3
EVIDENCE_SHARE = 0.01
_SCENARIOS = 1000
_STEPS = 5
_PER_FEATURE = 20
_FEW, _MANY = 1000, 8000

# A target that is there at once, five steps that do nothing, and a clock around collection and running.
_CONFTEST = """
import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import seatrial
from pytest_bdd import given, parsers

fake = ModuleType("seatrial.cluster")
fake.lock = contextmanager(lambda **_: (yield))
fake.up = lambda **_: SimpleNamespace(name="none", kubeconfig=Path("/nonexistent"), registry=None, edge=None)
seatrial.cluster = sys.modules["seatrial.cluster"] = fake

times = {}


@given(parsers.parse("nothing happens for the {number:d}th time"))
def nothing(number):
    pass


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session):
    began = time.perf_counter()
    answer = yield
    times["collection"] = time.perf_counter() - began
    return answer


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    times.setdefault("began", time.perf_counter())
    answer = yield
    times["running"] = time.perf_counter() - times["began"]
    return answer


def pytest_sessionfinish(session):
    times["scenarios"] = session.testscollected
    Path("times.json").write_text(json.dumps(times))
"""


def _project(folder: Path, scenarios: int) -> None:
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_all.py").write_text('from pytest_bdd import scenarios\n\nscenarios("features")\n')
    (folder / "features").mkdir()
    steps = "".join(f"    Given nothing happens for the {number}th time\n" for number in range(_STEPS))
    for first in range(0, scenarios, _PER_FEATURE):
        members = "".join(
            f"  Scenario: Number {number}\n{steps}\n" for number in range(first, min(first + _PER_FEATURE, scenarios))
        )
        (folder / "features" / f"{first:05d}.feature").write_text(f"Feature: From {first}\n\n{members}")


def _times(folder: Path, scenarios: int, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    found: dict[str, float] = json.loads((folder / "times.json").read_text())
    if done.returncode != 0 or found["scenarios"] != scenarios:
        raise RuntimeError(f"the sample project did not pass:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found


def _per_step(seconds: float) -> float:
    return seconds / (_SCENARIOS * _STEPS) * 1e6


def measure(progress: Progress, rounds: int) -> list[Measurement]:
    """Run the same scenarios without and with the plugin, in turn; then collect few and many."""
    bare: list[float] = []
    recorded: list[float] = []
    few: list[float] = []
    many: list[float] = []
    with tempfile.TemporaryDirectory() as name, progress.phase("Recording beside bare pytest-bdd"):
        small, large = Path(name, "small"), Path(name, "large")
        for folder, scenarios in ((small, _SCENARIOS), (large, _MANY)):
            folder.mkdir()
            _project(folder, scenarios)
        for _ in range(rounds):
            bare.append(_per_step(_times(small, _SCENARIOS)["running"]))
            recorded.append(_per_step(_times(small, _SCENARIOS, "-p", "seatrial.plugin")["running"]))
            few.append(_times(small, _FEW, "-p", "seatrial.plugin", "--collect-only")["collection"] / _FEW)
            many.append(_times(large, _MANY, "-p", "seatrial.plugin", "--collect-only")["collection"] / _MANY)
    return [
        Measurement("a step, bare pytest-bdd", "us", tuple(bare)),
        Measurement("a step, recorded", "us", tuple(recorded)),
        Measurement("a step, recorded over bare", "x", ratios(recorded, bare), STEP_COST),
        Measurement(f"collecting a scenario, of {_MANY} over of {_FEW}", "x", ratios(many, few), COLLECTION_GROWTH),
    ]


def measure_share(run: Path, rounds: int) -> list[Measurement]:
    """Write the evidence of *run*, a whole run on a cluster, once more, and hold that against the time the run took.

    Return nothing when there is no such run.
    """
    if not (run / "events.jsonl").exists():
        return []
    events = parse((run / "events.jsonl").read_bytes()).events
    record = Replay.of(events).record
    if record.ended is None:
        return []
    wall = (record.ended - record.started).total_seconds()
    kept = {artefact.path for one in record.scenarios for artefact in one.artefacts}
    kept |= {artefact.path for artefact in record.artefacts}
    shares = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            journal, replay, redactor = Journal(Path(folder, "events.jsonl")), Replay(), Redactor()
            for event in events:
                replay.take(journal.append(event.kind, event.data))
                redactor.text(json.dumps(dict(event.data)))
                if event.kind == "scenario ended":
                    journal.settle()
            for path in kept:
                hashlib.sha256(redactor.content((run / path).read_bytes())).hexdigest()
            journal.close()
            shares.append((time.perf_counter() - began) / wall)
    return [Measurement("evidence, of a run's time", "x", tuple(shares), EVIDENCE_SHARE)]
