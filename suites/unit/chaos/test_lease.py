from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos import lease as leases
from seatrial.chaos.journal import Journal
from seatrial.chaos.lease import Lease
from seatrial.chaos.owner import Owner, boot, since_boot, started

if TYPE_CHECKING:
    from pathlib import Path


def new(lasting: float = 60) -> Lease:
    return Lease.new("kind", "target", {"size": 1}, timedelta(seconds=lasting), {"links": ("one", "two")})


def test_a_lease_is_read_as_it_was_written() -> None:
    lease = new()
    assert Lease.read(lease.written()) == lease


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"owner": 1}', '{"owner": {}, "before": {}}'], ids=lambda text: text or "nothing"
)
def test_what_is_no_lease_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it says, it must be this kind)
        Lease.read(text)


def test_a_lease_of_a_living_owner_is_no_orphan() -> None:
    assert not new().orphaned


def test_a_lease_ends_by_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = new(60)
    now = since_boot()
    monkeypatch.setattr(leases, "since_boot", lambda: now + 59)
    assert not lease.expired
    monkeypatch.setattr(leases, "since_boot", lambda: now + 61)
    assert lease.expired
    assert lease.orphaned


def test_a_lease_of_another_boot_is_over() -> None:
    lease = new()
    assert replace(lease, owner=replace(lease.owner, boot="another")).expired


def test_a_lease_of_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="must last for some time"):
        new(0)


def test_one_that_could_not_be_undone_is_an_orphan() -> None:
    assert new().failed("why").orphaned


def test_an_owner_that_ended_is_dead() -> None:
    process = subprocess.Popen(["sleep", "60"])
    owner = Owner.of(process.pid)
    assert owner is not None
    assert owner.alive
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not owner.alive, "nobody has waited for it yet, and still it is dead"
    process.wait()
    assert not owner.alive


def test_a_successor_of_the_same_number_is_somebody_else() -> None:
    this = Owner.this()
    assert this.alive
    assert not replace(this, start=this.start + 1).alive


def test_a_name_with_brackets_and_spaces_changes_nothing(tmp_path: Path) -> None:
    program = tmp_path / "a) S (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        ticks = os.sysconf("SC_CLK_TCK")
        found = started(process.pid)
        assert found is not None
        assert abs(found / ticks - since_boot()) < 3600
    finally:
        process.kill()
        process.wait()


def test_nobody_has_no_identity() -> None:
    assert Owner.of(0) is None
    assert boot()


def test_the_journal_keeps_what_is_written_until_it_is_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "faults")
    assert journal.leases() == ()
    later, sooner = new(60), new(30)
    for lease in (later, sooner):
        journal.write(lease)
    assert journal.leases() == (sooner, later)
    assert journal.holds(later)
    journal.remove(later)
    journal.remove(later)
    assert journal.leases() == (sooner,)
    assert not journal.holds(later)


def test_a_draft_is_no_lease(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "abc.draft").write_text('{"half": ')
    assert journal.leases() == ()
    assert journal.unreadable() == ()


def test_a_file_that_is_no_lease_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "abc.lease").write_text('{"half": ')
    assert journal.leases() == ()
    assert journal.unreadable() == (tmp_path / "abc.lease",)


def test_root_and_others_have_their_own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEATRIAL_FAULTS", raising=False)
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Journal().folder == tmp_path / "state" / "faults"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Journal().folder.is_relative_to(tmp_path / "cache")
