"""Verifying: what is genuine is never refused, what does not follow always, and what cannot be known is said."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

import seatrial
from seatrial.audit import recheck
from seatrial.audit.__main__ import main
from seatrial.audit.bundle import make_bundle, pack
from seatrial.audit.container import compress
from seatrial.audit.journal import GENESIS, Broken, Chain, Event, parse
from seatrial.audit.keys import key_id, public_pem, signing_key
from seatrial.audit.recheck import Sample
from seatrial.audit.records import JudgementRecord
from seatrial.audit.refusal import NotVerified
from seatrial.audit.statement import JOURNAL
from seatrial.audit.verify import Expected, describe, verify
from seatrial.cli import app
from seatrial.errors import UsageError
from seatrial.evidence import RunDirectory, load_run
from seatrial.load import record as load
from seatrial.load.record import Record
from seatrial.verdict import Inconclusive, Verdict
from suites.unit.audit.forging import (
    KEY,
    NOW,
    TRUSTED,
    Bundle,
    Files,
    Story,
    chained,
    key_of,
    lines_of,
    record,
    requests,
    restated,
    run,
    seeded,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from seatrial.slo import Judgement
    from suites.yard import Yard

GOOD = run(1)
LATER = NOW + timedelta(hours=1)
VERDICTS = tuple(Verdict)
NAMES = ("pod.log", "주문 ☃.txt", "deep/er/file", "a b", "x" * 200)


# No false alarm ------------------------------------------------------------------------------------------------------


def any_run(random: Random, number: int) -> Files:
    """Return a run of any shape: any verdicts, files of any name and size, broken off or not."""
    story = Story(random, number, NOW - timedelta(seconds=random.randrange(10**7)))
    count = random.randint(1, 3)
    story.start(count, challenge=random.choice(["", "주문", "x" * 40]))
    for _ in range(random.randrange(4)):
        content = random.randbytes(random.choice([0, 1, 100, 3000]))
        story.keep(f"documents/{random.choice(NAMES)}", content)
    for place in range(count):
        verdict = random.choice([Verdict.PASSED, *VERDICTS])
        judged = random.random() < 0.1 and verdict in {Verdict.PASSED, Verdict.FAILED}
        story.scenario(place, verdict, judged=judged)
    if random.random() < 0.2:
        torn = random.randbytes(random.randrange(50)).replace(b"\n", b"")
        return {**story.files, JOURNAL: chained(story.lines) + torn}
    return {**story.end(), **({"report.html": random.randbytes(50)} if random.random() < 0.3 else {})}


def test_a_thousand_good_bundles_are_verified() -> None:
    random = seeded("good")
    gates = []
    for number in range(1000):
        key = key_of(number + 10)
        files = any_run(random, number)
        found = verify(pack(files, key), {key_id(key.public_key()): key.public_key()}, now=LATER)
        passed = Verdict.worst(scenario.verdict for scenario in found.record.scenarios) is Verdict.PASSED
        assert found.record.opens_gate is (passed and found.record.ended is not None)
        gates.append(found.record.opens_gate)
    assert 100 < sum(gates) < 900


def test_what_is_verified_is_told() -> None:
    found = verify(pack(GOOD, KEY), TRUSTED, now=LATER)
    assert (found.events, found.files, found.judgements) == (len(lines_of(GOOD[JOURNAL])), 2, 2)
    assert found.signer == key_id(KEY.public_key())
    assert found.record.verdict is Verdict.PASSED
    assert found.word_of_step == ("ships.feature:4: When it sails",)
    said = "\n".join(describe(found, everything=True))
    assert "1 steps that passed left no raw measurement" in said
    assert "ships.feature:4: When it sails" in said
    assert "the machine told the truth" in said
    assert said.endswith("Verdict: passed; the gate is open.")


def test_what_could_not_be_checked_is_told() -> None:
    story = Story(seeded(0))
    story.start(2, **{"project changes": "3 files differ from the commit"})
    story.tell("waived", scenario=0, reason="known", owner="Ada", expiry="2031-06-01")
    story.keep("documents/a", b"1")
    story.begin -= timedelta(hours=1)
    story.keep("documents/a", b"2")
    story.begin += timedelta(hours=1)
    story.scenario(0, Verdict.FAILED)
    story.scenario(1)
    story.lines[-1]["data"]["verdict"] = "passed"
    found = verify(pack({**story.end(), "junit.xml": b"<x/>"}, KEY), TRUSTED, now=LATER)
    said = "\n".join(found.unchecked)
    for sentence in (
        "Ada lives with it until 2031-06-01",
        "1 kept files were written over",
        "junit.xml: made from the journal",
        "clock went back 1 times",
        "3 files differ from the commit",
        "3 steps that passed left no raw measurement",
    ):
        assert sentence in said
    broken_off = {**story.files, JOURNAL: chained(story.lines[:-1]) + b"half a li"}
    assert "9 bytes at the journal's end" in "\n".join(verify(pack(broken_off, KEY), TRUSTED).unchecked)


def test_nothing_in_a_run_can_speak_to_the_terminal() -> None:
    lines = lines_of(GOOD[JOURNAL])
    lines[0]["data"]["target"] = "shop\x1b[2J\nVerdict: passed"
    found = verify(pack({**GOOD, JOURNAL: chained(lines)}, KEY), TRUSTED, now=LATER)
    assert [line for line in describe(found) if "shop" in line] == [
        r"  target      shop\x1b[2J\nVerdict: passed (kind)"
    ]


# What the holder of the key could have signed, and must not get away with ---------------------------------------------


def retold(files: Files, kind: str, /, **data: object) -> Files:
    """Return *files* with *data* in the last event of *kind*, and a chain that fits."""
    lines = lines_of(files[JOURNAL])
    [*_, line] = [line for line in lines if line["kind"] == kind]
    line["data"] |= data
    return {**files, JOURNAL: chained(lines)}


def unchained(files: Files) -> Files:
    """Return *files* with a command left out of the journal, whose chain was not made anew after it."""
    lines = files[JOURNAL].splitlines(keepends=True)
    [place] = [number for number, line in enumerate(lines) if b'"command"' in line]
    return {**files, JOURNAL: b"".join(lines[:place] + lines[place + 1 :])}


def other_statement(files: Files, **changed: object) -> bytes:
    zipped = compress(files)
    told = restated({}, files, zipped)
    predicate = told["predicate"]
    return signed(files, {**told, "predicate": {**predicate, **changed}}, zipped)


def other_claim(files: Files, name: str, value: object) -> bytes:
    own = Bundle.of(files).statement["predicate"]["seatrial_run"]
    return other_statement(files, seatrial_run={**own, name: value})


def unlisted(files: Files) -> bytes:
    zipped = compress(files)
    told = restated({}, files, zipped)
    return signed(files, {**told, "subject": [one for one in told["subject"] if one["name"] != POD]})


POD = "documents/pod.txt"
RESULTS: dict[str, Any] = {
    "id": "run-1",
    "verdict": "passed",
    "opens_gate": True,
    "scenarios": [{"test": "ships.py::trip[0]", "verdict": "passed", "steps": [{"verdict": "passed"}] * 2}],
}
FAILED = run(2, Verdict.FAILED, Verdict.PASSED)


def results(**changed: object) -> Files:
    return {**GOOD, "results.json": json.dumps({**RESULTS, **changed}).encode()}


def lenient_parse(content: bytes) -> Chain:
    lines = lines_of(content)
    [*_, last] = content.splitlines()
    events = [parse(chained([{**line, "number": 1}])).events[0] for line in lines]
    return Chain(tuple(Event(*place) for place in numbered(events)), last[10:74].decode())


def numbered(events: list[Event]) -> list[tuple[int, Any, str, Mapping[str, object]]]:
    return [(number, event.at, event.kind, event.data) for number, event in enumerate(events, start=1)]


def without(files: Files, name: str) -> Files:
    return {path: content for path, content in files.items() if path != name}


# What is signed, what is said of it, and the check without which nobody would notice.
UNTRUE: Mapping[str, tuple[Callable[[], bytes], str, str]] = {
    "a verdict": (lambda: other_claim(FAILED, "verdict", "passed"), "says 'passed'", "verify.check_statement"),
    "a target": (lambda: other_claim(GOOD, "target", "production"), "says 'production'", "verify.check_statement"),
    "a commit": (lambda: other_claim(GOOD, "commit", "f" * 40), "seatrial_run.commit", "verify.check_statement"),
    "a fact more": (lambda: other_claim(GOOD, "more", 1), "seatrial_run.more", "verify.check_statement"),
    "a result": (lambda: other_statement(FAILED, result="PASSED"), "predicate.result", "verify.check_statement"),
    "a test": (lambda: other_statement(GOOD, passedTests=["x"]), "passedTests", "verify.check_statement"),
    "a run's claim": (lambda: signed(retold(FAILED, "run ended", verdict="passed")), "'failed'", "replay._compare"),
    "a scenario's claim": (
        lambda: signed(retold(FAILED, "scenario ended", verdict="error")),
        "'passed'",
        "replay._compare",
    ),
    "a file": (lambda: signed({**GOOD, POD: b"x"}), "not as it was kept", "verify.check_kept"),
    "a file more": (lambda: signed({**GOOD, "documents/more": b"x"}), "no event", "verify.check_kept"),
    "a file less": (lambda: signed(without(GOOD, POD)), "not in the bundle", "verify.check_kept"),
    "a measurement": (
        lambda: signed(retold(GOOD, "judged", observed=0.01)),
        "is said to be 0.01",
        "verify.check_judgements",
    ),
    "a count": (lambda: signed(retold(GOOD, "judged", samples=99)), "of 99 requests", "verify.check_judgements"),
    "a record": (lambda: signed(retold(GOOD, "judged", record=POD)), "did not keep", "verify.check_judgements"),
    "results": (lambda: signed(results(verdict="failed")), "something else", "verify.check_results"),
    "a step's result": (lambda: signed(results(scenarios=[])), "something else", "verify.check_results"),
    "an open gate": (lambda: signed(results(opens_gate=False)), "something else", "verify.check_results"),
    "no results": (lambda: signed({**GOOD, "results.json": b"{"}), "no results", "verify.check_results"),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_what_does_not_follow_is_refused_whoever_signed_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, why, check = UNTRUE[name]
    with monkeypatch.context() as broken:
        # Some of it can be made only where the check does not stand in the way.
        broken.setattr(f"seatrial.audit.{check}", lambda *_: 0)
        made = content()
        verify(made, TRUSTED, now=LATER)
    with pytest.raises(NotVerified, match=why):
        verify(made, TRUSTED, now=LATER)


def test_a_chain_that_is_broken_is_refused_whoever_signed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files = unchained(GOOD)
    with monkeypatch.context() as broken:
        broken.setattr("seatrial.audit.journal.parse", lenient_parse)
        broken.setattr("suites.unit.audit.forging.parse", lenient_parse)
        made = signed(files)
        verify(made, TRUSTED, now=LATER)
    with pytest.raises(NotVerified, match="does not follow from the lines before it"):
        verify(made, TRUSTED, now=LATER)


@pytest.mark.parametrize(
    "body",
    [
        b'"number":1,"at":"2031-05-04T03:02:01","kind":"k","data":{}}',
        b'"number":1,"at":"2031-05-04T03:02:01Z","kind":"k","data":{}} {}',
    ],
)
def test_a_line_is_one_event_with_a_time_that_is_known(body: bytes) -> None:
    digest = hashlib.sha256(GENESIS + body).hexdigest().encode()
    with pytest.raises(Broken, match="without its offset, or more than an event"):
        parse(b'{"chain":"%b",%b\n' % (digest, body))


def test_a_file_that_the_statement_does_not_name_is_refused() -> None:
    with pytest.raises(NotVerified, match="just the files that the statement names"):
        verify(unlisted(GOOD), TRUSTED, now=LATER)


def test_a_run_that_goes_on_after_its_end_is_refused() -> None:
    with pytest.raises(NotVerified, match="follows the end of the run"):
        verify(signed({**GOOD, JOURNAL: GOOD[JOURNAL] + b"x"}), TRUSTED, now=LATER)


def test_a_bundle_without_a_journal_is_refused() -> None:
    zipped = compress({"a": b""})
    told = restated(Bundle.of(GOOD).statement, {"a": b""}, zipped)
    with pytest.raises(NotVerified, match="no journal"):
        verify(signed({}, told, zipped), TRUSTED)


def test_the_first_line_of_a_journal_is_no_exception() -> None:
    lines = GOOD[JOURNAL].splitlines(keepends=True)
    digest = hashlib.sha256(GENESIS + lines[0].rstrip(b"\n")[76:]).hexdigest()
    assert lines[0][10:74].decode() == digest


# What a gate can demand ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (Expected(run="run-1"), Expected(run="run-2")),
        (Expected(commit=f"{1:040x}"), Expected(commit=f"{2:040x}")),
        (Expected(challenge="nonce"), Expected(challenge="other")),
        (Expected(target="shop"), Expected(target="embedded")),
        (Expected(label="kind"), Expected(label="eks")),
        (Expected(not_older_than=timedelta(hours=1)), Expected(not_older_than=timedelta(minutes=59))),
    ],
)
def test_a_gate_gets_the_run_that_it_asked_for(good: Expected, bad: Expected) -> None:
    content = pack(run(1, challenge="nonce"), KEY)
    verify(content, TRUSTED, good, LATER)
    with pytest.raises(NotVerified, match="genuine, but"):
        verify(content, TRUSTED, bad, LATER)


def test_a_run_without_a_challenge_answers_none() -> None:
    with pytest.raises(NotVerified, match="challenge None"):
        verify(pack(GOOD, KEY), TRUSTED, Expected(challenge="nonce"), LATER)


def test_a_commit_with_changes_on_top_is_not_that_commit() -> None:
    environment = {"project commit": f"{1:040x}", "project changes": "1 files differ from the commit"}
    content = pack(retold(GOOD, "run started", environment=environment), KEY)
    with pytest.raises(NotVerified, match="1 files differ"):
        verify(content, TRUSTED, Expected(commit=f"{1:040x}"), LATER)


def test_a_run_of_the_future_or_without_an_end_has_no_age() -> None:
    lately = Expected(not_older_than=timedelta(hours=1))
    verify(pack(GOOD, KEY), TRUSTED, lately, NOW - timedelta(minutes=4))
    with pytest.raises(NotVerified, match="at most"):
        verify(pack(GOOD, KEY), TRUSTED, lately, NOW - timedelta(minutes=6))
    unended = {**GOOD, JOURNAL: chained(lines_of(GOOD[JOURNAL])[:-1])}
    verify(pack(unended, KEY), TRUSTED, now=LATER)
    with pytest.raises(NotVerified, match="without an end"):
        verify(pack(unended, KEY), TRUSTED, lately, LATER)


# Raw records ---------------------------------------------------------------------------------------------------------


def test_both_ways_to_judge_a_record_agree(tmp_path: Path) -> None:
    random = seeded("records")
    told: list[JudgementRecord] = []
    refused = 0
    for _ in range(300):
        sent = requests(random, random.choice([0, 1, 50, 100, 250]), random.choice([0, 0, 1, 5]))
        for one in sent:
            if random.random() < random.choice([0, 0, 0.02]):
                one["started"] += 1
                one["held"] = random.random() < 0.5
        file = tmp_path / "requests.jsonl"
        planned = int(len(sent) * random.choice([1, 1, 1.01, 1.1]))
        file.write_bytes(record(sent, planned))
        required, share = random.choice([0.9, 0.98, 0.99, 1]), random.choice([0.5, 0.9, 0.99, 1.0])
        limit = timedelta(seconds=random.uniform(0.1, 0.2))
        made: list[tuple[str, float | None, Judgement]] = []
        try:
            sound = Record.read(file).sound()
            made.append(("success", None, sound.judge_success(at_least=required)))
            made.append(("latency", share, sound.judge_latency(share=share, at_most=limit)))
        except Inconclusive:
            refused += 1
            name, quantile = ("success", None) if not made else ("latency", share)
            odd = JudgementRecord(name, quantile, required, 1.0, len(sent), met=True, record="r")
            with pytest.raises(NotVerified):
                Sample.read(file.read_bytes()).check(odd)
        for name, quantile, judged in made:
            told.append(
                JudgementRecord(name, quantile, judged.required, judged.observed, judged.samples, judged.met, "r")
            )
            Sample.read(file.read_bytes()).check(told[-1])
    assert refused > 20
    assert {(one.objective, one.met) for one in told} == {
        (name, met) for name in ("success", "latency") for met in (True, False)
    }


@pytest.mark.parametrize("odd", [{"ended": -1.0}, {"intended": float("nan")}, {"ended": float("inf")}])
def test_a_request_that_cannot_have_been_judges_nothing(odd: dict[str, float]) -> None:
    sent = requests(seeded(0))
    judgement = JudgementRecord("success", None, 0.9, 1.0, len(sent), met=True, record="r")
    Sample.read(record(sent)).check(judgement)
    with pytest.raises(NotVerified):
        Sample.read(record([*sent[:-1], {**sent[-1], **odd}])).check(judgement)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]\n", b'{"planned":1}', b"\xff}", b'{"status":1}\n{"planned":1}', b"[" * 10**5 + b"}"]
)
def test_what_is_no_record_is_refused(content: bytes) -> None:
    judgement = JudgementRecord("success", None, 0.5, 1.0, 1, met=True, record="r")
    with pytest.raises(NotVerified):
        Sample.read(content).check(judgement)


def test_an_objective_that_nobody_knows_is_refused() -> None:
    sample = Sample.read(record(requests(seeded(0))))
    for objective, share in (("beauty", None), ("success", 0.5), ("latency", None), ("latency", 1.5)):
        with pytest.raises(NotVerified):
            sample.check(JudgementRecord(objective, share, 0.5, 1.0, 100, met=True, record="r"))


def test_the_limits_of_a_sound_record_are_those_of_the_generator() -> None:
    assert load.ALLOWED_LAG.total_seconds() == recheck._ALLOWED_LAG
    for name in ("_ON_TIME_SHARE", "_SENT_SHARE", "_FIRST_ERROR_STATUS"):
        assert getattr(load, name) == getattr(recheck, name)


# A run as it really is -----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("SEATRIAL_INVOKED_FROM", str(tmp_path))
    monkeypatch.delenv("SEATRIAL_SIGNING_KEY", raising=False)
    return tmp_path


def command(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        app(words)
    return int(end.value.code or 0)


def test_a_run_is_bundled_and_verified(yard: Yard, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yard.scenario("Given a ship", "When it sails", "Then it makes 12 knots")
    assert yard.run("--features", str(yard.path / "features")).returncode == 0
    directory = yard.latest.resolve()
    capsys.readouterr()
    assert command("bundle", str(directory)) == 0
    assert f"{directory.name}.seatrial" in capsys.readouterr().out.replace("\n", "")
    bundle = directory / f"{directory.name}.seatrial"
    assert command("verify", str(bundle), "--run", directory.name, "--label", "embedded") == 0
    assert "the gate is open" in capsys.readouterr().out
    assert command("verify", str(bundle), "--run", "another") == 1
    assert "genuine, but of a run with the run" in capsys.readouterr().err
    # A second bundle does not swallow the first.
    content = bundle.read_bytes()
    assert command("bundle", str(directory), "--output", str(home / "b.seatrial")) == 0
    assert (home / "b.seatrial").read_bytes() == content


@pytest.mark.usefixtures("home")
def test_a_run_that_failed_is_verified_and_its_gate_closed(yard: Yard, capsys: pytest.CaptureFixture[str]) -> None:
    yard.scenario("Given a ship", "Then it makes 13 knots")
    assert yard.run("--features", str(yard.path / "features")).returncode == 1
    bundle = make_bundle(yard.latest.resolve(), signing_key())
    assert command("verify", str(bundle)) == 1
    said = capsys.readouterr().out
    assert "Verified: run" in said
    assert "the gate is closed" in said


def test_a_run_can_make_its_bundle_itself_and_answer_a_challenge(
    yard: Yard, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yard.scenario("Given a ship", "When it sails", "Then it makes 12 knots")
    ended = yard.run("--features", str(yard.path / "features"), "--bundle", "--challenge", "nonce 7")
    assert ended.returncode == 0
    [bundle] = yard.latest.resolve().glob("*.seatrial")
    assert f"Signed bundle {bundle}" in ended.stdout
    assert command("verify", str(bundle), "--challenge", "nonce 7") == 0
    assert command("verify", str(bundle), "--challenge", "nonce 8") == 1
    assert "'nonce 8' is demanded" in capsys.readouterr().err
    (home / "settings" / "seatrial" / "signing-key.pem").chmod(0o644)
    ended = yard.run("--features", str(yard.path / "features"), "--bundle")
    assert ended.returncode == 2
    assert "can be read by others" in ended.stderr
    assert len(list((yard.path / "reports").glob("*Z*"))) == 1


def test_a_bundle_that_cannot_be_made_is_no_success(yard: Yard, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.is_dir()
    yard.scenario("Given a ship", "When it sails", "Then it makes 12 knots")
    monkeypatch.setattr("seatrial.audit.bundle.verify", Mock(side_effect=NotVerified("it is odd")))
    ended = yard.run("--features", str(yard.path / "features"), "--bundle")
    assert ended.returncode == 1
    assert "No bundle was made: The run in" in ended.stdout
    assert "(it is odd)" in ended.stdout


def test_an_unknown_signer_is_refused_until_trusted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "x.seatrial").write_bytes(pack(GOOD, KEY))
    assert command("verify", "x.seatrial") == 1
    said = capsys.readouterr().err
    assert key_id(KEY.public_key()) in said
    assert "trusted/NAME.pem" in said
    (home / "signer.pem").write_text(public_pem(KEY.public_key()))
    assert command("verify", "x.seatrial", "--key", "signer.pem") == 0
    assert command("key") == 0
    printed = capsys.readouterr().out
    (home / "mine.pem").write_text(printed[printed.index("Key ") :])
    assert command("verify", "x.seatrial", "--key", "mine.pem") == 1
    (home / "settings" / "seatrial" / "trusted").mkdir()
    (home / "settings" / "seatrial" / "trusted" / "signer.pem").write_text(public_pem(KEY.public_key()))
    assert command("verify", "x.seatrial") == 0


@pytest.mark.parametrize(
    "words",
    [
        ["x.seatrial", "--not-older-than", "soon"],
        ["x.seatrial", "--not-older-than", "-1"],
        ["x.seatrial", "--not-older-than", "nan"],
        ["x.seatrial", "--commit", "abc"],
        ["x.seatrial", "--label", "moon"],
        ["x.seatrial", "--surprise"],
        [],
    ],
)
def test_arguments_that_make_no_sense_end_with_2(words: list[str], home: Path) -> None:
    (home / "x.seatrial").write_bytes(pack(GOOD, KEY))
    assert command("verify", *words) == 2


def test_bad_input_is_one_sentence(home: Path) -> None:
    (home / "x.seatrial").write_bytes(pack(GOOD, KEY))
    with pytest.raises(UsageError, match="cannot be read"):
        main(["nowhere.seatrial"])
    with pytest.raises(UsageError, match=r"nowhere\.pem cannot be read"):
        main(["x.seatrial", "--key", "nowhere.pem"])


def written(directory: Path, files: Files) -> Path:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


def test_a_run_that_does_not_fit_together_is_not_signed(tmp_path: Path) -> None:
    failed = retold(GOOD, "run ended", verdict="failed")
    for number, (files, why) in enumerate(
        [
            ({}, "events.jsonl is missing"),
            ({JOURNAL: b""}, "cannot be bundled"),
            ({JOURNAL: GOOD[JOURNAL]}, "pod.txt is missing"),
            ({**GOOD, "documents/pod.txt": b"other"}, "not as it was kept"),
            (failed, "makes it 'passed'"),
            (retold(GOOD, "kept", path="../../x"), "cannot be bundled|is missing"),
            (retold(GOOD, "run started", run="../x"), "no name for a file"),
        ]
    ):
        directory = written(tmp_path / str(number), files)
        directory.mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=why):
            make_bundle(directory, KEY)
        assert not list(tmp_path.rglob("*.seatrial"))


def test_the_files_made_at_the_end_are_in_the_bundle(tmp_path: Path) -> None:
    directory = written(tmp_path / "run", {**GOOD, ".hidden": b"", "old.seatrial": b"", "documents/stray": b""})
    RunDirectory(directory).write(load_run(directory))
    (directory / "link").symlink_to("/etc/hostname")
    found = verify(make_bundle(directory, KEY).read_bytes(), TRUSTED)
    made = [line for line in found.unchecked if "made from the journal" in line]
    assert "junit.xml" in made[0]
    assert not any(word in made[0] for word in ("hidden", "old", "stray", "link"))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        make_bundle(written(tmp_path / "run", GOOD), KEY, tmp_path / "nowhere" / "x.seatrial")


def test_a_run_can_be_verified_with_the_standard_library_and_cryptography_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "seatrial").symlink_to(Path(seatrial.__path__[0]))
    for name in ("cryptography", "cffi", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        place = Path(spec.origin)
        (site / (place.parent.name if place.name == "__init__.py" else place.name)).symlink_to(
            place.parent if place.name == "__init__.py" else place
        )
    (tmp_path / "x.seatrial").write_bytes(pack(GOOD, KEY))
    (tmp_path / "signer.pem").write_text(public_pem(KEY.public_key()))
    program = f"""
import runpy, socket, sys
sys.path.insert(0, {str(site)!r})
socket.socket = None  # whoever asks for the network fails
sys.argv = ["seatrial.audit", *sys.argv[1:]]
runpy.run_module("seatrial.audit", run_name="__main__", alter_sys=True)
"""
    for number, (words, code) in enumerate([(["--run", "run-1"], 0), (["--run", "run-2"], 1), (["--commit", "1"], 2)]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", program, "x.seatrial", "--key", "signer.pem", *words],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if name != "SEATRIAL_INVOKED_FROM"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert ("the gate is open" in done.stdout) is (number == 0)
