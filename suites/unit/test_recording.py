"""What the library tells of while a scenario runs is in its record, and nothing secret is."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from seatrial import witness
from seatrial.evidence import RunDirectory, load_run
from seatrial.evidence.recording import Recording
from seatrial.evidence.redaction import REDACTED, Redactor
from seatrial.target import Target
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from pytest_bdd.parser import Scenario

    from seatrial.evidence.recording import Collect

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
TARGET = Target("local", TruthLabel.EMBEDDED, Path("kubeconfig"), None, None, None)
STEP = SimpleNamespace(keyword="When", name="it sails", line_number=4)
SCENARIO = cast("Scenario", SimpleNamespace(steps=[STEP]))


class Trip:
    """One scenario of one step, recorded without a pytest around it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        described = {
            "feature": "Ships",
            "file": "ships.feature",
            "rule": None,
            "name": "One",
            "line": 3,
            "test": "one",
            "tags": [],
            "requirements": ["5.1"],
        }
        monkeypatch.setattr("seatrial.evidence.recording._described", lambda *_: described)
        self.item = cast("pytest.Item", SimpleNamespace(nodeid="one"))
        self.redactor = Redactor()
        self.directory = RunDirectory.create(folder, NOW)
        self.recording = Recording.start(
            self.directory, TARGET, [self.item], [], folder, environment={}, redactor=self.redactor
        )

    def begin(self) -> None:
        self.recording.begin(self.item)
        self.phase("setup")
        self.recording.begin_steps(self.item, SCENARIO)
        self.recording.begin_step(self.item, SCENARIO, STEP)  # type: ignore[arg-type]

    def phase(self, when: str, error: BaseException | None = None, collect: Collect = lambda _: ()) -> None:
        self.recording.phase(self.item, when, error, "the trace", collect)

    def end(self) -> None:
        self.recording.end_step(self.item)
        self.phase("call")
        self.phase("teardown")
        self.recording.finish(self.item)
        self.recording.end()


@pytest.fixture
def trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trip:
    return Trip(tmp_path, monkeypatch)


def test_what_is_told_within_a_step_is_part_of_it(trip: Trip, tmp_path: Path) -> None:
    raw = tmp_path / "requests.jsonl"
    raw.write_text("raw\n")
    trip.begin()
    with witness.listening(trip.recording):
        witness.tell_command(["tc", "qdisc"], 0, timedelta(seconds=2))
        witness.tell_command(["tc", "qdisc"], 0, timedelta(seconds=2))
        witness.tell_command(["tc", "qdisc"], 1, timedelta(seconds=2))
        witness.tell_judged(witness.Judged("success", None, 0.995, 0.999, 1000, met=True, record=raw))
        witness.tell_document("applied Pod x", "kind: Pod\n")
        witness.tell_document("applied Pod x", "kind: Pod\n")
    trip.end()
    [record] = load_run(trip.directory.path).scenarios
    assert record.verdict is Verdict.PASSED
    [step] = record.steps
    assert [(command.words, command.code) for command in step.commands] == [(("tc", "qdisc"), 0), (("tc", "qdisc"), 1)]
    [judgement] = step.judgements
    assert (judgement.observed, judgement.samples, judgement.met) == (0.999, 1000, True)
    assert (trip.directory.path / judgement.record).read_text() == "raw\n"
    assert [artefact.title for artefact in record.artefacts] == [
        "every request, when it was to start, started and ended",
        "applied Pod x",
    ]


def test_what_is_told_aside_belongs_to_the_run_whatever_scenario_is_under_way(trip: Trip) -> None:
    def beside() -> None:
        witness.aside()
        witness.tell_command(["tofu", "apply"], 0, timedelta(seconds=2))
        witness.tell_document("the plan", "a bucket\n")
        witness.tell_label(TruthLabel.PLAN_ONLY)

    trip.begin()
    with witness.listening(trip.recording):
        other = threading.Thread(target=beside)
        other.start()
        other.join()
        witness.tell_command(["tc"], 0, timedelta(seconds=2))
    trip.end()
    run = load_run(trip.directory.path)
    [record] = run.scenarios
    assert [command.words for command in record.steps[0].commands] == [("tc",)]
    assert (record.artefacts, record.label) == ((), None)
    assert [kept.title for kept in run.artefacts] == ["the plan"]


def test_what_a_machine_reads_too_is_kept_as_json(trip: Trip) -> None:
    trip.begin()
    with witness.listening(trip.recording):
        witness.tell_data("found", {"at": [1.25, None], "said": "⛵ <b>"})
    trip.end()
    [artefact] = load_run(trip.directory.path).scenarios[0].artefacts
    assert (artefact.title, artefact.path.endswith(".json")) == ("found", True)
    assert json.loads((trip.directory.path / artefact.path).read_bytes()) == {"at": [1.25, None], "said": "⛵ <b>"}


def test_what_nobody_listens_to_goes_nowhere(trip: Trip) -> None:
    trip.begin()
    witness.tell_command(["tc"], 0, timedelta(0))
    trip.end()
    [record] = load_run(trip.directory.path).scenarios
    assert record.steps[0].commands == ()


def test_a_secret_told_of_is_written_nowhere(trip: Trip) -> None:
    trip.begin()
    with witness.listening(trip.recording):
        witness.tell_secret("hunter2hunter2")
        witness.tell_command(["login", "--password=hunter2hunter2"], 0, timedelta(0))
        witness.tell_document("applied", "password: hunter2hunter2")
        witness.tell_data("found", {"said": ["it is", "hunter2hunter2"], "password": "anotherOne17"})

    def collect(folder: Path) -> list[Path]:
        (folder / "pod.log").write_bytes(b"\xff password hunter2hunter2")
        return [folder / "pod.log"]

    trip.phase("call", AssertionError("saw hunter2hunter2"), collect)
    trip.phase("teardown")
    trip.recording.finish(trip.item)
    trip.recording.end()
    written = [file for file in trip.directory.path.rglob("*") if file.is_file()]
    assert not [file for file in written if b"hunter2hunter2" in file.read_bytes()]
    assert not [file for file in written if b"anotherOne17" in file.read_bytes()]
    assert (trip.directory.path / "scenarios/001-one/pod.log").read_bytes() == f"\xff password {REDACTED}".encode(
        "latin-1"
    )


def test_a_full_disk_ends_the_evidence_and_the_run_does_not_pass(trip: Trip, monkeypatch: pytest.MonkeyPatch) -> None:
    trip.begin()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("seatrial.audit.journal.os.write", full)
        trip.recording.end_step(trip.item)
    trip.phase("call")
    trip.phase("teardown")
    trip.recording.end()
    assert trip.recording.lost is not None
    record = load_run(trip.directory.path)
    assert record.ended is None
    assert record.scenarios[0].verdict is Verdict.INCONCLUSIVE
    assert not record.opens_gate


def test_a_failure_keeps_what_can_be_collected(trip: Trip) -> None:
    trip.begin()

    def collect(_: Path) -> list[Path]:
        raise ConnectionError("the API is gone")

    trip.phase("call", AssertionError("it sank"), collect)
    trip.phase("teardown")
    trip.recording.finish(trip.item)
    [record] = trip.recording.end().scenarios
    assert record.verdict is Verdict.FAILED
    assert record.reason == "it sank\nnot all evidence could be collected: ConnectionError: the API is gone"
    assert [artefact.title for artefact in record.artefacts] == ["what went wrong"]
