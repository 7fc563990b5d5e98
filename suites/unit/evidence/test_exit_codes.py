"""Each line of the table of exit codes is true."""

from __future__ import annotations

import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.evidence import load_run
from seatrial.evidence.baseline import write_baseline
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from suites.yard import Yard

TABLE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "exit-codes.md"
GOOD = ("When it sails", "Then it makes 12 knots")
BAD = ("When it sails", "Then it makes 20 knots")


def run(yard: Yard, *more: str) -> int:
    return yard.run("--features", "features", *more).returncode


def passed(yard: Yard) -> int:
    yard.scenario(*GOOD)
    return run(yard)


def failed(yard: Yard) -> int:
    codes = set()
    for steps in (BAD, ("When it sails", "Then its speed was measured"), ("When nobody looks",), ("When it flies",)):
        yard.scenario(*steps)
        codes.add(run(yard))
    [code] = codes
    return code


def waive(yard: Yard) -> None:
    expiry = datetime.now(UTC).date() + timedelta(days=3)
    (yard.path / "waivers.toml").write_text(
        f'[[waiver]]\nid = "features/sample.feature::One"\nreason = "r"\nowner = "o"\nexpiry = {expiry}\n'
    )


def waived(yard: Yard) -> int:
    yard.scenario(*BAD)
    waive(yard)
    return run(yard)


def waived_in_vain(yard: Yard) -> int:
    yard.scenario(*GOOD)
    waive(yard)
    return run(yard)


def as_before(yard: Yard) -> int:
    yard.scenario(*BAD)
    run(yard)
    write_baseline(load_run(yard.latest), yard.path / "base.json")
    return run(yard, "--baseline", "base.json")


def worse(yard: Yard) -> int:
    yard.scenario(*GOOD)
    run(yard)
    write_baseline(load_run(yard.latest), yard.path / "base.json")
    yard.scenario(*BAD)
    return run(yard, "--baseline", "base.json")


def broken_off(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> int:
    yard.scenario(*GOOD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("seatrial.audit.journal.Journal.settle", full)
        by_a_full_disk = run(yard)
    yard.scenario(*BAD)
    assert run(yard, "-x") == by_a_full_disk
    return by_a_full_disk


def unbundled(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(yard.path / "settings"))
    yard.scenario(*GOOD)

    def refuse(*_: object) -> None:
        raise UsageError("The run in reports cannot be bundled: look at the disk.")

    monkeypatch.setattr("seatrial.plugin.make_bundle", refuse)
    return run(yard, "--bundle")


def no_cluster(yard: Yard) -> int:
    yard.scenario(*GOOD)
    (yard.path / "breakage").touch()
    return run(yard)


def failed_beside(yard: Yard) -> int:
    yard.scenario(*GOOD)
    (yard.path / "features" / "test_beside.py").write_text("def test_beside():\n    assert False\n")
    return run(yard)


def bad_option(yard: Yard) -> int:
    yard.scenario(*GOOD)
    return run(yard, "--req", "99.9")


def bad_file(yard: Yard) -> int:
    yard.scenario(*GOOD)
    (yard.path / "broken").write_text("broken")
    codes = {run(yard, option, "broken") for option in ("--waivers", "--answers", "--baseline")}
    [code] = codes
    return code


def nothing(yard: Yard) -> int:
    yard.scenario(*GOOD)
    return run(yard, "-k", "nothing")


def unimportable(yard: Yard) -> int:
    yard.scenario(*GOOD)
    (yard.path / "features" / "test_beside.py").write_text("import absent_module\n")
    return run(yard)


def interrupted(yard: Yard) -> int:
    yard.scenario("When it waits")
    started = yard.start("--features", "features")
    eventually(lambda: yard.log, until=lambda log: "waiting" in log, within=timedelta(minutes=2), what="it waits")
    started.send_signal(signal.SIGTERM)
    output, _ = started.communicate(timeout=120)
    print(output)  # noqa: T201 (shown when the code is another)
    return started.returncode


CASES: tuple[tuple[int, str, Callable[..., int]], ...] = (
    (0, "each selected scenario passed", passed),
    (0, "what did not pass is waived", waived),
    (0, "`--baseline`: nothing is worse than it was", as_before),
    (1, "a selected scenario failed, was inconclusive, not run or in error", failed),
    (1, "a waiver is for a scenario that passed", waived_in_vain),
    (1, "`--baseline`: something is worse than it was", worse),
    (1, "the run was broken off, by `-x` or a full disk", broken_off),
    (1, "`--bundle`: the bundle could not be made", unbundled),
    (1, "the embedded cluster could not be brought up", no_cluster),
    (1, "a test that is no scenario failed", failed_beside),
    (2, "an option, a feature, or something that this machine lacks: said in one sentence", bad_option),
    (2, "a file of waivers or answers, or a baseline, does not hold: a sentence for each fault", bad_file),
    (2, "nothing was selected", nothing),
    (2, "a module of tests or steps cannot be imported: pytest shows where", unimportable),
    (130, "interrupted (Ctrl-C, SIGTERM, SIGHUP), after cleaning up", interrupted),
)


def test_the_table_has_a_line_for_each_case_and_no_other() -> None:
    found = re.findall(r"^\| (\d+) \| (.*) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found == [(str(code), sentence) for code, sentence, _ in CASES]


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, _, case in CASES], ids=[one[1] for one in CASES])
def test_each_line_is_true(yard: Yard, monkeypatch: pytest.MonkeyPatch, code: int, case: Callable[..., int]) -> None:
    found = case(yard, monkeypatch) if case in (broken_off, unbundled) else case(yard)
    assert found == code


def test_a_run_that_something_else_stops_has_not_ended_well(yard: Yard) -> None:
    yard.scenario(*GOOD)
    (yard.path / "features" / "conftest.py").write_text(
        "def pytest_runtest_teardown(item):\n    item.session.shouldstop = 'enough'\n"
    )
    assert run(yard) == 1
