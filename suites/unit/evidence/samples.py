"""Runs to show: real journals with everything in them that a report can be asked to show."""

from __future__ import annotations

import hashlib
import json
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.audit import Journal
from seatrial.audit.replay import FORMAT
from seatrial.chaos.course import course_of
from seatrial.chaos.lookout import Look
from seatrial.chaos.times import Instant, Timeline
from seatrial.evidence.store import RunDirectory, load_run
from seatrial.load.record import Record, Request
from seatrial.requirements import register
from seatrial.slo.definition import Indicator, Objective
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.audit import RunRecord

COURSES = 3
NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
# What a step does in a sample, and what the whole scenario then is.
MIX = (
    Verdict.PASSED,
    Verdict.PASSED,
    Verdict.FAILED,
    Verdict.PASSED,
    Verdict.INCONCLUSIVE,
    Verdict.PASSED,
    Verdict.ERROR,
    Verdict.PASSED,
    Verdict.NOT_RUN,
)
_SENTENCES = (
    ("Given", "the catalog service runs with 2 ready replicas"),
    ("And", "customers send 20 requests per second"),
    ("When", "one replica is killed"),
    ("Then", "it is replaced within 30 seconds"),
    ("And", "at least 99.5% of the requests meanwhile succeed"),
)
_REASONS = {
    Verdict.FAILED: "97.9 % of 1200 requests succeeded, and 99.5 % had to",
    Verdict.INCONCLUSIVE: "no sample was newer than 60 seconds: the metrics API answered with what it had before",
    Verdict.ERROR: "KeyError: 'spec'",
}


@dataclass
class Clock:
    """A clock that is set forward by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Told:
    """A run that is being told: its folder, its journal and its clock."""

    directory: RunDirectory
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(init=False)
    count: int = 0
    verdicts: list[Verdict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.directory.journal, self.clock)

    def tell(self, kind: str, **data: object) -> None:
        self.journal.append(kind, data)

    def begin(self, target: str = "embedded", environment: dict[str, str] | None = None) -> None:
        self.tell(
            "run started",
            format=FORMAT,
            run=self.directory.id,
            target=target,
            label="embedded",
            environment=environment or {},
        )
        for one in register():
            self.tell("requirement listed", id=one.id, sentence=one.sentence, source=one.source, open=one.open)

    def listed(self, name: str, **more: object) -> int:
        """Tell of a scenario; return its number."""
        described: dict[str, object] = {
            "feature": "The catalogue survives the loss of a pod",
            "file": "features/resilience/pod_loss.feature",
            "rule": "A lost replica is replaced within 30 seconds",
            "name": name,
            "line": 10,
            "test": f"suites/acceptance/test_resilience.py::{name}",
            "tags": ["resilience"],
            "requirements": ["6.1"],
            "selected": True,
        }
        self.tell("scenario listed", **(described | more))
        self.count += 1
        return self.count - 1

    def kept(self, scenario: int | None, path: str, content: bytes, title: str) -> None:
        file = self.directory.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.tell("kept", scenario=scenario, path=path, sha256=digest, size=len(content), title=title)

    def played(
        self,
        scenario: int,
        verdict: Verdict,
        *,
        steps: Sequence[tuple[str, str]] = _SENTENCES,
        reason: str | None = None,
        seconds: float = 1.0,
        requests: int = 0,
        line: int = 11,
    ) -> None:
        """Tell how *scenario* went: its last step but one decides, so that a step is left that was not reached."""
        self.verdicts.append(verdict)
        folder = f"scenarios/{scenario + 1:03d}-sample"
        self.tell("scenario started", scenario=scenario)
        listed = [{"keyword": word, "text": text, "line": line + n} for n, (word, text) in enumerate(steps)]
        self.tell("steps listed", scenario=scenario, steps=listed)
        decisive = len(steps) - 2 if len(steps) > 1 else 0
        for number in range(len(steps)):
            self.tell("step started", scenario=scenario, step=number)
            self.clock.forward(seconds * (0.3 if number == 2 else 0.15))
            ends = number == decisive and verdict is not Verdict.PASSED
            self.tell("command", scenario=scenario, words=["kubectl", "get", "pods", "-A"], code=0, seconds=0.04)
            if ends:
                self.tell("command", scenario=scenario, words=["crictl", "ps", "--name", "it's"], code=1, seconds=0.2)
            if requests and (ends or number == len(steps) - 1):
                self._judged(scenario, folder, requests, met=not ends)
            self.tell("step ended", scenario=scenario, verdict=str(verdict if ends else Verdict.PASSED))
            if ends:
                break
        reasons = [reason or _REASONS.get(verdict, "skipped: night")] if verdict is not Verdict.PASSED else []
        if verdict not in (Verdict.PASSED, Verdict.NOT_RUN):
            self.kept(scenario, f"{folder}/call.txt", b"E   AssertionError\n" * 9, "what went wrong")
            self.kept(scenario, f"{folder}/shop/pods.txt", b"NAME READY\n" * 40, "shop/pods.txt")
        self.kept(scenario, f"documents/deployment-{scenario}.txt", b"kind: Deployment\n", "manifest applied: catalog")
        self.tell("phase ended", scenario=scenario, phase="call", verdict=str(verdict), reasons=reasons)
        self.clock.forward(seconds * 0.1)
        self.tell("phase ended", scenario=scenario, phase="teardown", verdict="passed", reasons=[])
        self.tell("scenario ended", scenario=scenario, verdict=str(verdict))

    def _judged(self, scenario: int, folder: str, requests: int, *, met: bool) -> None:
        content = traffic(requests, seed=scenario)
        path = f"{folder}/records/{hashlib.sha256(content).hexdigest()[:12]}-traffic.jsonl"
        self.kept(scenario, path, content, "every request, when it was to start, started and ended")
        shared = {"scenario": scenario, "samples": requests, "record": path}
        observed = 0.9967 if met else 0.979
        self.kept(
            scenario,
            f"documents/{folder[10:]}-{scenario}.json",
            course_data(scenario % COURSES),
            "the course of the fault",
        )
        self.tell("judged", objective="success", share=None, required=0.995, observed=observed, met=met, **shared)
        self.tell("judged", objective="latency", share=0.99, required=1.0, observed=0.42, met=True, **shared)

    def end(self) -> RunRecord:
        """End the run; return its record as it is read back."""
        self.tell("run ended", verdict=str(Verdict.worst(self.verdicts)))
        self.journal.close()
        return load_run(self.directory.path)


def traffic(requests: int, seed: int = 0) -> bytes:
    """Return the record of some traffic at 20 requests per second: quick, slower around a loss, a few unanswered."""
    chance = random.Random(seed)  # noqa: S311 (a picture, not a secret)
    lines = []
    for number in range(requests):
        at = 1000 + number / 20
        lost = 0.4 < number / requests < 0.5
        latency = math.exp(chance.gauss(-4.2, 0.5)) * (12 if lost else 1)
        failed = lost and chance.random() < 0.25
        lines.append(
            {
                "intended": at,
                "started": at + 0.001,
                "ended": at + (2.5 if failed else latency),
                "status": None if failed else 200,
                "error": "connection refused" if failed else None,
                "held": False,
            }
        )
    closing = {"planned": requests, "rate": 20.0}
    return "".join(f"{json.dumps(line)}\n" for line in (*lines, closing)).encode()


@cache
def course_data(number: int) -> bytes:
    """Return the course of a fault while there was the traffic of that number, as a run keeps it."""
    lines = [json.loads(line) for line in traffic(1200, number).splitlines()]
    record = Record(tuple(Request(**line) for line in lines[:-1]), 1200, 20.0, Path("traffic.jsonl"))
    injected, clean = Instant(1023.9, 1024.1), Instant(1039.2, 1039.6)
    instants = {"injected": injected, "effective": Instant(1024.0, 1024.4), "clean": clean}
    line = Timeline(instants=instants, fault="process-pause", target="catalog-7f9c/app")
    both, one = frozenset("ab"), frozenset("a")
    looks = [Look(at, at + 0.2, one if 1026 <= at < 1041 else both) for at in range(1000, 1060)]
    limit = timedelta(seconds=0.25)
    objectives = (
        Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, 0.995, timedelta(days=28)),
        Objective("catalog-latency", "catalog", Indicator.LATENCY, 0.99, timedelta(days=28), limit),
    )
    return json.dumps(course_of(line, record, looks, objectives).data()).encode()


def feature_text(name: str, scenarios: Sequence[str]) -> str:
    """Return a feature file with these *scenarios*, which all take the same steps."""
    steps = "\n".join(f"      {word} {text}" for word, text in _SENTENCES)
    bodies = "\n".join(f"    Scenario: {one}\n{steps}\n" for one in scenarios)
    return (
        f"@resilience\nFeature: {name}\n  Kubernetes replaces a lost replica and routes around it meanwhile,\n"
        "  so customers should notice nothing.\n\n  @req-6.1 @req-6.2\n"
        f"  Rule: A lost replica is replaced within 30 seconds\n\n{bodies}"
    )


def sample_run(
    runs: Path,
    scenarios: int,
    *,
    mix: Sequence[Verdict] = MIX,
    started: datetime = NOW,
    slow: float = 1.0,
    pictures_every: int = 5,
) -> RunDirectory:
    """Write a run of so many *scenarios* below *runs*, ten to a feature, each with the verdict of its turn in *mix*."""
    told = Told(RunDirectory.create(runs, started), Clock(started))
    told.begin(
        environment={
            "command line": "pytest suites/acceptance",
            "project commit": "6a1f0c2b9d5e4f7a8b3c1d0e9f8a7b6c5d4e3f2a",
            "project changes": "3 files differ from the commit",
            "kernel": "6.1.0-29-amd64",
            "package seatrial": "0.1.0",
        }
    )
    identifiers = [one.id for one in register()][3:35]
    numbers = []
    for first in range(0, scenarios, 10):
        name = f"The catalogue survives loss {first // 10 + 1}"
        # The first are those that resilience is reckoned from.
        file = f"features/resilience/{f'loss_{first // 10 + 1:03d}' if first else 'pod_loss'}.feature"
        names = [
            f"Replica {n + 1} of many is killed while customers come" for n in range(first, min(first + 10, scenarios))
        ]
        text = feature_text(name, names)
        told.tell("feature listed", file=file, text=text)
        lines = text.splitlines()
        for n, one in enumerate(names, start=first):
            line = lines.index(f"    Scenario: {one}") + 1
            requirements = sorted({identifiers[n % len(identifiers)], "6.1"})
            more = {"feature": name, "file": file, "line": line, "requirements": requirements}
            numbers.append((told.listed(one, selected=n % 10 != 9, **more), line))
    for number, line in numbers:
        if number % 10 == 9:
            continue
        requests = 1200 if number % pictures_every == 0 else 0
        seconds = (40.0 if requests else 1.2) * slow
        told.played(number, mix[number % len(mix)], seconds=seconds, requests=requests, line=line + 1)
    told.kept(None, "documents/target.txt", b"kubelet v1.35\n", "what the target says of itself")
    told.tell("command", scenario=None, words=["kubectl", "version"], code=0, seconds=0.1)
    told.end()
    return told.directory
