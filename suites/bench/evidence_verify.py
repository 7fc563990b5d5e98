"""How long it takes to verify a bundle, on one core."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seatrial.audit.bundle import pack
from seatrial.audit.journal import GENESIS
from seatrial.audit.keys import key_id
from seatrial.audit.replay import FORMAT
from seatrial.audit.statement import JOURNAL
from seatrial.audit.verify import verify
from seatrial.requirements import register

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BEGIN = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
_STEPS = (
    ("Given", "the orders service runs with 3 ready replicas"),
    ("And", "customers place 20 orders per second"),
    ("When", "one orders replica is killed"),
    ("Then", "orders has 3 ready replicas within 30 seconds"),
    ("And", "at least 99.5% of the orders placed meanwhile succeed"),
)
_REQUESTS = 1000
# Of a scenario, as below: listed, started, three phases, the steps listed, each started and ended, a command, a record
# kept, two judgements, the end.
_EVENTS_PER_SCENARIO = 1 + 1 + 3 + 1 + 2 * len(_STEPS) + 1 + 1 + 2 + 1
_RECORDS = 20


def measure_verify(events: int) -> float:
    """Return the seconds of processor time that verifying a bundle of about *events* events takes."""
    key = Ed25519PrivateKey.generate()
    content = pack(passed_run(events), key)
    trusted = {key_id(key.public_key()): key.public_key()}
    begin = time.process_time()
    found = verify(content, trusted)
    took = time.process_time() - begin
    if not found.record.opens_gate or abs(found.events - events) > 2 * _EVENTS_PER_SCENARIO:
        raise AssertionError(
            f"{found.events} events with the verdict {found.record.verdict} are not what was asked for"
        )
    return took


def passed_run(events: int) -> Mapping[str, bytes]:
    """Return the files of a run of about *events* events, all of whose scenarios passed.

    The last step of each scenario is judged, twice, by one of a few raw records of a thousand requests.
    """
    records = [_record(number) for number in range(_RECORDS)]
    scenarios = max(1, events // _EVENTS_PER_SCENARIO)
    files = {_path(number): records[number % _RECORDS] for number in range(min(scenarios, _RECORDS))}
    return {JOURNAL: _journal(scenarios, records), **files}


def _record(seed: int) -> bytes:
    lines = []
    for number in range(_REQUESTS):
        intended = number / 20
        took = (1 + (number * 7919 + seed) % 100) / 1000
        line = {"intended": intended, "started": intended, "ended": intended + took, "status": 200}
        lines.append({**line, "error": None, "held": False})
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, {"planned": _REQUESTS, "rate": 20.0}])


def _path(number: int) -> str:
    return f"scenarios/{number % _RECORDS:03d}/records/requests.jsonl"


def _told(scenarios: int, records: list[bytes]) -> Iterator[tuple[str, dict[str, object]]]:
    environment = {"project commit": "0" * 40, "project changes": "none"}
    run = {"format": FORMAT, "run": "bench", "target": "embedded", "label": "embedded"}
    yield "run started", {**run, "environment": environment}
    for one in register():
        yield (
            "requirement listed",
            {"id": one.id, "sentence": one.sentence, "source": one.source, "open": one.open},
        )
    for number in range(scenarios):
        file = f"features/resilience/loss-{number // 10}.feature"
        described = {"feature": "Orders survive the loss of a pod", "file": file, "rule": "A lost replica is replaced"}
        described |= {"name": f"Replica {number} of many is killed", "test": f"{file}::test_{number:05d}"}
        listed = {"line": 12, "tags": ["req-6.1", "resilience"], "requirements": ["6.1"], "selected": True}
        yield "scenario listed", {**described, **listed}
    for number in range(scenarios):
        yield from _scenario(number, records[number % _RECORDS])
    yield "run ended", {"verdict": "passed"}


def _scenario(number: int, record: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    yield "scenario started", {"scenario": number}
    yield "phase ended", {"scenario": number, "phase": "setup", "verdict": "passed", "reasons": []}
    steps = [{"keyword": word, "text": text, "line": line} for line, (word, text) in enumerate(_STEPS, start=13)]
    yield "steps listed", {"scenario": number, "steps": steps}
    for place in range(len(_STEPS)):
        yield "step started", {"scenario": number, "step": place}
        if place == 0:
            words = ["kubectl", "scale", "deployment/orders", "--replicas=3"]
            yield "command", {"scenario": number, "words": words, "code": 0, "seconds": 0.25}
        if place == len(_STEPS) - 1:
            yield from _judged(number, record)
        yield "step ended", {"scenario": number, "verdict": "passed"}
    yield "phase ended", {"scenario": number, "phase": "call", "verdict": "passed", "reasons": []}
    yield "phase ended", {"scenario": number, "phase": "teardown", "verdict": "passed", "reasons": []}
    yield "scenario ended", {"scenario": number, "verdict": "passed"}


def _judged(number: int, record: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    path = _path(number)
    digest = hashlib.sha256(record).hexdigest()
    kept = {"path": path, "sha256": digest, "size": len(record), "title": "every request"}
    yield "kept", {"scenario": number, **kept}
    success = {"objective": "success", "share": None, "required": 0.995, "observed": 1.0}
    latency = {"objective": "latency", "share": 0.99, "required": 0.25, "observed": 0.099}
    for judgement in (success, latency):
        yield "judged", {"scenario": number, **judgement, "samples": _REQUESTS, "met": True, "record": path}


def _journal(scenarios: int, records: list[bytes]) -> bytes:
    """Write a journal as `seatrial.audit.journal.Journal` does, without a system call per line."""
    digest, lines = GENESIS, []
    for number, (kind, data) in enumerate(_told(scenarios, records), start=1):
        event = {"number": number, "at": (_BEGIN + timedelta(milliseconds=10 * number)).isoformat(), "kind": kind}
        body = json.dumps({**event, "data": data}, separators=(",", ":")).encode()[1:]
        digest = hashlib.sha256(digest + body).digest()
        lines.append(b'{"chain":"%b",%b\n' % (digest.hex().encode(), body))
    return b"".join(lines)
