"""What counts as caught, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.audit import ScenarioRecord, StepRecord
from seatrial.verdict import Verdict
from suites.sabotage.declaration import Sabotage, Sight
from suites.sabotage.judging import Finding, Outcome, ends_well, judged, rate, seen, together, twin

SIGHT = Sight("sea.feature", "It sails", "it makes 12 knots")
SABOTAGE = Sabotage("no-sail", "It has no sail.", (SIGHT,))
MOMENT = timedelta(seconds=1)
CAUGHT, MISSED, UNJUDGED = (Finding(outcome) for outcome in Outcome)
BLIND = Finding(Outcome.MISSED, inconclusive=True)


def step(text: str, verdict: Verdict) -> StepRecord:
    return StepRecord("Then", text, 3, verdict, MOMENT)


def record(verdict: Verdict, *steps: StepRecord, reason: str | None = None) -> ScenarioRecord:
    return ScenarioRecord(
        feature="Sea",
        file="features/sea.feature",
        rule=None,
        name="It sails",
        line=2,
        test="test_it_sails",
        tags=(),
        requirements=("5.1",),
        selected=True,
        verdict=verdict,
        reason=reason,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        duration=MOMENT,
        steps=steps,
        artefacts=(),
    )


RED = record(
    Verdict.FAILED, step("it sails", Verdict.PASSED), step("it makes 12 knots", Verdict.FAILED), reason="0 knots"
)
GREEN = record(Verdict.PASSED, step("it makes 12 knots", Verdict.PASSED))


def test_red_at_the_sentence_that_was_named_is_caught() -> None:
    assert seen(SIGHT, RED) == CAUGHT


def test_red_at_another_sentence_could_not_be_judged() -> None:
    found = seen(replace(SIGHT, step="it sails"), RED)
    assert found.outcome is Outcome.UNJUDGED
    assert found.reasons == ("'It sails': failed at 'it makes 12 knots', and not at 'it sails' (0 knots)",)


def test_the_first_sentence_that_failed_counts() -> None:
    both = record(Verdict.FAILED, step("it sails", Verdict.FAILED), step("it makes 12 knots", Verdict.FAILED))
    assert seen(SIGHT, both).outcome is Outcome.UNJUDGED


def test_red_beside_its_steps_could_not_be_judged() -> None:
    beside = record(Verdict.FAILED, step("it makes 12 knots", Verdict.PASSED), reason="clean-up: leak")
    assert seen(SIGHT, beside).outcome is Outcome.UNJUDGED


def test_green_is_missed() -> None:
    assert seen(SIGHT, GREEN) == Finding(Outcome.MISSED, ("'It sails': passed",))


def test_inconclusive_is_missed_for_want_of_evidence() -> None:
    found = seen(SIGHT, record(Verdict.INCONCLUSIVE, reason="no log line was read"))
    assert found == Finding(Outcome.MISSED, ("'It sails': inconclusive (no log line was read)",), inconclusive=True)


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.NOT_RUN], ids=str)
def test_a_check_that_broke_or_was_not_run_could_not_be_judged(verdict: Verdict) -> None:
    assert seen(SIGHT, record(verdict)).outcome is Outcome.UNJUDGED


def test_what_left_no_record_could_not_be_judged() -> None:
    assert seen(SIGHT, None).outcome is Outcome.UNJUDGED
    assert twin(SIGHT, None).outcome is Outcome.UNJUDGED


def test_red_means_nothing_where_the_sound_twin_is_red_too() -> None:
    assert judged((SABOTAGE,), {"no-sail": {SIGHT.id: RED}}, {SIGHT.id: GREEN}) == {"no-sail": CAUGHT}
    found = judged((SABOTAGE,), {"no-sail": {SIGHT.id: RED}}, {SIGHT.id: RED})["no-sail"]
    assert found.outcome is Outcome.UNJUDGED
    assert found.reasons == ("'It sails' without the sabotage: failed (0 knots)",)


def test_each_scenario_has_to_see_it() -> None:
    other = replace(SIGHT, scenario="It steers")
    two = replace(SABOTAGE, sights=(SIGHT, other))
    broken = {"no-sail": {SIGHT.id: RED, other.id: GREEN}}
    assert judged((two,), broken, {SIGHT.id: GREEN, other.id: GREEN})["no-sail"].outcome is Outcome.MISSED


def test_of_several_findings_the_worst_counts() -> None:
    assert together([CAUGHT, UNJUDGED]).outcome is Outcome.UNJUDGED
    assert together([UNJUDGED, MISSED, CAUGHT]).outcome is Outcome.MISSED
    assert together([CAUGHT, BLIND]).inconclusive
    assert together([]).outcome is Outcome.UNJUDGED


@pytest.mark.parametrize(
    ("findings", "share", "well"),
    [
        ([CAUGHT] * 20, 1.0, True),
        ([CAUGHT] * 19 + [MISSED], 0.95, True),
        ([CAUGHT] * 19 + [UNJUDGED], 0.95, True),
        ([CAUGHT] * 18 + [MISSED], 18 / 19, False),
        ([CAUGHT] * 19 + [BLIND], 0.95, False),
        ([MISSED], 0.0, False),
        ([], 0.0, False),
    ],
    ids=["all", "one-missed", "one-unjudged", "too-many", "one-blind", "none-caught", "nothing"],
)
def test_the_rate_counts_what_was_caught_among_all(findings: list[Finding], share: float, *, well: bool) -> None:
    assert rate(findings) == pytest.approx(share)
    assert ends_well(findings) is well
