"""Waivers, answers and baselines as a journal tells of them: what does not hold is refused by whoever reads it."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.audit import Replay, RunRecord
from seatrial.audit.replay import Inconsistent
from seatrial.verdict import Verdict
from suites.unit.audit.test_replay import GOOD, LISTED, SCENARIO, START, Told, events, phase

WAIVER = {"scenario": 0, "reason": "r", "owner": "o", "expiry": "2031-06-01"}
MANUAL: Told = ("scenario listed", {**SCENARIO, "tags": ["manual"]})
KEPT: Told = ("kept", {"scenario": 0, "path": "photo.png", "sha256": "ab", "size": 3, "title": "t"})
ANSWER = {
    "scenario": 0,
    "verdict": "passed",
    "person": "owner",
    "date": "2031-05-04",
    "version": "v1",
    "expiry": "2031-06-01",
    "evidence": "photo.png",
}
BASELINE: Told = ("kept", {"scenario": None, "path": "b.json", "sha256": "cd", "size": 3, "title": "t"})
COMPARED = {"baseline": "cd", "run": "r0", "worse": [], "better": [], "otherwise": []}


def record(*told: Told) -> RunRecord:
    return Replay.of(events(*told)).record


def answered(**changed: object) -> tuple[Told, ...]:
    return (START, MANUAL, KEPT, ("answered", {**ANSWER, **changed}))


def over(verdict: str) -> Told:
    return ("run ended", {"verdict": verdict})


def test_a_waiver_for_what_passed_keeps_the_gate_shut() -> None:
    told = record(*GOOD[:2], ("waived", WAIVER), *GOOD[2:])
    assert told.verdict is Verdict.PASSED
    assert told.scenarios[0].waiver_unused
    assert not told.opens_gate
    assert not told.ends_well


def test_a_waiver_does_not_end_a_run() -> None:
    failed = phase("teardown", "failed")
    told = record(
        *GOOD[:2], ("waived", WAIVER), *GOOD[2:8], failed, ("scenario ended", {"scenario": 0, "verdict": "failed"})
    )
    assert not told.opens_gate


@pytest.mark.parametrize(
    ("listed", "changed"),
    [
        (LISTED, {"expiry": "2031-05-03"}),
        (LISTED, {"expiry": "2031-11-01"}),
        (LISTED, {"scenario": 1}),
        (LISTED, {"owner": None, "expiry": None}),
        (("scenario listed", {**SCENARIO, "selected": False}), {}),
    ],
)
def test_a_waiver_that_does_not_hold_is_refused(listed: Told, changed: dict[str, Any]) -> None:
    record(START, LISTED, ("waived", WAIVER))
    record(START, LISTED, ("waived", {**WAIVER, "expiry": "2031-10-31"}))
    with pytest.raises(Inconsistent):
        record(START, listed, ("waived", {**WAIVER, **changed}))


def test_a_scenario_is_waived_once() -> None:
    with pytest.raises(Inconsistent, match="once"):
        record(START, LISTED, ("waived", WAIVER), ("waived", WAIVER))


@pytest.mark.parametrize("verdict", ["passed", "failed", "inconclusive"])
def test_a_persons_verdict_is_the_scenarios(verdict: str) -> None:
    told = record(*answered(verdict=verdict), over(verdict))
    assert str(told.verdict) == str(told.scenarios[0].verdict) == verdict
    assert told.opens_gate is (verdict == "passed")
    assert (told.scenarios[0].reason is None) is (verdict == "passed")


def test_an_answer_that_has_expired_is_none() -> None:
    told = record(*answered(date="2031-05-01", expiry="2031-05-03"), over("not run"))
    assert told.verdict is Verdict.NOT_RUN
    assert told.scenarios[0].reason == "the answer of owner, of 2031-05-01, expired after 2031-05-03"
    assert not told.opens_gate
    assert record(*answered(expiry="2031-05-04"), over("passed")).opens_gate


def test_without_an_answer_nobody_has_looked() -> None:
    told = record(START, MANUAL, over("not run"))
    assert told.scenarios[0].reason == "nobody has answered it"


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "not run"},
        {"verdict": "error"},
        {"verdict": "splendid"},
        {"date": "2031-05-05"},
        {"evidence": "other.png"},
        {"scenario": 1},
        {"expiry": "never"},
    ],
)
def test_an_answer_that_does_not_hold_is_refused(changed: dict[str, Any]) -> None:
    record(*answered())
    with pytest.raises(Inconsistent):
        record(*answered(**changed))


@pytest.mark.parametrize("changed", [{"tags": []}, {"selected": False}])
def test_an_answer_is_for_what_is_asked_of_a_person(changed: dict[str, Any]) -> None:
    with pytest.raises(Inconsistent, match="an answer is given once"):
        record(START, ("scenario listed", {**MANUAL[1], **changed}), KEPT, ("answered", ANSWER))


def test_a_scenario_is_answered_once() -> None:
    with pytest.raises(Inconsistent, match="once"):
        record(*answered(), ("answered", ANSWER))


def test_what_is_asked_of_a_person_is_not_run() -> None:
    with pytest.raises(Inconsistent, match="was not to be started"):
        record(START, MANUAL, ("scenario started", {"scenario": 0}))


def compared(**changed: object) -> tuple[Told, ...]:
    return (*GOOD[:-1], BASELINE, ("compared", {**COMPARED, **changed}))


def test_a_comparison_decides_how_a_run_ends_and_changes_no_verdict() -> None:
    good = record(*compared(better=["b"], otherwise=["o"]), over("passed"))
    assert good.opens_gate
    assert good.ends_well
    worse = record(*compared(worse=["w"]), over("passed"))
    assert worse.opens_gate
    assert not worse.ends_well
    failed = (*GOOD[:8], phase("teardown", "failed"), ("scenario ended", {"scenario": 0, "verdict": "failed"}))
    as_before = record(*failed, BASELINE, ("compared", COMPARED), over("failed"))
    assert as_before.verdict is Verdict.FAILED
    assert not as_before.opens_gate
    assert as_before.ends_well
    assert not record(*failed, BASELINE, ("compared", COMPARED)).ends_well


@pytest.mark.parametrize("changed", [{"baseline": "ef"}, {"worse": "w"}, {"better": None}])
def test_a_comparison_that_cannot_be_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Inconsistent):
        record(*compared(**changed))


def test_a_run_is_compared_once() -> None:
    with pytest.raises(Inconsistent, match="one baseline"):
        record(*compared(), ("compared", COMPARED))
