"""The ratchet: as bad as before is let through, worse is not, and each difference is said."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from seatrial.audit import JudgementRecord, RunRecord, ScenarioRecord, StepRecord, Waiver
from seatrial.errors import UsageError
from seatrial.evidence import load_run
from seatrial.evidence.baseline import (
    BaselineFile,
    baseline_of,
    check_label,
    compare_with,
    read_baseline,
    write_baseline,
)
from seatrial.evidence.commands import baseline as baseline_command
from seatrial.evidence.commands import report
from seatrial.requirements import Register, Requirement
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

    from seatrial.audit import BaselineComparison
    from suites.yard import Ended, Yard

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
REGISTER = Register((Requirement("1.1", "It holds.", "here"), Requirement("1.2", "It stays.", "here")))
WAIVER = Waiver("r", "o", "2031-06-01")


def judged(
    observed: float, *, objective: str = "latency", required: float = 0.3, share: float | None = 0.99
) -> JudgementRecord:
    met = observed >= required if objective == "success" else observed <= required
    return JudgementRecord(objective, share, required, observed, 1000, met, "record")


def success(observed: float, *, required: float = 0.99) -> JudgementRecord:
    return judged(observed, objective="success", required=required, share=None)


def scenario(
    verdict: Verdict,
    *requirements: str,
    name: str = "One",
    judgements: Sequence[JudgementRecord] = (),
    selected: bool = True,
    waiver: Waiver | None = None,
) -> ScenarioRecord:
    step = StepRecord("Then", "it is quick", 4, verdict, timedelta(seconds=1), NOW, tuple(judgements))
    return ScenarioRecord(
        feature="Ships",
        file="features/ships.feature",
        rule=None,
        name=name,
        line=3,
        test=name,
        tags=(),
        requirements=requirements,
        selected=selected,
        verdict=verdict,
        reason=None,
        started=NOW,
        duration=timedelta(seconds=1),
        steps=(step,),
        artefacts=(),
        waiver=waiver,
    )


def run(*scenarios: ScenarioRecord, ended: bool = True, register: Register = REGISTER) -> RunRecord:
    end = NOW + timedelta(seconds=9) if ended else None
    return RunRecord("r1", "local", TruthLabel.EMBEDDED, NOW, end, scenarios, register)


def held(
    before: RunRecord, now: RunRecord, folder: Path, existing: Container[str] = ("features/ships.feature::One",)
) -> BaselineComparison:
    write_baseline(before, folder / "baseline.json")
    return compare_with(read_baseline(folder / "baseline.json"), now, existing)


def test_the_same_is_no_difference(tmp_path: Path) -> None:
    same = run(
        scenario(Verdict.FAILED, "1.1", judgements=[judged(0.4)]),
        scenario(Verdict.PASSED, "1.2", name="Two", judgements=[success(0.995), judged(0.2)]),
    )
    found = held(same, same, tmp_path)
    assert (found.worse, found.better, found.otherwise) == ((), (), ())
    assert found.run == "r1"
    assert found.baseline == hashlib.sha256((tmp_path / "baseline.json").read_bytes()).hexdigest()


P, F, U, N, E = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.ERROR


@pytest.mark.parametrize("was", list(Verdict))
@pytest.mark.parametrize("now", list(Verdict))
def test_each_change_of_a_verdict_is_worse_better_or_neither(tmp_path: Path, was: Verdict, now: Verdict) -> None:
    found = held(run(scenario(was)), run(scenario(now)), tmp_path)
    sentence = (f"features/ships.feature::One was {was} and is now {now}",)
    if was is now:
        expected: tuple[tuple[str, ...], ...] = ((), (), ())
    elif now is P:
        expected = ((), sentence, ())
    elif (was, now) in ((F, U), (F, E), (E, U)):
        expected = ((), (), sentence)
    else:
        expected = (sentence, (), ())
    assert (found.worse, found.better, found.otherwise) == expected


@pytest.mark.parametrize("verdict", [F, U, N, E])
def test_a_new_scenario_that_does_not_pass_is_worse(tmp_path: Path, verdict: Verdict) -> None:
    found = held(run(scenario(P)), run(scenario(P), scenario(verdict, name="Two")), tmp_path)
    assert found.worse == (f"features/ships.feature::Two is new and {verdict}",)


def test_a_new_scenario_that_passes_is_better(tmp_path: Path) -> None:
    found = held(run(scenario(P)), run(scenario(P), scenario(P, name="Two")), tmp_path)
    assert found.better == ("features/ships.feature::Two is new and passed",)
    assert found.worse == ()


@pytest.mark.parametrize("verdict", [P, F])
def test_a_scenario_that_is_gone_is_worse(tmp_path: Path, verdict: Verdict) -> None:
    found = held(run(scenario(P), scenario(verdict, name="Two")), run(scenario(P)), tmp_path)
    assert found.worse == (f"features/ships.feature::Two was {verdict} and is gone",)


def test_a_scenario_that_was_not_selected_or_not_even_collected_is_not_compared(tmp_path: Path) -> None:
    before = run(scenario(P, "1.1"), scenario(P, "1.1", name="Two", judgements=[judged(0.1)]))
    deselected = run(scenario(P, "1.1"), scenario(N, "1.1", name="Two", selected=False))
    uncollected = run(scenario(P, "1.1"))
    for now in (deselected, uncollected):
        found = held(before, now, tmp_path, ("features/ships.feature::One", "features/ships.feature::Two"))
        assert (found.worse, found.better, found.otherwise) == ((), (), ())


def test_a_requirement_that_nothing_covers_any_more_is_worse(tmp_path: Path) -> None:
    found = held(run(scenario(P, "1.1")), run(scenario(P)), tmp_path)
    assert found.worse == ("requirement 1.1 was proven and is now not covered",)


def test_a_requirement_that_left_the_register_is_worse(tmp_path: Path) -> None:
    shorter = Register(REGISTER.requirements[1:])
    found = held(run(scenario(P, "1.1")), run(scenario(P, "1.1"), register=shorter), tmp_path)
    assert found.worse == ("requirement 1.1 was proven and is now not covered",)


def test_a_requirement_of_which_parts_are_open_now_is_worse(tmp_path: Path) -> None:
    opened = Register((replace(REGISTER.requirements[0], open="the other half"), REGISTER.requirements[1]))
    before, now = run(scenario(P, "1.1")), run(scenario(P, "1.1"), register=opened)
    assert held(before, now, tmp_path).worse == ("requirement 1.1 was proven and is now proven in part",)
    assert held(now, before, tmp_path).better == ("requirement 1.1 was proven in part and is now proven",)


def test_a_requirement_changes_with_its_scenarios(tmp_path: Path) -> None:
    before, now = run(scenario(P, "1.1")), run(scenario(F, "1.1"))
    assert held(before, now, tmp_path).worse[1:] == ("requirement 1.1 was proven and is now failed",)
    assert held(now, before, tmp_path).better[1:] == ("requirement 1.1 was failed and is now proven",)


def test_a_newly_covered_requirement_is_better_once_it_is_proven(tmp_path: Path) -> None:
    before = run(scenario(P))
    assert "requirement 1.2 was not covered and is now proven" in held(before, run(scenario(P, "1.2")), tmp_path).better


def test_what_is_waived_makes_nothing_worse(tmp_path: Path) -> None:
    now = run(scenario(F, "1.1", waiver=WAIVER, judgements=[judged(0.4)]))
    found = held(run(scenario(P, "1.1", judgements=[judged(0.1)])), now, tmp_path)
    assert found.worse == ()
    assert len(found.otherwise) == 3
    # One that is waived does not excuse another of the same requirement.
    beside = scenario(F, "1.1", name="Two")
    found = held(run(scenario(P, "1.1"), beside), replace(now, scenarios=(*now.scenarios, beside)), tmp_path)
    assert found.worse == ()  # it failed before as well
    passed = scenario(P, "1.1", name="Two")
    found = held(run(scenario(P, "1.1"), passed), replace(now, scenarios=(*now.scenarios, beside)), tmp_path)
    assert "requirement 1.1 was proven and is now failed" in found.worse


NAME = "features/ships.feature::One: the objective for latency at 99.00%"
SUCCESS = "features/ships.feature::One: the objective for success"


@pytest.mark.parametrize(
    ("was", "now", "kind", "sentence"),
    [
        (judged(0.1), judged(0.119), None, ""),
        (
            judged(0.1),
            judged(0.121),
            "otherwise",
            f"{NAME} is still met, less well: 100 ms was observed and now 121 ms",
        ),
        (judged(0.1), judged(0.31), "worse", f"{NAME} was met and is now missed: 100 ms was observed and now 310 ms"),
        (judged(0.31), judged(0.29), "better", f"{NAME} was missed and is now met: 310 ms was observed and now 290 ms"),
        (judged(0.4), judged(0.47), None, ""),
        (judged(0.4), judged(0.49), "worse", f"{NAME} is missed by more: 400 ms was observed and now 490 ms"),
        (judged(0.49), judged(0.38), "better", f"{NAME} is missed by less: 490 ms was observed and now 380 ms"),
        (judged(0.1), judged(0.07), "better", f"{NAME} is met better: 100 ms was observed and now 70 ms"),
        (judged(0.1), judged(0.1, required=0.4), "worse", f"{NAME} is easier: 300 ms was required and now only 400 ms"),
        (judged(0.1), judged(0.1, required=0.2), None, ""),
        (success(0.999), success(0.9985), None, ""),
        (
            success(0.999),
            success(0.997),
            "otherwise",
            f"{SUCCESS} is still met, less well: 99.900% was observed and now",
        ),
        (success(0.995), success(0.98), "worse", f"{SUCCESS} was met and is now missed"),
        (
            success(0.999),
            success(0.999, required=0.98),
            "worse",
            f"{SUCCESS} is easier: 99.000% was required and now on",
        ),
        (success(0.991), success(0.999), "better", f"{SUCCESS} is met better"),
    ],
)
def test_each_change_of_an_objective(
    tmp_path: Path, was: JudgementRecord, now: JudgementRecord, kind: str | None, sentence: str
) -> None:
    # The verdicts are the same, so that only the objective differs.
    found = held(run(scenario(F, judgements=[was])), run(scenario(F, judgements=[now])), tmp_path)
    said = {name: getattr(found, name) for name in ("worse", "better", "otherwise")}
    for name, sentences in said.items():
        assert len(sentences) == (name == kind), said
    if kind is not None:
        assert said[kind][0].startswith(sentence)


def test_an_objective_that_is_not_judged_any_more_is_worse(tmp_path: Path) -> None:
    before = run(scenario(P, judgements=[judged(0.1), success(0.999)]))
    assert held(before, run(scenario(P, judgements=[judged(0.1)])), tmp_path).worse == (
        f"{SUCCESS} is not judged any more",
    )
    # Where the scenario broke off before it, that it failed is said, and enough.
    assert held(before, run(scenario(F, judgements=[judged(0.1)])), tmp_path).worse == (
        "features/ships.feature::One was passed and is now failed",
    )


def test_objectives_of_one_kind_are_told_apart_by_their_order(tmp_path: Path) -> None:
    before = run(scenario(F, judgements=[judged(0.1), judged(0.2)]))
    found = held(before, run(scenario(F, judgements=[judged(0.1), judged(0.31)])), tmp_path)
    assert found.worse == (f"{NAME} (2) was met and is now missed: 200 ms was observed and now 310 ms",)


def test_rows_that_read_alike_are_as_good_as_the_worst(tmp_path: Path) -> None:
    both, first = run(scenario(P), scenario(P)), run(scenario(P), scenario(F))
    assert held(both, first, tmp_path).worse == ("features/ships.feature::One was passed and is now failed",)


def test_a_run_that_did_not_end_or_judged_nothing_sets_no_baseline() -> None:
    for record in (run(scenario(P), ended=False), run(scenario(P, selected=False)), run()):
        with pytest.raises(UsageError, match="did not come to its end, so it sets no baseline"):
            baseline_of(record)


SOUND = json.loads(baseline_of(run(scenario(P, "1.1", judgements=[judged(0.1)]))).model_dump_json())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "\udcff",
        json.dumps({key: value for key, value in SOUND.items() if key != "objectives"}),
        json.dumps({**SOUND, "format": "seatrial-baseline/0"}),
        json.dumps({**SOUND, "scenarios": {"a": {"verdict": "splendid", "requirements": []}}}),
        json.dumps({**SOUND, "label": "moon"}),
        json.dumps({**SOUND, "surprise": 1}),
        json.dumps({**SOUND, "objectives": [{**SOUND["objectives"][0], "observed": "fast"}]}),
        json.dumps({**SOUND, "objectives": [{**SOUND["objectives"][0], "observed": float("nan")}]}),
        json.dumps({**SOUND, "requirements": {"1.1": "splendid"}}),
    ],
)
def test_a_malformed_file_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(json.dumps(SOUND))
    assert read_baseline(file).baseline.run == "r1"
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as refused:
        read_baseline(file)
    assert str(refused.value).startswith(f"{file} is no baseline (")
    assert len(str(refused.value).splitlines()) == 1


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent cannot be read \(No such file or directory\): write one with"):
        read_baseline(tmp_path / "absent")


@pytest.mark.parametrize("label", list(TruthLabel))
def test_a_baseline_of_another_kind_of_target_is_refused(tmp_path: Path, label: TruthLabel) -> None:
    known = BaselineFile(tmp_path / "b.json", b"", baseline_of(run(scenario(P))))
    if label is TruthLabel.EMBEDDED:
        check_label(known, label)
    else:
        with pytest.raises(UsageError, match=f"was set on embedded and this run is on {label}"):
            check_label(known, label)


# As part of a run.


def write(yard: Yard, **knots: int) -> None:
    yard.write(
        "Feature: Ships\n"
        + "".join(
            f"  @req-5.1\n  Scenario: {name}\n    When it sails\n    Then it makes {speed} knots\n"
            for name, speed in knots.items()
        )
    )


def go(yard: Yard, *more: str) -> Ended:
    return yard.run("--features", "features", *more)


def set_baseline(yard: Yard) -> None:
    app = typer.Typer()
    app.command()(baseline_command)
    done = CliRunner().invoke(app, ["--runs", str(yard.path / "reports"), "--output", "base.json"])
    assert done.exit_code == 0, done.output
    assert "The baseline set by run " in done.output


def held_to(yard: Yard, *more: str) -> Ended:
    return go(yard, "--baseline", "base.json", *more)


def test_as_bad_as_before_is_let_through_and_not_called_passed(yard: Yard) -> None:
    write(yard, One=12, Two=20)
    assert go(yard).returncode == 1
    set_baseline(yard)
    done = held_to(yard)
    assert done.returncode == 0, done.stdout
    record = load_run(yard.latest)
    assert record.verdict is Verdict.FAILED
    assert not record.opens_gate
    assert record.ends_well
    end = done.stdout[done.stdout.index("requirements:") :]
    assert "✗ failed in" in end
    assert "No worse than the baseline." in end
    assert "✓" not in end
    assert record.comparison is not None
    assert (record.comparison.worse, record.comparison.better) == ((), ())
    # The baseline is part of the evidence, and a report of the run says the same.
    [kept] = record.artefacts
    assert kept.sha256 == record.comparison.baseline
    assert (yard.latest / kept.path).read_bytes() == (yard.path / "base.json").read_bytes()
    app = typer.Typer()
    app.command()(report)
    again = CliRunner().invoke(app, ["--runs", str(yard.path / "reports")])
    assert again.exit_code == 0
    assert "No worse than the baseline." in again.output


@pytest.mark.parametrize(
    ("knots", "worse"),
    [
        ({"One": 20, "Two": 20}, "features/sample.feature::One was passed and is now failed"),
        ({"One": 12, "Two": 20, "Three": 20}, "features/sample.feature::Three is new and failed"),
        ({"Two": 20}, "features/sample.feature::One was passed and is gone"),
    ],
)
def test_what_is_worse_ends_with_1_and_is_said(yard: Yard, knots: dict[str, int], worse: str) -> None:
    write(yard, One=12, Two=20)
    go(yard)
    set_baseline(yard)
    write(yard, **knots)
    done = held_to(yard)
    assert done.returncode == 1
    assert f"  worse: {worse}" in done.stdout
    assert "Worse than the baseline in" in done.stdout
    assert "No worse" not in done.stdout


def test_all_passing_is_not_enough_if_something_is_gone(yard: Yard) -> None:
    write(yard, One=12, Two=12)
    go(yard)
    set_baseline(yard)
    write(yard, One=12)
    assert go(yard).returncode == 0
    assert held_to(yard).returncode == 1


def test_what_is_better_is_said_with_a_hint(yard: Yard) -> None:
    write(yard, One=12, Two=20)
    go(yard)
    set_baseline(yard)
    write(yard, One=12, Two=12)
    done = held_to(yard)
    assert done.returncode == 0
    assert "  better: features/sample.feature::Two was failed and is now passed" in done.stdout
    assert "seatrial baseline --output FILE" in done.stdout


@pytest.mark.parametrize("part", [("-k", "one"), ("features/inner",)])
def test_a_part_is_compared_with_its_part(yard: Yard, part: tuple[str, ...]) -> None:
    write(yard, One=12, Two=20)
    (yard.path / "features" / "inner").mkdir()
    (yard.path / "features" / "inner" / "deep.feature").write_text("Feature: D\n  Scenario: S\n    When it sails\n")
    go(yard)
    set_baseline(yard)
    write(yard, One=12, Two=30)
    done = held_to(yard, *part) if part[0] == "-k" else yard.run("--features", *part, "--baseline", "base.json")
    assert done.returncode == 0, done.stdout
    comparison = load_run(yard.latest).comparison
    assert comparison is not None
    assert (comparison.worse, comparison.better, comparison.otherwise) == ((), (), ())


def test_a_run_that_is_broken_off_is_not_let_through(yard: Yard) -> None:
    write(yard, One=20, Two=20)
    go(yard)
    set_baseline(yard)
    assert held_to(yard).returncode == 0
    assert held_to(yard, "-x").returncode == 1


def test_a_run_that_is_interrupted_is_not_held_against_it(yard: Yard) -> None:
    yard.scenario("When it sails", "Then it makes 20 knots")
    go(yard)
    set_baseline(yard)
    yard.scenario("When it waits")
    started = yard.start("--features", "features", "--baseline", "base.json")
    eventually(lambda: yard.log, until=lambda log: "waiting" in log, within=timedelta(minutes=2), what="it waits")
    started.terminate()
    output, _ = started.communicate(timeout=120)
    assert started.returncode == 130
    assert "No worse" not in output
    assert not load_run(yard.latest).ends_well


def test_a_waiver_that_nothing_needs_stops_it_all_the_same(yard: Yard) -> None:
    write(yard, One=12, Two=20)
    go(yard)
    set_baseline(yard)
    expiry = datetime.now(UTC).date() + timedelta(days=3)
    (yard.path / "waivers.toml").write_text(
        f'[[waiver]]\nid = "features/sample.feature::One"\nreason = "r"\nowner = "o"\nexpiry = {expiry}\n'
    )
    assert held_to(yard).returncode == 1
    assert not load_run(yard.latest).ends_well


def test_a_test_beside_the_scenarios_that_fails_is_not_let_through(yard: Yard) -> None:
    write(yard, One=20)
    go(yard)
    set_baseline(yard)
    (yard.path / "features" / "test_beside.py").write_text("def test_beside():\n    assert False\n")
    assert held_to(yard).returncode == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label": "eks"}, "was set on eks and this run is on embedded"),
        ({"format": "x"}, "is no baseline (format"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_bad_input(yard: Yard, change: dict[str, str], sentence: str) -> None:
    write(yard, One=12)
    (yard.path / "base.json").write_text(json.dumps({**SOUND, **change}))
    done = held_to(yard)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert yard.log == []


def test_a_baseline_of_another_name_and_the_same_kind_is_used(yard: Yard) -> None:
    write(yard, One=20)
    go(yard)
    set_baseline(yard)
    known = json.loads((yard.path / "base.json").read_text())
    (yard.path / "base.json").write_text(json.dumps({**known, "target": "another"}))
    assert held_to(yard).returncode == 0


def test_no_baseline_is_made_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        baseline_command(tmp_path, tmp_path, tmp_path / "b.json")
    with pytest.raises(UsageError, match="cannot be written"):
        write_baseline(run(scenario(P)), tmp_path / "absent" / "b.json")
