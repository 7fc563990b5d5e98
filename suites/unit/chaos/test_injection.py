"""Injection under every kind of failure, with faults of our own making."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import pytest

from seatrial import plugin
from seatrial.chaos import injection
from seatrial.chaos.fault import KINDS, arguments_of, made_again, registered
from seatrial.chaos.injection import CleanUpFailed, differences, inject, injected, sweep
from seatrial.chaos.journal import Journal
from seatrial.errors import UsageError
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State

SHORT = timedelta(milliseconds=100)


@registered
@dataclass(frozen=True)
class Folder:
    """A fault that is a file in a folder; *broken* names what of it does not work."""

    kind: ClassVar[str] = "test-folder"
    place: str
    broken: str = ""

    @property
    def target(self) -> str:
        return self.place

    @property
    def path(self) -> Path:
        from pathlib import Path  # noqa: PLC0415 (its annotation is read by no lease)

        return Path(self.place)

    def inject(self, mark: str) -> Injector | None:
        assert list(Journal().folder.glob(f"{mark}.lease")), "the lease is written before"
        (self.path / mark).touch()
        if self.broken == "inject":
            raise OSError("half done")
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del injector
        return "it is there" if (self.path / mark).exists() and self.broken != "effect" else ""

    def undo(self, mark: str) -> None:
        if self.broken == "undo":
            raise OSError("undoing does not work")
        (self.path / mark).unlink(missing_ok=True)

    def residue(self, mark: str) -> tuple[str, ...]:
        return (mark,) if (self.path / mark).exists() else ()

    def state(self) -> State:
        return {"files": tuple(sorted(one.name for one in self.path.iterdir()))}


@pytest.fixture(autouse=True)
def no_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(injection, "ensure_reaper", lambda journal: None)  # noqa: ARG005 (the real one's argument)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("SEATRIAL_FAULTS", str(tmp_path / "faults"))
    return Journal()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir()
    return made


def test_a_fault_is_done_and_undone(journal: Journal, place: Path) -> None:
    with injected(Folder(str(place))) as done:
        assert [one.name for one in place.iterdir()] == [done.lease.mark]
        assert journal.leases() == (done.lease,)
    assert list(place.iterdir()) == []
    assert journal.leases() == ()
    assert list(done.timeline.instants) == ["injected", "effective", "clean"]


def test_it_is_undone_when_what_it_is_for_fails(journal: Journal, place: Path) -> None:
    with pytest.raises(ZeroDivisionError), injected(Folder(str(place))):
        _ = 1 / 0
    assert (list(place.iterdir()), journal.leases()) == ([], ())


@pytest.mark.parametrize("broken", ["inject", "effect"], ids=str)
def test_half_a_fault_is_undone(journal: Journal, place: Path, broken: str) -> None:
    with pytest.raises((OSError, NotObserved)):
        inject(Folder(str(place), broken), effective=SHORT)
    assert (list(place.iterdir()), journal.leases()) == ([], ())


def test_what_cannot_be_undone_keeps_its_lease(journal: Journal, place: Path) -> None:
    done = inject(Folder(str(place), "undo"))
    done.patience = SHORT
    with pytest.raises(CleanUpFailed, match=r"undoing does not work.*nothing of test-folder"):
        done.end()
    assert [lease.failure != "" for lease in journal.leases()] == [True]


def test_another_difference_fails_the_clean_up(journal: Journal, place: Path) -> None:
    done = inject(Folder(str(place)))
    done.patience = SHORT
    (place / "other").touch()
    with pytest.raises(CleanUpFailed, match="files: new: other"):
        done.end()
    assert len(journal.leases()) == 1
    (place / "other").unlink()
    assert sweep(journal).undone == (str(done.lease),)
    assert journal.leases() == ()


def test_a_fault_that_lost_its_lease_is_undone_at_once(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(self: Folder, mark: str) -> None:
        for lease in journal.leases():
            journal.remove(lease)
        (self.path / mark).touch()

    monkeypatch.setattr(Folder, "inject", late)
    with pytest.raises(NotObserved, match="ran out before"):
        inject(Folder(str(place)))
    assert list(place.iterdir()) == []


def test_ending_twice_is_ending_once(journal: Journal, place: Path) -> None:
    done = inject(Folder(str(place)))
    assert done.end() is done.end()
    assert journal.leases() == ()


def test_a_sweep_undoes_what_failed_before_and_goes_past_what_still_does(journal: Journal, place: Path) -> None:
    other = place / "other"
    other.mkdir()
    bad, good = inject(Folder(str(other), "undo")), inject(Folder(str(place)))
    for one in (good, bad):
        journal.write(one.lease.failed("before"))
    swept = sweep(journal, within=SHORT)
    assert [bad.lease.mark in failure for failure in swept.failures] == [True, True]
    assert swept.undone == (str(good.lease),)
    assert not (place / good.lease.mark).exists()


def test_a_sweep_leaves_living_owners_alone_unless_all_is_meant(journal: Journal, place: Path) -> None:
    done = inject(Folder(str(place)))
    assert (len(sweep(journal).held), (place / done.lease.mark).exists()) == (1, True)
    assert sweep(journal, everything=True).undone == (str(done.lease),)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({}, {}, ()),
        ({"links": ("a",)}, {"links": ("a",)}, ()),
        ({"links": ("a",)}, {"links": ()}, ("links: gone: a",)),
        ({"links": ()}, {"links": ("b",)}, ("links: new: b",)),
        ({"links": ("a",)}, {}, ()),
        ({"links": ("a",)}, {"routes": ("r",)}, ("links: gone: a", "routes: new: r")),
    ],
    ids=["nothing", "same", "gone", "new", "target gone", "others"],
)
def test_differences_are_named(before: State, after: State, lines: tuple[str, ...]) -> None:
    assert differences(before, after) == lines


@pytest.mark.parametrize("kind", sorted(KINDS), ids=str)
def test_each_kind_says_what_is_wrong_with_its_arguments(kind: str) -> None:
    with pytest.raises(UsageError, match=f"A fault of the kind {kind} cannot be made"):
        made_again(kind, {"nonsense": 1, "space": "x", "place": 7})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no fault of the kind"):
        made_again("os.system", {})


def test_two_faults_of_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="two faults are called"):
        registered(Folder)


def test_a_fault_is_made_again_from_its_arguments(place: Path) -> None:
    fault = Folder(str(place))
    assert made_again(Folder.kind, arguments_of(fault)) == fault


@dataclass
class Said:
    """Stands in for the session of a run and for its progress: what is said is kept."""

    lines: list[str] = field(default_factory=list)

    @property
    def progress(self) -> Said:
        return self

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize("broken", ["", "undo"], ids=["healed", "not to be healed"])
def test_a_run_begins_with_undoing_what_a_dead_one_left(
    journal: Journal, place: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = inject(Folder(str(place), broken))
    journal.write(replace(done.lease, owner=replace(done.lease.owner, boot="another")))
    monkeypatch.setattr(injection.sweep, "__kwdefaults__", {"everything": False, "within": SHORT})
    said = Said()
    left = plugin._undo_leftovers(said)  # type: ignore[arg-type] # as much of it as is used
    assert ("undoing does not work" in left) is bool(broken)
    assert [done.lease.mark in line for line in said.lines] == ([] if broken else [True])
    assert (list(place.iterdir()) == []) is not bool(broken)


def test_a_run_after_one_that_ended_well_says_nothing(journal: Journal) -> None:
    said = Said()
    assert (plugin._undo_leftovers(said), said.lines, journal.leases()) == ("", [], ())  # type: ignore[arg-type]
