"""Faults of the network as a customer feels them, and that they are gone afterwards. No test depends on speed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos.injection import CleanUpFailed, inject, injected
from seatrial.chaos.injector import marked
from seatrial.chaos.network import Bandwidth, Flow, Impairment, Refusal, name_failure, partition
from seatrial.chaos.tools import ToolFailed
from seatrial.waiting import NotObserved
from suites.processes.chaos.pair import PORT, THERE

if TYPE_CHECKING:
    from seatrial.chaos.journal import Journal
    from suites.processes.chaos.pair import Pair

LATE = timedelta(milliseconds=150)
REFUSED = 111


def test_a_delay_is_felt_and_gone(pair: Pair, journal: Journal) -> None:
    before = pair.space.state()
    with injected(Impairment(pair.space, delay=LATE), journal=journal) as done:
        took = pair.talk("tcp", count=3).took
        assert len(took) == 3
        assert min(took) >= LATE.total_seconds()
    assert min(pair.talk("tcp", count=10).took) < LATE.total_seconds()
    assert pair.space.state() == before
    assert journal.leases() == ()
    assert set(done.timeline.instants) == {"injected", "effective", "clean"}


def test_jitter_stays_between_its_bounds(pair: Pair, journal: Journal) -> None:
    fault = Impairment(pair.space, delay=LATE, jitter=timedelta(milliseconds=100))
    with injected(fault, journal=journal):
        took = pair.talk("udp", count=20).took
    assert len(took) == 20
    assert min(took) >= 0.05
    assert max(took) - min(took) > 0.02


@pytest.mark.parametrize("share", [0.3, 1.0], ids=["some", "all"])
def test_packets_are_lost(pair: Pair, journal: Journal, share: float) -> None:
    with injected(Impairment(pair.space, loss=share), journal=journal):
        heard = pair.talk("udp", count=200, pause=1, patience=1).answers
    assert len(heard) == 0 if share == 1 else 100 <= len(heard) < 180
    assert len(pair.talk("udp", count=200, pause=1, patience=1).answers) == 200


def test_packets_come_twice(pair: Pair, journal: Journal) -> None:
    with injected(Impairment(pair.space, duplication=1.0), journal=journal):
        heard = pair.talk("udp", count=50, pause=1, patience=1).answers
    assert sorted(heard) == sorted([*range(50), *range(50)])


def test_changed_packets_are_not_taken(pair: Pair, journal: Journal) -> None:
    with injected(Impairment(pair.space, corruption=1.0), journal=journal):
        assert pair.talk("udp", count=50, pause=1, patience=1).answers == ()
    assert len(pair.talk("udp", count=50, pause=1, patience=1).answers) == 50


def test_packets_overtake_each_other(pair: Pair, journal: Journal) -> None:
    with injected(Impairment(pair.space, delay=LATE, reordering=0.3), journal=journal):
        heard = pair.talk("udp", count=100, pause=1, patience=1).answers
    assert sorted(heard) == list(range(100))
    assert list(heard) != sorted(heard)


def test_a_slow_line_lets_so_much_pass(pair: Pair, journal: Journal) -> None:
    rate, size = 400_000, 100_000
    with injected(Bandwidth(pair.space, rate=rate), journal=journal):
        took = pair.talk("flood", count=0, pause=size).took[0]
    assert took >= 0.8 * 8 * (size - 16_384) / rate


@pytest.mark.parametrize("direction", ["out", "in", "both"], ids=str)
def test_a_partition_lets_nothing_pass(pair: Pair, journal: Journal, direction: str) -> None:
    flow = Flow.toward(direction, (THERE,))
    with injected(partition(pair.space, flow), journal=journal):
        assert pair.talk("udp", count=5, pause=1, patience=0.5).answers == ()
    assert pair.talk("udp", count=5, pause=1, patience=0.5).answers == (0, 1, 2, 3, 4)


def test_a_partition_from_others_touches_nobody_else(pair: Pair, journal: Journal) -> None:
    with injected(partition(pair.space, Flow("both", ("10.199.0.77",))), journal=journal):
        assert len(pair.talk("udp", count=5, pause=1, patience=0.5).answers) == 5


def test_a_dependency_refuses_at_its_port_alone(pair: Pair, journal: Journal) -> None:
    with injected(Refusal(pair.space, (THERE,), PORT), journal=journal):
        assert pair.talk("tcp", count=1).error == REFUSED
        assert len(pair.talk("udp", count=1).answers) == 1
    assert pair.talk("tcp", count=1).error == ""


def test_names_get_no_answer_and_the_rest_passes(pair: Pair, journal: Journal) -> None:
    with injected(name_failure(pair.space), journal=journal) as done:
        assert len(pair.talk("udp", count=5).answers) == 5
        assert done.injector is not None
        assert done.injector.ask()["lost"] >= 1


def test_what_leaves_its_target_otherwise_fails_the_clean_up(pair: Pair, journal: Journal) -> None:
    with pytest.raises(Exception, match="new: mangle -A POSTROUTING -o eth0 -j ACCEPT"):  # noqa: PT012, SIM117
        with injected(Impairment(pair.space, delay=LATE), journal=journal) as done:
            pair.space.run(["iptables", "-t", "mangle", "-A", "POSTROUTING", "-o", "eth0", "-j", "ACCEPT"])
            # What is not mended is given up after half a minute; here it is known from the start.
            done.patience = timedelta(seconds=1)
    assert [lease.mark for lease in journal.leases()] == [done.lease.mark]
    pair.space.run(["iptables", "-t", "mangle", "-D", "POSTROUTING", "-o", "eth0", "-j", "ACCEPT"])


def test_a_fault_without_effect_is_undone(pair: Pair, journal: Journal) -> None:
    before = pair.space.state()
    with (
        pytest.raises(NotObserved, match="takes effect"),
        injected(Refusal(pair.space, ("10.77.0.1",), PORT), journal=journal, effective=timedelta(seconds=1)),
    ):
        pytest.fail("it was done")
    assert pair.space.state() == before
    assert journal.leases() == ()


def test_several_faults_of_one_interface_end_in_any_order(pair: Pair, journal: Journal) -> None:
    before = pair.space.state()
    first = inject(Impairment(pair.space, delay=LATE), journal=journal)
    second = inject(Bandwidth(pair.space, rate=1_000_000), journal=journal)
    third = inject(Refusal(pair.space, (THERE,), PORT), journal=journal)
    assert min(pair.talk("udp", count=3).took) >= LATE.total_seconds()
    for done in (first, second, third):
        done.end()
    assert pair.space.state() == before
    assert journal.leases() == ()


def test_a_discipline_of_somebody_else_stays(pair: Pair, journal: Journal) -> None:
    pair.space.run(
        ["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "8mbit", "burst", "16k", "latency", "1s"]
    )
    assert [one.split()[0] for one in pair.space.disciplines()] == ["tbf"]
    with pytest.raises(ToolFailed), injected(Bandwidth(pair.space, rate=1_000_000), journal=journal):
        pytest.fail("there is one already")
    assert [one.split()[0] for one in pair.space.disciplines()] == ["tbf"]
    assert journal.leases() == ()


def test_what_others_change_in_a_shared_network_is_theirs(pair: Pair, journal: Journal) -> None:
    shared = replace(pair.space, shared=True)
    with injected(Impairment(shared, Flow("out", (THERE,)), delay=LATE), journal=journal):
        pair.space.run(["ip", "link", "add", "of-a-pod", "type", "bridge"])
        pair.space.run(["iptables", "-A", "FORWARD", "-i", "of-a-pod", "-j", "ACCEPT"])
        assert min(pair.talk("udp", count=3).took) >= LATE.total_seconds()
    assert journal.leases() == ()
    with pytest.raises(CleanUpFailed, match="addresses: new"), injected(Bandwidth(shared, 1_000_000)) as done:  # noqa: PT012
        done.patience = timedelta(seconds=1)
        pair.space.run(["ip", "address", "add", "10.199.7.1/24", "dev", "eth0"])


def test_half_a_fault_leaves_no_process(pair: Pair, journal: Journal) -> None:
    elsewhere = replace(pair.space, interface="much-too-long-for-an-interface")
    with pytest.raises(ToolFailed, match="much-too-long"):
        Impairment(elsewhere, delay=LATE).inject("0123456789ab")
    assert marked("0123456789ab") == ()
    assert journal.leases() == ()
