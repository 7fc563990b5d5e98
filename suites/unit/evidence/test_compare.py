"""What changed from one run to the next, and which run is the one before."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.evidence.compare import Change, compare
from seatrial.evidence.store import RunDirectory, changes_since, load_run, run_before
from seatrial.verdict import Verdict
from suites.unit.evidence.samples import NOW, Clock, Told, sample_run
from suites.unit.evidence.test_formats import run, scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Verdict.PASSED, Verdict.PASSED, Change.UNCHANGED),
        (Verdict.PASSED, Verdict.FAILED, Change.NO_LONGER_PASSED),
        (Verdict.PASSED, Verdict.INCONCLUSIVE, Change.NO_LONGER_PASSED),
        (Verdict.PASSED, Verdict.NOT_RUN, Change.NO_LONGER_PASSED),
        (Verdict.ERROR, Verdict.PASSED, Change.NEWLY_PASSED),
        (Verdict.FAILED, Verdict.FAILED, Change.UNCHANGED),
        (Verdict.FAILED, Verdict.ERROR, Change.OTHERWISE_NOT_PASSED),
    ],
)
def test_a_scenario_is_held_against_itself(before: Verdict, after: Verdict, change: Change) -> None:
    (one,) = compare(run(scenario(0, before)), run(scenario(0, after))).differences
    assert one.change is change


def test_what_is_new_or_gone_is_said_to_be() -> None:
    changes = compare(run(scenario(0, Verdict.PASSED)), run(scenario(1, Verdict.PASSED)))
    assert [(one.change, one.name) for one in changes.differences] == [
        (Change.NEW, "Voyage 1"),
        (Change.GONE, "Voyage 0"),
    ]
    assert [one.name for one in changes.worse] == ["Voyage 0"]
    assert changes.words == "1 gone, 1 new"


def test_what_was_not_selected_is_not_compared() -> None:
    left_out = scenario(0, Verdict.NOT_RUN, selected=False)
    for before, after in ((left_out, scenario(0, Verdict.PASSED)), (scenario(0, Verdict.PASSED), left_out)):
        changes = compare(run(before), run(after))
        assert [one.change for one in changes.differences] == [Change.NOT_COMPARED]
        assert not changes.worse
        assert not changes.changed


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (5, 10, Change.MUCH_SLOWER),
        (5, 9.9, Change.UNCHANGED),
        (1, 5.9, Change.UNCHANGED),
        (60, 100, Change.UNCHANGED),
        (100, 10, Change.UNCHANGED),
    ],
)
def test_much_slower_is_twice_as_long_and_five_seconds_more(before: float, after: float, change: Change) -> None:
    (one,) = compare(
        run(replace(scenario(0, Verdict.PASSED), duration=timedelta(seconds=before))),
        run(replace(scenario(0, Verdict.PASSED), duration=timedelta(seconds=after))),
    ).differences
    assert one.change is change


def test_scenarios_of_one_name_are_told_apart_by_their_place() -> None:
    twins = (scenario(0, Verdict.PASSED), scenario(0, Verdict.FAILED))
    assert [one.change for one in compare(run(*twins), run(*twins)).differences] == [Change.UNCHANGED] * 2


def test_the_counts_add_up_to_all_scenarios() -> None:
    before = run(*(scenario(n, verdict) for n, verdict in enumerate([*Verdict, *Verdict])))
    after = run(*(scenario(n + 2, verdict) for n, verdict in enumerate([*Verdict, *Verdict])))
    changes = compare(before, after)
    assert sum(changes.counts().values()) == len(changes.differences) == 12


def test_the_run_before_is_the_newest_earlier_one_on_the_same_target(tmp_path: Path) -> None:
    oldest = sample_run(tmp_path, 3, started=NOW)
    older = sample_run(tmp_path, 3, started=NOW + timedelta(hours=1))
    broken = sample_run(tmp_path, 3, started=NOW + timedelta(hours=2))
    elsewhere = Told(RunDirectory.create(tmp_path, NOW + timedelta(hours=3)), Clock(NOW + timedelta(hours=3)))
    elsewhere.begin(target="another")
    elsewhere.end()
    now = sample_run(tmp_path, 3, started=NOW + timedelta(hours=4))
    sample_run(tmp_path, 3, started=NOW + timedelta(hours=5))
    lines = broken.journal.read_bytes().splitlines(keepends=True)
    broken.journal.write_bytes(b"".join((lines[0], *lines[2:])))
    record = load_run(now.path)
    found = run_before(now.path, record)
    assert found is not None
    assert found.id == older.id
    shutil.rmtree(older.path)
    changes = changes_since(now.path, record)
    assert changes is not None
    assert changes.previous.id == oldest.id
    assert run_before(oldest.path, load_run(oldest.path)) is None
