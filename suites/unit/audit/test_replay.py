"""Verdicts follow from events, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seatrial.audit.journal import Event
from seatrial.audit.replay import FORMAT, Inconsistent, Replay
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
Told = tuple[str, dict[str, Any]]
RUN = {"format": FORMAT, "run": "r1", "target": "t", "label": "kind", "environment": {"a": "b"}}
START: Told = ("run started", RUN)
SCENARIO: dict[str, Any] = {
    "feature": "Ships",
    "file": "ships.feature",
    "rule": None,
    "name": "One",
    "line": 3,
    "test": "one",
    "tags": [],
    "requirements": [],
    "selected": True,
}
LISTED: Told = ("scenario listed", SCENARIO)
BEGIN: Told = ("scenario started", {"scenario": 0})
STEPS: Told = ("steps listed", {"scenario": 0, "steps": [{"keyword": "Then", "text": "it floats", "line": 4}]})
STEP: Told = ("step started", {"scenario": 0, "step": 0})
STEPPED: Told = ("step ended", {"scenario": 0, "verdict": "passed"})
ENDED: Told = ("scenario ended", {"scenario": 0, "verdict": "passed"})
OVER: Told = ("run ended", {"verdict": "passed"})


def phase(when: str, verdict: str = "passed", *reasons: str) -> Told:
    return ("phase ended", {"scenario": 0, "phase": when, "verdict": verdict, "reasons": list(reasons)})


def judged(*, met: bool) -> Told:
    data = {"objective": "success", "share": None, "required": 0.9, "observed": 0.8, "samples": 10, "record": "r"}
    return ("judged", {"scenario": 0, **data, "met": met})


GOOD: tuple[Told, ...] = (
    START,
    LISTED,
    BEGIN,
    phase("setup"),
    STEPS,
    STEP,
    STEPPED,
    phase("call"),
    phase("teardown"),
    ENDED,
    OVER,
)


def events(*told: Told) -> list[Event]:
    return [
        Event(number, NOW + timedelta(seconds=number), kind, data) for number, (kind, data) in enumerate(told, start=1)
    ]


def without(told: tuple[Told, ...], *left_out: Told) -> list[Told]:
    return [entry for entry in told if entry not in left_out]


def verdict(*told: Told) -> Verdict:
    [scenario] = Replay.of(events(*told)).record.scenarios
    return scenario.verdict


def test_a_whole_run_that_passed() -> None:
    record = Replay.of(events(*GOOD)).record
    assert record.verdict is Verdict.PASSED
    assert record.opens_gate
    [scenario] = record.scenarios
    assert scenario.duration == timedelta(seconds=7)
    assert scenario.steps[0].duration == timedelta(seconds=1)


@pytest.mark.parametrize("length", range(1, len(GOOD)))
def test_a_run_that_stops_anywhere_has_not_passed(length: int) -> None:
    record = Replay.of(events(*GOOD[:length])).record
    assert not record.verdict.opens_gate
    assert not record.opens_gate


def test_a_scenario_whose_step_was_not_run_has_not_passed() -> None:
    told = [*GOOD[:5], phase("call"), phase("teardown")]
    assert verdict(*told, ("scenario ended", {"scenario": 0, "verdict": "not run"})) is Verdict.NOT_RUN


def test_a_scenario_without_steps_has_not_passed() -> None:
    told = [*GOOD[:4], phase("call"), phase("teardown")]
    assert verdict(*told, ("scenario ended", {"scenario": 0, "verdict": "not run"})) is Verdict.NOT_RUN


def test_a_broken_clean_up_takes_the_pass_away() -> None:
    told = [*GOOD[:8], phase("teardown", "error", "left behind")]
    assert verdict(*told, ("scenario ended", {"scenario": 0, "verdict": "error"})) is Verdict.ERROR


@pytest.mark.parametrize("claim", ["failed", "not run", "inconclusive", "error", "bogus", None])
def test_a_claim_that_does_not_follow_is_noticed(claim: str | None) -> None:
    with pytest.raises(Inconsistent, match="makes it 'passed'"):
        Replay.of(events(*GOOD[:9], ("scenario ended", {"scenario": 0, "verdict": claim})))
    with pytest.raises(Inconsistent, match="makes it 'passed'"):
        Replay.of(events(*GOOD[:10], ("run ended", {"verdict": claim})))


def test_a_step_that_missed_its_objective_cannot_have_passed() -> None:
    with pytest.raises(Inconsistent, match="objective was missed"):
        Replay.of(events(*GOOD[:6], judged(met=False), STEPPED))
    Replay.of(events(*GOOD[:6], judged(met=True), STEPPED))


@pytest.mark.parametrize("left_out", [START, LISTED, BEGIN, STEPS, STEP, phase("teardown")])
def test_no_event_can_be_left_out(left_out: Told) -> None:
    with pytest.raises(Inconsistent):
        Replay.of(events(*without(GOOD, left_out)))


@pytest.mark.parametrize("place", [place for place in range(1, len(GOOD)) if GOOD[place] != LISTED])
def test_no_event_can_be_told_twice(place: int) -> None:
    with pytest.raises(Inconsistent):
        Replay.of(events(*GOOD[: place + 1], *GOOD[place:]))


@pytest.mark.parametrize(
    "odd",
    [
        ("surprise", {}),
        ("scenario started", {"scenario": 1}),
        ("scenario started", {"scenario": -1}),
        ("scenario started", {"scenario": True}),
        ("scenario started", {}),
        ("scenario listed", {**SCENARIO, "selected": "yes"}),
        ("scenario listed", {**SCENARIO, "tags": "abc"}),
        ("run started", START[1]),
        ("kept", {"scenario": None, "path": "x", "sha256": "0", "size": "1", "title": "t"}),
        ("waived", {"scenario": 0, "reason": "r", "owner": "o", "expiry": "2031-05-03"}),
        ("waived", {"scenario": 0, "reason": "r", "owner": "o", "expiry": "soon"}),
        ("labelled", {"scenario": 0, "label": "production"}),
    ],
)
def test_what_makes_no_sense_is_refused(odd: Told) -> None:
    with pytest.raises(Inconsistent):
        Replay.of(events(START, LISTED, odd))


def test_an_older_format_is_refused() -> None:
    with pytest.raises(Inconsistent, match="format"):
        Replay.of(events(("run started", {**START[1], "format": "seatrial-run/0"})))


def test_a_waiver_opens_the_gate_and_leaves_the_verdict() -> None:
    waived = ("waived", {"scenario": 0, "reason": "r", "owner": "o", "expiry": "2031-05-04"})
    told = [*GOOD[:8], phase("teardown", "failed"), ("scenario ended", {"scenario": 0, "verdict": "failed"})]
    record = Replay.of(events(*told[:2], waived, *told[2:], ("run ended", {"verdict": "failed"}))).record
    assert record.verdict is Verdict.FAILED
    assert record.opens_gate


def labelled(label: str) -> Told:
    return ("labelled", {"scenario": 0, "label": label})


def test_a_scenario_that_rests_on_less_than_the_target_says_so() -> None:
    told = (*GOOD[:6], labelled("embedded"), labelled("emulated"), *GOOD[6:])
    assert Replay.of(events(*told)).scenario(0).label is TruthLabel.EMULATED
    assert Replay.of(events(*GOOD)).scenario(0).label is None


def test_a_scenario_never_rests_on_more_than_was_told() -> None:
    with pytest.raises(Inconsistent, match="rest on more"):
        Replay.of(events(*GOOD[:6], labelled("emulated"), labelled("embedded")))
