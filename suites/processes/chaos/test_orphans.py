"""Whoever does a fault dies at the worst moment: nothing of the fault is left, and nobody has to know about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.chaos.injection import inject, sweep
from seatrial.chaos.injector import marked
from seatrial.chaos.network import Impairment, Refusal
from seatrial.chaos.processes import ProcessPause
from seatrial.chaos.reaping import reaper_runs
from seatrial.waiting import eventually
from suites.faulty import FAULTS

if TYPE_CHECKING:
    from seatrial.chaos.journal import Journal
    from suites.processes.chaos.neighbour import Neighbour
    from suites.processes.chaos.pair import Pair

# The promise is 15 seconds; a machine that is busy with other tests gets more, for the promise is measured by the soak.
GONE = timedelta(seconds=60)


@pytest.mark.parametrize("kind", FAULTS, ids=str)
def test_a_killed_runner_leaves_nothing(kind: str, pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    before = pair.space.state()
    runner = started(kind, pair, neighbour)
    held = journal.leases()
    assert len(held) == 1
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    wait_gone(journal, held[0].mark, pair, neighbour)
    assert pair.space.state() == before
    eventually(
        lambda: reaper_runs(journal), until=lambda runs: not runs, within=GONE, what="the reaper ends with the last"
    )


@pytest.mark.parametrize("kind", ["delay", "refusal", "pause", "memory"], ids=str)
def test_the_next_run_heals_when_the_reaper_was_killed_too(
    kind: str, pair: Pair, neighbour: Neighbour, journal: Journal
) -> None:
    runner = started(kind, pair, neighbour)
    reaper = reaper_of(journal)
    reaper.kill()
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    eventually(lambda: reaper_runs(journal), until=lambda runs: not runs, within=GONE, what="the reaper is dead")
    mark = journal.leases()[0].mark
    done = subprocess.run(
        [sys.executable, "-c", "from seatrial.cli import main; main()", "undo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, mark in done.stdout) == (0, True), done.stderr
    wait_gone(journal, mark, pair, neighbour)


@pytest.mark.parametrize("kind", ["delay", "partition", "corruption"], ids=str)
def test_packets_pass_as_before_once_their_owner_is_dead_and_before_anybody_undoes_anything(
    kind: str, pair: Pair, neighbour: Neighbour, journal: Journal
) -> None:
    runner = started(kind, pair, neighbour)
    mark = journal.leases()[0].mark
    reaper_of(journal).kill()
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    eventually(lambda: marked(mark), until=lambda found: not found, within=GONE, what="its processes end by themselves")
    assert pair.space.marked_rules(mark), "nobody has removed its rules"
    heard = pair.talk("udp", count=10)
    assert heard.answers == tuple(range(10))
    assert min(heard.took) < 0.2
    assert sweep(journal).failures == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_a_runner_that_is_asked_to_end_undoes_its_fault(
    number: signal.Signals, pair: Pair, neighbour: Neighbour, journal: Journal
) -> None:
    runner = started("refusal", pair, neighbour)
    reaper_of(journal).send_signal(number)
    mark = journal.leases()[0].mark
    runner.send_signal(number)
    runner.wait()
    assert journal.leases() == ()
    wait_gone(journal, mark, pair, neighbour)


def test_two_interruptions_are_one(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    runner = started("delay", pair, neighbour)
    mark = journal.leases()[0].mark
    runner.send_signal(signal.SIGINT)
    with suppress(ProcessLookupError):
        runner.send_signal(signal.SIGINT)
    runner.wait()
    wait_gone(journal, mark, pair, neighbour)


def test_an_owner_that_lives_too_long_loses_its_fault(pair: Pair, journal: Journal) -> None:
    done = inject(Refusal(pair.space, ("10.199.0.2",), 7000), lasting=timedelta(seconds=3), journal=journal)
    eventually(journal.leases, until=lambda leases: not leases, within=GONE, what="the lease runs out")
    assert pair.space.marked_rules(done.lease.mark) == ()
    done.end()


def test_one_that_cannot_be_undone_keeps_back_no_other(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    runner = started("refusal", pair, neighbour)
    reaper_of(journal).kill()
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    healthy = journal.leases()[0]
    (journal.folder / "0000.lease").write_text("{}")
    (journal.folder / "0001.lease").write_text(
        healthy.written().replace(healthy.mark, "0001").replace("network-refusal", "no-such-fault")
    )
    swept = sweep(journal, within=timedelta(seconds=5))
    assert any("There is no fault of the kind no-such-fault" in failure for failure in swept.failures)
    assert any("0000.lease is no lease" in failure for failure in swept.failures)
    assert swept.undone == (str(healthy),)
    assert pair.space.marked_rules(healthy.mark) == ()


def test_undoing_twice_changes_nothing(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    before = pair.space.state()
    for fault in (Impairment(pair.space, loss=0.5), ProcessPause((neighbour.identity,))):
        done = inject(fault, journal=journal)
        fault.undo(done.lease.mark)
        fault.undo(done.lease.mark)
        done.end()
        assert sweep(journal).failures == ()
    assert pair.space.state() == before


def test_what_a_living_owner_holds_is_left_alone(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    runner = started("refusal", pair, neighbour)
    swept = sweep(journal)
    assert (len(swept.held), swept.undone, swept.failures) == (1, (), ())
    assert pair.space.marked_rules(journal.leases()[0].mark)
    runner.kill()
    runner.wait()
    wait_gone(journal, "", pair, neighbour)


def test_a_target_that_is_gone_is_clean(pair: Pair, neighbour: Neighbour, journal: Journal) -> None:
    runner = started("delay", pair, neighbour)
    pair.remove()
    runner.terminate()
    runner.wait()
    assert journal.leases() == ()


def started(kind: str, pair: Pair, neighbour: Neighbour) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "suites.faulty", kind, f"st{pair.name}a", str(neighbour.process.pid)]
    runner = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert runner.stdout is not None
    with runner.stdout:
        assert [runner.stdout.readline(), runner.stdout.readline()] == ["begins\n", "done\n"]
    return runner


def reaper_of(journal: Journal) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "seatrial.chaos.reaper" in words and str(journal.folder) in words:
            return process
    raise AssertionError("there is no reaper")


def wait_gone(journal: Journal, mark: str, pair: Pair, neighbour: Neighbour) -> None:
    def left() -> list[object]:
        rules = pair.space.marked_rules(mark) if mark else ()
        processes = marked(mark) if mark else ()
        stopped = [neighbour.process.pid] if neighbour.identity.state == "T" else []
        return [*journal.leases(), *rules, *processes, *stopped]

    eventually(left, until=lambda found: not found, within=GONE, what="nothing of the fault is left")
