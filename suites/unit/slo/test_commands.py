from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from seatrial.errors import UsageError
from seatrial.load.record import Request
from seatrial.slo.commands import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

OBJECTIVES = Path(__file__).resolve().parents[3] / "infra" / "monitoring" / "objectives"
CATALOG = OBJECTIVES / "catalog.yaml"
SERVED = ("--service", "catalog", "--on", "embedded")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in a folder of its own, with paths relative to that."""
    monkeypatch.setenv("SEATRIAL_INVOKED_FROM", str(tmp_path))
    return lambda *words: CliRunner().invoke(app, list(map(str, words)))


def refused(result: Result) -> str:
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def write(
    file: Path, *, seconds: int = 120, rate: int = 20, slower: float = 1.0, failing: range = range(0), seed: int = 1
) -> Path:
    """Traffic in which the requests with the numbers *failing* fail."""
    draw = random.Random(seed)  # noqa: S311 (a test's numbers come again)
    lines = []
    for number in range(seconds * rate):
        at = 1000 + number / rate
        took = slower * draw.lognormvariate(-4, 0.4)
        status = 503 if number in failing else 200
        lines.append(asdict(Request(at, at, at + took, status, None, held=False)))
    lines.append({"planned": len(lines), "rate": rate})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_objectives_that_are_kept_end_with_0_and_say_what_is_left(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "requests.jsonl", failing=range(6))
    result = run("check", CATALOG, "--record", "requests.jsonl")
    assert result.exit_code == 0
    assert (
        "passed        catalog-availability: 99.5% of requests succeed: met, 0.9975 observed of 2400" in result.output
    )
    assert "budget: 6 of 12 bad events that the budget allows, 50.0% left" in result.output
    assert "passed        catalog-latency: 99% of requests take at most 0.5 s: met" in result.output
    assert "alert" not in result.output


def test_an_objective_that_is_missed_ends_with_1(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "requests.jsonl", failing=range(1200, 1220))
    result = run("check", CATALOG, "--record", "requests.jsonl")
    assert result.exit_code == 1
    assert "failed        catalog-availability" in result.output
    assert "exhausted after 61 s" in result.output
    assert "passed        catalog-latency" in result.output


def test_alerts_are_looked_for_with_windows_that_are_scaled_aloud(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "requests.jsonl", failing=range(1600, 1900))
    result = run("check", CATALOG, "--record", "requests.jsonl", "--scale", 1 / 60)
    assert "alert (page at 14.4x over 60 s and 5 s, windows scaled by 0.01667): due after 85 s" in result.output
    assert "alert: there is no moment with data in both windows" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--service", "orders"), "inconclusive  orders-freshness: the newest event is at most 30 s old"),
        (("--service", "catalog"), "passed        catalog-latency"),
    ],
    ids=["no events", "all there"],
)
def test_what_nobody_looked_at_is_never_passed(
    words: tuple[str, str], said: str, run: Callable[..., Result], tmp_path: Path
) -> None:
    write(tmp_path / "requests.jsonl")
    result = run("check", OBJECTIVES, "--record", "requests.jsonl", *words)
    assert said in result.output
    assert result.exit_code == ("inconclusive" in said)


def test_too_little_traffic_ends_with_1(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "requests.jsonl", seconds=4)
    result = run("check", CATALOG, "--record", "requests.jsonl")
    assert result.exit_code == 1
    assert "80 requests are too few" in result.output


def test_a_generator_that_could_not_keep_its_rate_ends_with_1(run: Callable[..., Result], tmp_path: Path) -> None:
    file = write(tmp_path / "requests.jsonl")
    file.write_text(file.read_text().replace('"planned": 2400', '"planned": 4800'))
    result = run("check", CATALOG, "--record", "requests.jsonl")
    assert result.exit_code == 1
    assert "inconclusive  catalog-availability" in result.output
    assert "could not keep its rate" in result.output


@pytest.mark.parametrize(("age", "code"), [(29, 0), (31, 1)], ids=["fresh", "stale"])
def test_the_age_of_the_newest_event_is_judged(age: int, code: int, run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "requests.jsonl")
    (tmp_path / "events.jsonl").write_text(
        '{"at": "2031-05-04T11:00:00Z", "kind": "shipped"}\n\n{"at": "2031-05-04T12:00:00+00:00"}\n'
    )
    result = run(
        *("check", OBJECTIVES / "orders.yaml", "--record", "requests.jsonl", "--events", "events.jsonl"),
        *("--at", f"2031-05-04T12:00:{age}"),
    )
    assert result.exit_code == code, result.output
    word = "missed" if code else "met"
    said = f"orders-freshness: the newest event is at most 30 s old, 99% of the times one looks: {word}, {age} observed"
    assert said in result.output


RECORDS = {
    "missing": None,
    "empty": "",
    "no JSON": "{]}\n{}\n",
    "not whole": '{"intended": 1, "started": 1, "ended": 2, "status": 200, "error": null, "held": false}\n',
    "another shape": '{"a": 1}\n{"planned": 1, "rate": 1}\n',
    "words for numbers": '{"intended": 1, "started": 1, "ended": 2, "status": "200", "error": null, "held": false}\n'
    '{"planned": 1, "rate": 1}\n',
    "ended before it began": '{"intended": 3, "started": 3, "ended": 2, "status": 200, "error": null, "held": false}\n'
    '{"planned": 1, "rate": 1}\n',
    "no end at all": '{"intended": 3, "started": 3, "ended": 1e999, "status": 200, "error": null, "held": false}\n'
    '{"planned": 1, "rate": 1}\n',
    "no rate": '{"planned": 0, "rate": 0}\n',
}


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_no_record_is_refused_in_one_sentence(kind: str, run: Callable[..., Result], tmp_path: Path) -> None:
    content = RECORDS[kind]
    if content is not None:
        (tmp_path / "requests.jsonl").write_text(content)
    sentence = refused(run("check", CATALOG, "--record", "requests.jsonl"))
    assert str(tmp_path / "requests.jsonl") in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((CATALOG,), "There is nothing to be judged"),
        ((OBJECTIVES, "--record", "requests.jsonl"), "say with --service whose are to be checked"),
        ((CATALOG, "--record", "requests.jsonl", "--service", "orders"), "holds no objective of orders"),
        ((CATALOG, "--record", "requests.jsonl", "--scale", "0"), "--scale 0 is no factor"),
        ((CATALOG, "--events", "events.jsonl"), "line 2 is no event"),
        ((CATALOG, "--events", "none.jsonl"), "cannot be read"),
        ((CATALOG, "--record", "requests.jsonl", "--at", "noon"), "--at noon is no time"),
        (("none.yaml", "--record", "requests.jsonl"), "cannot be read"),
    ],
    ids=["nothing", "two services", "another service", "no scale", "no event", "no events", "no time", "no objectives"],
)
def test_wrong_words_are_refused_in_one_sentence(
    words: tuple[object, ...], said: str, run: Callable[..., Result], tmp_path: Path
) -> None:
    write(tmp_path / "requests.jsonl", seconds=1)
    (tmp_path / "events.jsonl").write_text('{"at": "2031-05-04T11:00:00Z"}\n{"at": 5}\n')
    assert said in refused(run("check", *words))


def test_traffic_is_no_worse_than_its_own_baseline(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl", seed=1)
    write(tmp_path / "now.jsonl", seed=2)
    made = run("baseline", "--record", "before.jsonl", *SERVED)
    assert made.exit_code == 0
    assert "120 blocks of 1 s" in made.output
    provenance = json.loads((tmp_path / "traffic-baseline.json").read_text())["provenance"]
    assert set(provenance) == {"made", "record_sha256", "environment"}
    result = run("compare", "traffic-baseline.json", "--record", "now.jsonl", *SERVED)
    assert result.exit_code == 0, result.output
    assert result.output.endswith("No worse than the baseline.\n")


def test_slower_traffic_is_worse_than_its_baseline_and_ends_with_1(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl", seed=1)
    write(tmp_path / "now.jsonl", seed=2, slower=1.2)
    run("baseline", "--record", "before.jsonl", *SERVED)
    result = run("compare", "traffic-baseline.json", "--record", "now.jsonl", *SERVED)
    assert result.exit_code == 1
    assert result.output.count(": worse.") == 2
    assert "No worse" not in result.output


def test_a_long_record_is_kept_in_wider_blocks(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl", seconds=500, rate=2)
    assert "166 blocks of 3 s" in run("baseline", "--record", "before.jsonl", *SERVED).output


def test_too_short_a_time_cannot_be_compared_and_ends_with_1(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl")
    write(tmp_path / "now.jsonl", seconds=10)
    run("baseline", "--record", "before.jsonl", *SERVED)
    result = run("compare", "traffic-baseline.json", "--record", "now.jsonl", *SERVED)
    assert result.exit_code == 1
    assert "measure for longer" in result.output


def test_traffic_that_can_bear_no_judgement_is_not_compared_and_sets_no_baseline(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    write(tmp_path / "before.jsonl")
    run("baseline", "--record", "before.jsonl", *SERVED)
    file = write(tmp_path / "now.jsonl")
    file.write_text(file.read_text().replace('"planned": 2400', '"planned": 4800'))
    result = run("compare", "traffic-baseline.json", "--record", "now.jsonl", *SERVED)
    assert result.exit_code == 1
    assert "Nobody can tell: the generator sent" in result.output
    assert "sets no baseline" in refused(run("baseline", "--record", "now.jsonl", *SERVED))


def test_traffic_of_another_kind_is_not_compared(run: Callable[..., Result], tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl")
    write(tmp_path / "now.jsonl", rate=40)
    run("baseline", "--record", "before.jsonl", *SERVED)
    compared = ("compare", "traffic-baseline.json", "--record")
    assert "(rate 20.0 there and 40.0 here)" in refused(run(*compared, "now.jsonl", *SERVED))
    other = refused(run(*compared, "before.jsonl", "--service", "catalog", "--on", "kind"))
    assert "(label embedded there and kind here)" in other
