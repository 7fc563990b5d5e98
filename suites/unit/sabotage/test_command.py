"""The order of things: each sabotage, then the same scenarios without any, and the shop is mended whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from suites.sabotage import __main__ as command
from suites.sabotage.running import Ended

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path


@dataclass
class Runs:
    """Stands for the runs of features; *at* the run of that name, *error* happens."""

    at: str = ""
    error: BaseException | None = None
    made: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def features(self, folder: Path, *options: str, within: timedelta | None = None) -> Ended:
        del within
        self.made.append((folder.name, options))
        if folder.name == self.at and self.error is not None:
            raise self.error
        return Ended(1, {}, "no cluster here")

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(command, "features", made.features)
    return made


def sabotage(*names: str, folder: Path) -> int:
    return command.main([f"--runs={folder}", *(f"--only={name}" for name in names)])


def test_after_the_sabotages_all_scenarios_run_without_any(runs: Runs, tmp_path: Path) -> None:
    assert sabotage("no-disruption-budget", "price-unknown", folder=tmp_path) == 1
    assert runs.made[0] == ("no-disruption-budget", ("--sabotage", "no-disruption-budget"))
    assert runs.made[2] == (
        "sound",
        (
            "--sight=features/scaling/disruption.feature::All replicas may not leave at once",
            "--sight=features/infrastructure/costs.feature::The environment for learners has a price",
        ),
    )


def test_what_left_no_record_is_told_and_not_counted_as_caught(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sabotage("price-unknown", folder=tmp_path) == 1
    assert runs.names == ["price-unknown", "sound"]
    told = capsys.readouterr()
    assert "1 sabotages: 0 caught, 0 missed, 1 could not be judged. Detection rate 0.0%." in told.out
    assert "price-unknown: no scenario was run (code 1)" in told.err
    assert "no cluster here" in told.err


@pytest.mark.parametrize("at", ["no-spread", "sound"])
def test_an_interrupted_command_mends_the_shop(runs: Runs, tmp_path: Path, at: str) -> None:
    runs.at, runs.error = at, KeyboardInterrupt()
    assert sabotage("no-spread", folder=tmp_path) == 130
    assert runs.names[-1] == "mended"
    assert "--sabotage" not in runs.made[-1][1]


def test_a_shop_that_was_not_touched_is_not_mended(runs: Runs, tmp_path: Path) -> None:
    runs.at, runs.error = "price-unknown", KeyboardInterrupt()
    assert sabotage("price-unknown", "no-spread", folder=tmp_path) == 130
    assert runs.names == ["price-unknown"]


def test_what_a_run_refuses_is_told_in_its_sentence(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.at, runs.error = "price-unknown", UsageError("This machine lacks something: install it.")
    assert sabotage("price-unknown", folder=tmp_path) == 2
    assert "seatrial: This machine lacks something: install it.\n" in capsys.readouterr().err
