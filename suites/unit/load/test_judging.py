from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.load.judging import LoadJudgement, LoadRecord, Window, judge
from seatrial.load.profile import Limits, Profile
from seatrial.load.record import Record, Request
from seatrial.load.schedule import Stage, arrivals
from seatrial.verdict import Inconclusive, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.witness import Judged

BEGAN = 1000.0
LIMITS = Limits(success=0.99, share=0.9, latency=timedelta(seconds=1))
PROFILE = Profile(
    name="test",
    about="",
    stages=tuple(Stage(f"{rate}/s", timedelta(seconds=10), rate) for rate in (10, 20, 40)),
    limits=LIMITS,
    mix={"browse": 1},
    stage_limits={},
    at_random=False,
    seed=1,
    knee_at_least=None,
    in_flight=50,
    patience=timedelta(seconds=5),
)
STRESS = replace(PROFILE, knee_at_least=20.0)


def seen(
    file: Path,
    change: Callable[[Request], Request] = lambda one: one,
    *,
    stages: int = 3,
    processor: float = 0.1,
    stalled: float = 0.0,
    sent: float = 1,
) -> LoadRecord:
    """A record of the first *stages* of the profile in which all goes well, apart from a *change*."""
    due = [BEGAN + after for after in arrivals(PROFILE.stages[:stages], at_random=False, seed=1)]
    good = [Request(when, when + 0.001, when + 0.1, 200, None, held=False, act="browse") for when in due]
    requests = tuple(change(one) for one in good[: int(len(good) * sent)])
    windows = tuple(Window(BEGAN + second, processor, stalled, 3) for second in range(1, 10 * stages + 1))
    return LoadRecord(Record(requests, len(due), 40, file), BEGAN, windows, 50)


def from_second(second: float, **changed: object) -> Callable[[Request], Request]:
    """Changes requests that were due from *second* on."""
    return lambda one: replace(one, **changed) if one.intended >= BEGAN + second else one  # type: ignore[arg-type]


def slow(second: float, by: float) -> Callable[[Request], Request]:
    return lambda one: replace(one, ended=one.ended + by) if one.intended >= BEGAN + second else one


def late(second: float, by: float, *, held: bool = False) -> Callable[[Request], Request]:
    return lambda one: (
        replace(one, started=one.started + by, ended=one.ended + by, held=held)
        if one.intended >= BEGAN + second
        else one
    )


def test_what_keeps_its_limits_passes(tmp_path: Path) -> None:
    judgement = judge(PROFILE, seen(tmp_path))
    assert judgement.verdict is Verdict.PASSED
    assert [(one.planned, one.sent, one.achieved) for one in judgement.results] == [
        (100, 100, 1),
        (200, 200, 1),
        (400, 400, 1),
    ]
    assert judgement.require() is judgement


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(from_second(29, status=500), "99.00% succeed: missed", id="errors"),
        pytest.param(slow(20, 2), "90.00% within 1 s: missed", id="slow"),
    ],
)
def test_what_breaks_its_limits_fails(change: Callable[[Request], Request], reason: str, tmp_path: Path) -> None:
    judgement = judge(PROFILE, seen(tmp_path, change))
    assert judgement.verdict is Verdict.FAILED
    assert reason in judgement.reason
    with pytest.raises(AssertionError, match="missed"):
        judgement.require()


def test_what_was_judged_is_told_where_it_is_required_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Judged] = []
    monkeypatch.setattr("seatrial.load.record.tell_judged", told.append)
    judgement = judge(PROFILE, seen(tmp_path, from_second(29, status=500)))
    assert told == []
    with pytest.raises(AssertionError):
        judgement.require()
    assert [(one.objective, one.met) for one in told] == [("success", False), ("latency", True)]


def test_a_stage_has_limits_of_its_own(tmp_path: Path) -> None:
    strict = replace(PROFILE, stage_limits={"10/s": replace(LIMITS, latency=timedelta(seconds=0.05))})
    judgement = judge(strict, seen(tmp_path))
    assert judgement.verdict is Verdict.FAILED
    assert judgement.reason.startswith("10/s: 90.00% within 0.05 s: missed")
    elsewhere = replace(PROFILE, stage_limits={"10/s": LIMITS})
    assert judge(elsewhere, seen(tmp_path, slow(29, 0.95))).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param({"sent": 0.9}, "it sent 330 of 400 requests", id="fewer sent"),
        pytest.param({"change": late(25, 0.15)}, "200 of 400 requests more than 0.1 s late", id="late"),
        pytest.param({"processor": 0.95}, "it used 95% of a processor", id="busy"),
        pytest.param({"stalled": 0.05}, "it stood still for 0.5", id="stalled"),
        pytest.param({"stages": 2}, "it ended after 2 of 3 stages", id="ended early"),
    ],
)
def test_a_generator_that_did_not_keep_up_makes_it_inconclusive(
    record: dict[str, object], reason: str, tmp_path: Path
) -> None:
    judgement = judge(PROFILE, seen(tmp_path, **record))  # type: ignore[arg-type]
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert reason in judgement.reason
    with pytest.raises(Inconclusive):
        judgement.require()


def test_not_even_a_failure_is_believed_of_a_generator_that_did_not_keep_up(tmp_path: Path) -> None:
    judgement = judge(PROFILE, seen(tmp_path, from_second(0, status=500), processor=0.95))
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_shop_that_was_spared_requests_cannot_pass_but_can_fail(tmp_path: Path) -> None:
    spared = judge(PROFILE, seen(tmp_path, late(28, 0.5, held=True)))
    assert spared.verdict is Verdict.INCONCLUSIVE
    assert "80 were held back" in spared.reason
    assert judge(PROFILE, seen(tmp_path, late(20, 2, held=True))).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("change", "knee", "verdict"),
    [
        pytest.param(lambda one: one, 40, Verdict.PASSED, id="carries all"),
        pytest.param(slow(20, 2), 20, Verdict.PASSED, id="breaks at the last step"),
        pytest.param(slow(10, 2), 10, Verdict.FAILED, id="breaks before what is asked for"),
        pytest.param(from_second(0, status=503), 0, Verdict.FAILED, id="carries nothing"),
        pytest.param(late(20, 0.5, held=True), 20, Verdict.PASSED, id="achieves less than intended"),
        pytest.param(late(10, 0.5), 10, Verdict.INCONCLUSIVE, id="the generator gives out"),
    ],
)
def test_the_knee_is_before_the_first_step_that_is_not_carried(
    change: Callable[[Request], Request], knee: float, verdict: Verdict, tmp_path: Path
) -> None:
    judgement = judge(STRESS, seen(tmp_path, change))
    assert (judgement.knee, judgement.verdict) == (knee, verdict)


def test_a_knee_counts_though_the_generator_gave_out_above_it(tmp_path: Path) -> None:
    judgement = judge(STRESS, seen(tmp_path, late(20, 0.5)))
    assert (judgement.knee, judgement.verdict) == (20, Verdict.PASSED)
    assert "the generator gave out at 40/s, before the shop did" in judgement.reason


def test_a_search_that_ended_before_the_rate_asked_for_is_inconclusive(tmp_path: Path) -> None:
    judgement = judge(STRESS, seen(tmp_path, stages=1))
    assert (judgement.knee, judgement.verdict) == (10, Verdict.INCONCLUSIVE)


def test_nothing_judged_is_no_pass() -> None:
    assert LoadJudgement("test", ()).verdict is Verdict.INCONCLUSIVE


def test_a_record_says_of_its_generator_what_that_wrote(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    request = {
        "intended": 1.0,
        "started": 1.1,
        "ended": 1.2,
        "status": 200,
        "error": None,
        "held": False,
        "act": "poll",
    }
    closing = {"planned": 1, "rate": 5, "began": 1.0, "in_flight": 9, "windows": [[2.0, 0.5, 0.1, 3]]}
    file.write_text(f"{json.dumps(request)}\n{json.dumps(closing)}\n")
    record = LoadRecord.read(file)
    assert (record.began, record.in_flight, record.windows) == (1.0, 9, (Window(2.0, 0.5, 0.1, 3),))
    assert record.record.requests[0].act == "poll"
