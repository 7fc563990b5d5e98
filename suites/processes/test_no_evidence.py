"""No pass without evidence: each way to see nothing, and what is said then."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.evidence import load_run
from seatrial.kube import Document, Refused, Selection, watched
from seatrial.kube.api import Interrupted, Listing
from seatrial.kube.capabilities import Capability
from seatrial.kube.cluster import measured
from seatrial.kube.kinds import POD
from seatrial.load.record import Record, Request
from seatrial.slo import judge_latency, judge_success, quantile
from seatrial.verdict import Inconclusive, Missing, Verdict
from seatrial.waiting import NotObserved, eventually
from suites.yard import CONFTEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from seatrial.kube.api import Event
    from suites.yard import Yard

MOMENT = timedelta(milliseconds=30)
RUN = ("--features", "features")


def verdicts(yard: Yard) -> list[Verdict]:
    return [scenario.verdict for scenario in load_run(yard.latest).scenarios]


# Features that say nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Feature: A\n",
        "Feature: A\n  Scenario: B\n",
        "Feature: A\n  Scenario: B\n    And it sails\n",
        "Feature: A\n  Scenario: B\n    Whenever it sails\n",
        "Feature: A\n  Scenario Outline: B\n    When it sails\n",
        "Feature: A\n  Scenario Outline: B\n    When it sails\n    Examples:\n      | n |\n",
        "Feature: A\n  Scenario: B\n    When it sails\n  Scenario: B\n    When it sails\n",
        "Feature: A\n  @req-99.9\n  Scenario: B\n    When it sails\n",
    ],
)
def test_a_feature_that_says_nothing_is_refused(yard: Yard, text: str) -> None:
    yard.write(text)
    done = yard.run(*RUN)
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("seatrial: ")
    assert not (yard.path / "reports").exists()


def test_no_feature_at_all_is_refused(yard: Yard) -> None:
    (yard.path / "features").mkdir()
    assert yard.run(*RUN).returncode == 2
    assert yard.run().returncode == 2


# Scenarios that are not run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("selection", [("-k", "nothing"), ("-m", "harbour and not harbour"), ("--req", "8.3")])
def test_a_selection_of_nothing_is_refused(yard: Yard, selection: tuple[str, str]) -> None:
    yard.scenario("When it sails", "Then it makes 12 knots", tags="@harbour @req-5.1")
    assert yard.run(*RUN, *selection).returncode == 2


@pytest.mark.parametrize("selection", [("-k", "test_001"), ("-m", "harbour"), ("--req", "8.3")])
def test_what_was_left_out_proves_nothing(yard: Yard, selection: tuple[str, str]) -> None:
    yard.write(
        "Feature: Ships\n  @req-5.1 @req-8.3 @harbour\n  Scenario: One\n    When it sails\n    Then it makes 12 knots\n"
        "  @req-5.1\n  Scenario: Two\n    When it sails\n    Then it makes 13 knots\n"
    )
    done = yard.run(*RUN, *selection)
    assert verdicts(yard) == [Verdict.PASSED, Verdict.NOT_RUN]
    of = {entry.requirement.id: entry.verdict for entry in load_run(yard.latest).coverage()}
    assert of["5.1"] is Verdict.NOT_RUN
    assert "1 more not selected" in done.stdout


def marked(yard: Yard, mark: str, *steps: str) -> int:
    """Run a scenario that a module binds under a pytest *mark*; return the exit code."""
    yard.scenario(*steps)
    (yard.path / "test_bound.py").write_text(
        "import pytest\nfrom pytest_bdd import scenario\n\n\n"
        f"{mark}\n@scenario('features/sample.feature', 'One')\ndef test_one():\n    pass\n"
    )
    return yard.run("test_bound.py").returncode


@pytest.mark.parametrize(
    ("mark", "speed", "verdict"),
    [
        ("@pytest.mark.skip", 12, Verdict.NOT_RUN),
        ("@pytest.mark.skipif(True, reason='night')", 12, Verdict.NOT_RUN),
        ("@pytest.mark.xfail", 13, Verdict.FAILED),
        ("@pytest.mark.xfail(strict=True)", 13, Verdict.FAILED),
        ("@pytest.mark.xfail", 12, Verdict.FAILED),
        ("@pytest.mark.xfail(strict=True)", 12, Verdict.FAILED),
        ("@pytest.mark.xfail(run=False)", 12, Verdict.ERROR),
        ("@pytest.mark.usefixtures('reef')", 12, Verdict.ERROR),
        ("@pytest.mark.usefixtures('nowhere')", 12, Verdict.ERROR),
    ],
)
def test_a_mark_makes_no_pass(yard: Yard, mark: str, speed: int, verdict: Verdict) -> None:
    assert marked(yard, mark, "When it sails", f"Then it makes {speed} knots") == 1
    assert verdicts(yard) == [verdict]


# Steps that show nothing -------------------------------------------------------------------------------------------

STEPS = """
import asyncio
import os
import signal
import threading
import warnings


@when("it skips")
def skips():
    pytest.skip("night")


@when("it is expected to fail")
def expected():
    pytest.xfail("it never did")


@when("nobody awaits it")
async def unawaited():
    raise AssertionError("it sank")


@when("nobody awaits what comes of it")
async def unread():
    yield
    raise AssertionError("it sank")


@when("it starts what nobody awaits")
def started():
    async def sink():
        raise AssertionError("it sank")

    sink()


@when("it sinks in the background")
def background():
    def sink():
        raise AssertionError("it sank")

    thread = threading.Thread(target=sink)
    thread.start()
    thread.join()


@when("it breaks out of sight")
def out_of_sight():
    class Ship:
        def __del__(self):
            raise AssertionError("it sank")

    Ship()


@when("it ends all at once")
def ends():
    os._exit(3)


@when("it is killed")
def killed():
    os.kill(os.getpid(), signal.SIGKILL)


@when("it leaves")
def leaves():
    raise SystemExit(0)


@when("it calls the run off")
def calls_off():
    pytest.exit("enough", returncode=0)


@when("it sees no sample")
def no_sample():
    from seatrial.verdict import Missing

    raise Inconclusive("no log line was read", Missing.SAMPLE)


@pytest.fixture
def harbour():
    yield
    raise KeyboardInterrupt


@given("a harbour")
def a_harbour(harbour):
    pass


@pytest.fixture(scope="session")
def sea():
    yield
    raise RuntimeError("the sea does not go")


@given("a sea")
def a_sea(sea):
    pass


@when("it warns")
def warns():
    warnings.warn("a leak", UserWarning)
    assert False, "and it sank"
"""
REST = ("Then it makes 12 knots",)


@pytest.fixture
def harbour(yard: Yard) -> Yard:
    yard.pytester.makeconftest(CONFTEST + STEPS)
    return yard


@pytest.mark.parametrize(
    ("step", "verdict", "reason"),
    [
        ("When it flies", Verdict.ERROR, "StepDefinitionNotFoundError"),
        ("When it skips", Verdict.NOT_RUN, "night"),
        ("When it is expected to fail", Verdict.FAILED, "expected to fail"),
        ("When nobody awaits it", Verdict.ERROR, "is asynchronous, and nothing awaits it"),
        ("When nobody awaits what comes of it", Verdict.ERROR, "is asynchronous, and nothing awaits it"),
        ("When it starts what nobody awaits", Verdict.ERROR, "coroutine object started"),
        ("When it sinks in the background", Verdict.ERROR, "Exception in thread"),
        ("When it breaks out of sight", Verdict.ERROR, "Exception ignored in"),
        ("When it leaves", Verdict.ERROR, "SystemExit"),
        ("When it sees no sample", Verdict.INCONCLUSIVE, "no log line was read"),
        ("When it warns", Verdict.FAILED, "and it sank"),
        ("Given a sea", Verdict.ERROR, "clean-up: RuntimeError: the sea does not go"),
    ],
)
@pytest.mark.filterwarnings("default")
def test_a_step_that_shows_nothing_makes_no_pass(harbour: Yard, step: str, verdict: Verdict, reason: str) -> None:
    harbour.scenario(step, *REST)
    done = harbour.run(*RUN)
    assert done.returncode == 1, done.stdout
    [scenario] = load_run(harbour.latest).scenarios
    assert scenario.verdict is verdict, scenario.reason
    assert reason in (scenario.reason or "")
    assert not load_run(harbour.latest).opens_gate


def test_what_was_missing_is_in_the_record(harbour: Yard) -> None:
    harbour.scenario("When it sees no sample", *REST)
    harbour.run(*RUN)
    [scenario] = load_run(harbour.latest).scenarios
    assert scenario.missing == (Missing.SAMPLE,)
    written = json.loads((harbour.latest / "results.json").read_text())
    assert written["scenarios"][0]["missing"] == ["no sample"]


@pytest.mark.parametrize(("step", "code"), [("When it ends all at once", 3), ("When it is killed", -9)])
def test_a_process_that_dies_makes_no_pass(harbour: Yard, step: str, code: int) -> None:
    harbour.write(f"Feature: Ships\n  Scenario: One\n    {step}\n    Then it makes 12 knots\n")
    process = harbour.start(*RUN)
    process.communicate(timeout=60)
    assert process.returncode == code
    record = load_run(harbour.latest)
    assert (record.ended, record.verdict, record.opens_gate) == (None, Verdict.INCONCLUSIVE, False)


@pytest.mark.parametrize("steps", [("Given a harbour", "When it sails"), ("When it calls the run off",)])
def test_a_run_that_is_broken_off_makes_no_pass(harbour: Yard, steps: tuple[str, ...]) -> None:
    harbour.scenario(*steps, *REST)
    harbour.write("Feature: Later\n  Scenario: Two\n    When it sails\n    Then it makes 12 knots\n", "z.feature")
    assert harbour.run(*RUN).returncode not in (0, 5)
    assert verdicts(harbour) == [Verdict.INCONCLUSIVE, Verdict.NOT_RUN]
    assert not load_run(harbour.latest).opens_gate


def test_two_definitions_of_one_sentence_are_refused(yard: Yard) -> None:
    yard.pytester.makeconftest(
        CONFTEST + "\n\n@then(parsers.parse('it makes {knots:d} knots'))\ndef lax():\n    pass\n"
    )
    yard.scenario("When it sails", "Then it makes 20 knots")
    done = yard.run(*RUN)
    assert done.returncode == 2, done.stdout
    assert "The step 'it makes {knots:d} knots' is defined twice, in conftest.makes and conftest.lax" in done.stderr


def test_a_definition_beside_the_features_may_take_the_place_of_one_above(yard: Yard) -> None:
    yard.scenario("When it sails", "Then it makes 20 knots")
    (yard.path / "features" / "conftest.py").write_text(
        "from pytest_bdd import parsers, then\n"
        "@then(parsers.parse('it makes {knots:d} knots'))\ndef makes(knots):\n    assert knots == 20\n"
    )
    assert yard.run(*RUN).returncode == 0


@pytest.mark.parametrize("source", ["import nowhere\n", "def broken(:\n", "raise RuntimeError('no')\n"])
@pytest.mark.parametrize("name", ["conftest.py", "test_bound.py"])
def test_a_module_that_cannot_be_imported_makes_no_pass(yard: Yard, name: str, source: str) -> None:
    yard.scenario("When it sails", "Then it makes 12 knots")
    (yard.path / ("features" if name == "conftest.py" else ".") / name).write_text(source)
    arguments = RUN if name == "conftest.py" else ("test_bound.py",)
    process = yard.start(*arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode not in (0, 5), output
    assert not (yard.path / "reports").exists()


def test_a_failure_beside_the_scenarios_closes_the_gate(yard: Yard) -> None:
    yard.scenario("When it sails", "Then it makes 12 knots")
    (yard.path / "test_beside.py").write_text(
        "from pytest_bdd import scenarios\nscenarios('features')\n\ndef test_beside():\n    assert False\n"
    )
    assert yard.run("test_beside.py").returncode == 1
    assert verdicts(yard) == [Verdict.PASSED]


# Measurements of nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judge", "missing"),
    [
        (lambda: judge_success([], at_least=0.99), Missing.SAMPLE),
        (lambda: judge_success([True] * 99, at_least=0.99), Missing.SAMPLES),
        (lambda: judge_latency([], share=0.5, at_most=MOMENT), Missing.SAMPLE),
        (lambda: judge_latency([MOMENT], share=0.99, at_most=MOMENT), Missing.SAMPLES),
    ],
    ids=["success of none", "success of few", "latency of none", "latency of few"],
)
def test_too_few_samples_judge_nothing(judge: Callable[[], object], missing: Missing) -> None:
    with pytest.raises(Inconclusive) as found:
        judge()
    assert found.value.missing is missing


@pytest.mark.parametrize("share", [0, -0.1, 1.1, math.nan, math.inf])
def test_an_objective_that_anything_meets_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        judge_success([False], at_least=share)
    with pytest.raises(ValueError, match="share"):
        judge_latency([MOMENT], share=share, at_most=MOMENT)


@pytest.mark.parametrize("values", [[], [math.nan], [0.1, math.nan], [math.nan, 0.1]])
def test_a_quantile_of_no_numbers_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        quantile(values, 0.5)


def request(**changes: float | bool) -> Request:
    values = {"intended": 1.0, "started": 1.0, "ended": 1.1, "status": 200, "error": None, "held": False, **changes}
    return Request(**values)  # type: ignore[arg-type]


def record(requests: Sequence[Request], folder: Path, planned: int | None = None) -> Record:
    return Record(tuple(requests), len(requests) if planned is None else planned, 10, folder / "r.jsonl")


@pytest.mark.parametrize(
    ("requests", "planned", "missing"),
    [
        ([], 0, Missing.TRAFFIC),
        ([], 100, Missing.TRAFFIC),
        ([request()] * 97, 100, Missing.PACE),
        ([request(started=2.0, ended=2.1)] * 100, 100, Missing.PACE),
        ([request(ended=math.nan)], 1, Missing.SAMPLE),
        ([request(intended=math.nan)], 1, Missing.SAMPLE),
        ([request(started=math.nan)], 1, Missing.SAMPLE),
        ([request(ended=math.inf)], 1, Missing.SAMPLE),
        ([request(ended=0.5)], 1, Missing.SAMPLE),
    ],
    ids=["none", "none of many", "some", "late", "no end", "no plan", "no start", "no end in sight", "end first"],
)
def test_a_record_of_nothing_judges_nothing(
    tmp_path: Path, requests: list[Request], planned: int, missing: Missing
) -> None:
    with pytest.raises(Inconclusive) as found:
        record(requests, tmp_path, planned).sound()
    assert found.value.missing is missing
    sound = record([request()] * 100, tmp_path)
    assert sound.sound() is sound


@pytest.mark.parametrize("text", ["", '{"intended": 1}\n', '{"planned": 3, "ra'])
def test_a_generator_that_died_judges_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(Inconclusive) as found:
        Record.read(tmp_path / "r.jsonl")
    assert found.value.missing is Missing.SAMPLES


NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)


def scrape(name: str, age: timedelta, **usage: str) -> Document:
    used = {"cpu": "1", "memory": "1Ki", **usage}
    return Document({"metadata": {"name": name}, "timestamp": (NOW - age).isoformat(), "usage": used})


def test_a_stale_or_empty_metric_measures_nothing() -> None:
    undated = Document({"metadata": {"name": "undated"}, "usage": {"cpu": "1", "memory": "1"}})
    scrapes = [scrape("fresh", timedelta(0)), scrape("stale", timedelta(minutes=6)), scrape("empty", MOMENT, cpu="")]
    assert measured([*scrapes, undated], NOW) == ("fresh",)
    assert measured([], NOW) == ()


def test_what_the_target_cannot_do_judges_nothing() -> None:
    with pytest.raises(Inconclusive) as found:
        Capability("enforced policy", present=False, reason="a stranger passed", lack=Missing.ENFORCEMENT).require()
    assert (found.value.missing, str(found.value)) == (
        Missing.ENFORCEMENT,
        "enforced policy: a stranger passed",
    )


# Waits that see nothing --------------------------------------------------------------------------------------------


class Silent:
    """An API that lists *found*, or raises it, and has no news."""

    def __init__(self, found: tuple[Document, ...] | Exception) -> None:
        self.found = found

    def list(self, selection: Selection, *, within: timedelta = MOMENT) -> Listing:
        del selection, within
        if isinstance(self.found, Exception):
            raise self.found
        return Listing(self.found, "1")

    def watch(self, selection: Selection, *, since: str, within: timedelta) -> Iterator[Event]:
        del selection, since, within
        return iter(())


@pytest.mark.parametrize(
    ("found", "last"),
    [((), "none"), (Interrupted("gone"), "does not answer"), (Refused(503, "x", "no"), "does not answer")],
    ids=["nothing", "unreachable", "unavailable"],
)
def test_a_watch_that_sees_nothing_makes_no_pass(found: tuple[Document, ...] | Exception, last: str) -> None:
    with pytest.raises(NotObserved, match=last):
        watched(Silent(found), Selection(POD), until=bool, within=MOMENT * 100, what="a pod")


def test_a_look_that_is_not_allowed_makes_no_pass() -> None:
    with pytest.raises(Refused):
        watched(Silent(Refused(403, "Forbidden", "no")), Selection(POD), until=bool, within=MOMENT, what="a pod")


def test_a_probe_that_takes_too_long_makes_no_pass() -> None:
    times = iter([0.0, 31.0])
    with pytest.raises(NotObserved):
        eventually(
            lambda: True,
            until=bool,
            within=timedelta(seconds=30),
            what="it answers",
            clock=lambda: next(times),
            pause=lambda _: None,
        )
