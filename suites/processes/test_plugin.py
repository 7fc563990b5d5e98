"""The plugin, run as a person runs it: exit codes, verdicts, sentences, clean-up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from seatrial.evidence import load_run
from seatrial.evidence.commands import report
from seatrial.verdict import Verdict
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from typer.testing import Result

    from suites.yard import Yard

GOOD = ("Given a ship", "When it sails", "Then it makes 12 knots")


def only(yard: Yard) -> tuple[Verdict, str | None]:
    [record] = load_run(yard.latest).scenarios
    return record.verdict, record.reason


def test_what_passed_ends_with_0(yard: Yard) -> None:
    yard.scenario(*GOOD, tags="@req-5.1")
    done = yard.run("--features", "features")
    assert done.returncode == 0, done.stdout + done.stderr
    assert only(yard) == (Verdict.PASSED, None)
    assert "5.1  proven (embedded)" in done.stdout
    assert "1 scenarios: 1 passed" in done.stdout
    assert yard.log == ["locked", "up", "ship is there", "ship is gone", "unlocked"]


@pytest.mark.parametrize(
    ("steps", "verdict", "reason"),
    [
        (("When it sails", "Then it makes 20 knots"), Verdict.FAILED, "it makes 12 knots, not 20"),
        (("When it sails", "Then its speed was measured"), Verdict.INCONCLUSIVE, "no log line was read"),
        (
            ("When it sails", "Then nobody minds what its log says"),
            Verdict.FAILED,
            "an objective was missed: speed was to be 20 and is 12",
        ),
        (("When the engine breaks", "Then it makes 12 knots"), Verdict.ERROR, "KeyError: 'engine'"),
        (("Given a reef", "When it sails"), Verdict.ERROR, "RuntimeError: ran on a reef"),
        (("Given a leak", "When it sails"), Verdict.ERROR, "clean-up: RuntimeError: the leak cannot be closed"),
        (("When nobody looks", "Then it makes 12 knots"), Verdict.NOT_RUN, "night"),
        (("When it flies",), Verdict.ERROR, "StepDefinitionNotFoundError"),
    ],
)
def test_what_did_not_pass_ends_with_1_and_says_why(
    yard: Yard, steps: tuple[str, ...], verdict: Verdict, reason: str
) -> None:
    yard.scenario(*steps, tags="@req-5.1")
    done = yard.run("--features", "features")
    assert done.returncode == 1, done.stdout + done.stderr
    found, why = only(yard)
    assert found is verdict
    assert why is not None
    assert reason in why
    assert reason in done.stdout
    assert f"1 scenarios: 1 {verdict}" in done.stdout
    assert f" 5.1  {verdict}" in done.stdout
    assert "proven (" not in done.stdout


def test_a_failure_beside_a_broken_clean_up_shows_both(yard: Yard) -> None:
    yard.scenario("Given a leak", "When it sails", "Then it makes 20 knots")
    assert yard.run("--features", "features").returncode == 1
    assert only(yard) == (
        Verdict.FAILED,
        "it makes 12 knots, not 20\nclean-up: RuntimeError: the leak cannot be closed",
    )


def test_an_inconclusive_test_that_is_no_scenario_is_shown_as_such(yard: Yard) -> None:
    (yard.path / "test_one.py").write_text(
        "from seatrial.verdict import Inconclusive\ndef test_one():\n    raise Inconclusive('no sample')\n"
    )
    done = yard.run()
    assert done.returncode == 1
    assert "1 inconclusive" in done.stdout


def test_steps_after_the_one_that_failed_are_not_run(yard: Yard) -> None:
    yard.scenario("Given a ship", "When it sails", "Then it makes 20 knots", "And it makes 12 knots")
    yard.run("--features", "features")
    [record] = load_run(yard.latest).scenarios
    assert [step.verdict for step in record.steps] == [
        Verdict.PASSED,
        Verdict.PASSED,
        Verdict.FAILED,
        Verdict.NOT_RUN,
    ]


def test_each_row_of_an_outline_has_a_verdict_of_its_own(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  Scenario Outline: Speed\n    When it sails\n    Then it makes <n> knots\n"
        "    Examples:\n      | n |\n      | 12 |\n      | 13 |\n"
    )
    assert yard.run("--features", "features").returncode == 1
    assert [(record.name, record.verdict) for record in load_run(yard.latest).scenarios] == [
        ("Speed (12)", Verdict.PASSED),
        ("Speed (13)", Verdict.FAILED),
    ]


def two(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n  @req-5.1\n  Scenario: One\n    When it sails\n    Then it makes 12 knots\n"
        "  @req-5.1 @req-8.3\n  Scenario: Two\n    When it sails\n    Then it makes 12 knots\n"
    )


def test_a_requirement_of_which_a_scenario_was_left_out_is_not_proven(yard: Yard) -> None:
    two(yard)
    done = yard.run("--features", "features", "--req", "8.3")
    assert done.returncode == 0
    assert "8.3  proven (embedded)                    1 of 1" in done.stdout
    assert "5.1  not run                              1 of 2" in done.stdout
    assert "1 scenarios: 1 passed; 1 more not selected" in done.stdout


def test_a_marker_expression_selects_by_requirement(yard: Yard) -> None:
    two(yard)
    assert yard.run("--features", "features", "-m", "req-8.3").returncode == 0
    assert [record.selected for record in load_run(yard.latest).scenarios] == [True, False]


def test_counts_reconcile_wherever_they_are_shown(yard: Yard) -> None:
    yard.write(
        "Feature: Ships\n"
        "  Scenario: One\n    When it sails\n    Then it makes 12 knots\n"
        "  Scenario: Two\n    When it sails\n    Then it makes 13 knots\n"
        "  Scenario: Three\n    When nobody looks\n    Then it makes 12 knots\n"
        "  Scenario: Four\n    When it sails\n    Then its speed was measured\n"
        "  Scenario: Five\n    Given a leak\n    When it sails\n    Then it makes 12 knots\n"
    )
    done = yard.run("--features", "features")
    assert "5 scenarios: 1 passed, 1 failed, 1 inconclusive, 1 not run, 1 error" in done.stdout
    record = load_run(yard.latest)
    assert sum(record.counts().values()) == len(record.selected) == 5
    junit = (yard.latest / "junit.xml").read_text()
    assert 'tests="5" failures="2" errors="1" skipped="1"' in junit
    [last] = [line for line in done.stdout.splitlines() if line.startswith("==") and " in " in line]
    for part in ("1 failed", "1 passed", "1 inconclusive", "1 not run", "1 error"):
        assert part in last


def test_the_report_is_printed_again_with_the_same_exit_code(yard: Yard) -> None:
    two(yard)
    shown = yard.run("--features", "features").stdout
    again = _report(yard)
    assert again.exit_code == 0
    assert "2 scenarios: 2 passed" in again.stdout
    assert "2 scenarios: 2 passed" in shown
    yard.scenario("When it sails", "Then it makes 20 knots")
    yard.run("--features", "features")
    assert _report(yard).exit_code == 1


def test_a_report_of_nothing_is_bad_input(yard: Yard) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seatrial.evidence"], cwd=yard.path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "There is no run in reports yet" in done.stderr


def _report(yard: Yard) -> Result:
    app = typer.Typer()
    app.command()(report)
    return CliRunner().invoke(app, ["--runs", str(yard.path / "reports")])


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: there
contexts:
- {name: there, context: {cluster: there, user: me}}
clusters:
- {name: there, cluster: {server: "https://127.0.0.1:9"}}
users:
- {name: me, user: {token: abc}}
"""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--features", "nowhere"), "does not exist: give another with --features"),
        (("--features", "empty"), "holds no file that ends in .feature"),
        (("--features", "features", "--req", "99.9"), "Unknown tag req-99.9 in --req"),
        (("--features", "features", "-m", "req-99.9"), "Unknown tag req-99.9 in -m"),
        (("--features", "features", "-m", "not (req-5.1 or req-4.3)"), "Unknown tag req-4.3 in -m"),
        (("--features", "features", "--req", "8.3"), "Nothing was selected (--req 8.3)"),
        (("--features", "features", "-k", "nothing"), "Nothing was selected (-k 'nothing')"),
        (("--features", "features", "--kubeconfig", "absent"), "is not a file: give one that exists"),
        (("--features", "features", "--kubeconfig", "broken"), "cannot be read (line 3)"),
        (("--features", "features", "--kubeconfig", "list"), "has no list of contexts"),
        (
            ("--features", "features", "--kubeconfig", "config", "--context", "x"),
            "has no context 'x': choose one of there",
        ),
        (("--features", "features", "--kubeconfig", "config"), "does not answer at https://127.0.0.1:9"),
        (
            ("--features", "features", "--kubeconfig", "config", "--registry", "a b"),
            "The registry 'a b' cannot be read",
        ),
        (
            ("--features", "features", "--kubeconfig", "config", "--edge", "a:99999"),
            "The edge 'a:99999' cannot be read",
        ),
        (("--features", "features", "--target", "embedded", "--kubeconfig", "config"), "name two clusters: give one"),
        (("--features", "features", "--context", "x"), "--context is about a cluster of your own"),
        (("--features", "features", "--registry", "x"), "--registry is about a cluster of your own"),
        (("--features", "features", "--no-wait"), "is in use by process 1"),
    ],
)
def test_bad_input_ends_with_2_and_one_sentence(yard: Yard, arguments: tuple[str, ...], sentence: str) -> None:
    yard.scenario(*GOOD, tags="@req-5.1")
    (yard.path / "empty").mkdir()
    (yard.path / "in-use").touch()
    (yard.path / "broken").write_text("a: 1\nb: [\n")
    (yard.path / "list").write_text("- 1\n")
    (yard.path / "config").write_text(KUBECONFIG)
    _refused(yard, arguments, sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Feature: A\n  Scenario: B\n    When x\n    Whenever\n", "line 4"),
        ("Feature: A\n  Scenario: B\n    And x\n", "line 3: First step"),
        ("Feature: A\n  @req-99.9\n  Scenario: B\n    When it sails\n", "Unknown tag req-99.9 in"),
    ],
)
def test_a_malformed_feature_is_bad_input(yard: Yard, text: str, sentence: str) -> None:
    yard.write(text)
    _refused(yard, ("--features", "features"), sentence)


def test_an_unknown_tag_in_the_projects_own_features_is_bad_input(yard: Yard) -> None:
    yard.scenario(*GOOD, tags="@sceurity")
    _refused(yard, (), "Unknown tag sceurity in")


def test_a_strangers_own_tags_are_welcome(yard: Yard) -> None:
    yard.scenario(*GOOD, tags="@harbour")
    (yard.path / "pytest.toml").write_text("[pytest]\nstrict = true\n")
    assert yard.run("--features", "features", "-m", "harbour").returncode == 0


@pytest.mark.parametrize("trouble", ["The embedded cluster needs root: run with sudo.", "There are 3 GB free, not 30."])
def test_what_the_machine_lacks_is_bad_input(yard: Yard, trouble: str) -> None:
    yard.scenario(*GOOD)
    (yard.path / "trouble").write_text(trouble)
    _refused(yard, ("--features", "features"), trouble)
    assert yard.log == ["locked", "unlocked"]


def test_a_cluster_that_does_not_come_up_is_no_bad_input(yard: Yard) -> None:
    yard.scenario(*GOOD)
    (yard.path / "breakage").touch()
    done = yard.run("--features", "features")
    assert done.returncode == 1
    assert "seatrial: The embedded cluster could not be brought up: no bridge could be made" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert yard.log == ["locked", "unlocked"]


@pytest.mark.parametrize(
    ("test", "log"),
    [
        ("def test_it(target): pass", ["locked", "up", "unlocked"]),
        ("@pytest.mark.parametrize('target', [1])\ndef test_it(target): assert target == 1", []),
    ],
    ids=["the fixture", "a parameter of its own"],
)
def test_a_test_gets_a_cluster_if_it_asks_for_one(yard: Yard, test: str, log: list[str]) -> None:
    (yard.path / "test_it.py").write_text(f"import pytest\n\n{test}\n")
    done = yard.run("test_it.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert yard.log == log


def test_what_takes_long_in_a_step_says_so_while_it_does(yard: Yard) -> None:
    yard.scenario("Given a ship", "When it takes its time", "Then it makes 12 knots")
    process = yard.start("--features", "features")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "Taking its time: done in" in said


def test_an_unknown_option_is_refused_by_pytest_itself(yard: Yard) -> None:
    done = yard.run("--nonsense")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments: --nonsense" in done.stderr


def _refused(yard: Yard, arguments: tuple[str, ...], sentence: str) -> None:
    done = yard.run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("seatrial: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert not (yard.path / "reports").exists()


def test_an_api_that_refuses_the_credentials_is_bad_input(yard: Yard, refusing_api: str) -> None:
    yard.scenario(*GOOD)
    (yard.path / "config").write_text(KUBECONFIG.replace("https://127.0.0.1:9", refusing_api))
    _refused(yard, ("--features", "features", "--kubeconfig", "config"), "refuses the credentials")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_clean_up_run_and_ends_with_130(yard: Yard, number: signal.Signals) -> None:
    yard.scenario("Given a ship", "When it waits", "Then it makes 12 knots", tags="@req-5.1")
    started = yard.start("--features", "features")
    eventually(lambda: yard.log, until=lambda log: "waiting" in log, within=timedelta(minutes=2), what="it waits")
    started.send_signal(number)
    output, _ = started.communicate(timeout=120)
    assert started.returncode == 130, output
    assert yard.log[-2:] == ["ship is gone", "unlocked"]
    assert only(yard) == (Verdict.INCONCLUSIVE, "interrupted before its end")
    assert "proven (" not in output


def test_a_killed_run_leaves_a_whole_record_that_has_not_passed(yard: Yard) -> None:
    two(yard)
    yard.write("Feature: Ships\n  Scenario: Three\n    When it waits\n    Then it makes 12 knots\n", "z.feature")
    started = yard.start("--features", "features")
    eventually(lambda: yard.log, until=lambda log: "waiting" in log, within=timedelta(minutes=2), what="it waits")
    started.kill()
    started.communicate(timeout=120)
    record = load_run(yard.latest)
    assert record.ended is None
    assert not record.verdict.opens_gate
    assert _report(yard).exit_code == 1


def test_a_folder_of_features_finds_steps_beside_it(yard: Yard) -> None:
    yard.scenario("When it dives", "Then it makes 12 knots")
    (yard.path / "features" / "conftest.py").write_text(
        "from pytest_bdd import when\n@when('it dives')\ndef dives():\n    pass\n"
    )
    done = yard.run("--features", "features")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_record_is_plain_json(yard: Yard) -> None:
    yard.scenario(*GOOD, tags="@req-5.1")
    yard.run("--features", "features")
    record = json.loads((yard.latest / "results.json").read_text())
    assert record["label"] == "embedded"
    assert record["scenarios"][0]["requirements"] == ["5.1"]
    assert [step["text"] for step in record["scenarios"][0]["steps"]] == ["a ship", "it sails", "it makes 12 knots"]


def test_a_failure_leaves_its_trace_in_the_run_directory(yard: Yard) -> None:
    yard.scenario("When it sails", "Then it makes 20 knots")
    yard.run("--features", "features")
    [record] = load_run(yard.latest).scenarios
    files = [yard.latest / artefact.path for artefact in record.artefacts]
    assert [file.name for file in files] == ["call.txt"]
    assert "it makes 12 knots, not 20" in files[0].read_text()
