"""What faults are made of: flows, words for the kernel's tools, the decisions about packets."""

from __future__ import annotations

import random
import struct
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos import nfqueue
from seatrial.chaos.certificates import CertificateExpiry, Keeping
from seatrial.chaos.entrance import Entrance
from seatrial.chaos.fault import arguments_of, made_again
from seatrial.chaos.groups import groups_of
from seatrial.chaos.impairing import Impairment as Decision
from seatrial.chaos.impairing import Settings
from seatrial.chaos.network import Bandwidth, Flow, Impairment, Refusal, name_failure, partition
from seatrial.chaos.nodes import NodeCutOff, NodeDrain, NodePowerOff, ZoneOutage
from seatrial.chaos.pods import Place, PodCannotStart, PodKill
from seatrial.chaos.processes import ProcessId, ProcessKill, ProcessPause
from seatrial.chaos.spaces import NetworkSpace
from seatrial.chaos.stress import CpuStress, DiskFill, IoStress, MemoryStress
from seatrial.chaos.times import Timeline

if TYPE_CHECKING:
    from seatrial.chaos.fault import Fault

SPACE = NetworkSpace(1, "eth0")
PROCESS = ProcessId(1, 2)
PLACE = Place(Path("/k"), None, "shop", "catalog")
LATE = timedelta(milliseconds=200)
ALL: tuple[Fault, ...] = (
    Impairment(SPACE, Flow("both", ("10.0.0.1", "10.1.0.0/16"), "udp", 53), delay=LATE, jitter=LATE, loss=0.5),
    Bandwidth(SPACE, 1000),
    Refusal(SPACE, ("10.0.0.1",), 80),
    partition(SPACE, Flow("in")),
    name_failure(SPACE),
    ProcessPause((PROCESS,), "it"),
    ProcessKill(PROCESS, "/g", "p"),
    CpuStress(PROCESS, "it", 3, 0.5),
    MemoryStress(PROCESS, "it", 1),
    DiskFill(PROCESS, "it", "/x", 1, 2),
    IoStress(PROCESS, "it", "/x", 1),
    PodKill(PLACE, (("a", "b"),)),
    PodCannotStart(PLACE, "c", "i"),
    CertificateExpiry(Keeping(Path("/k"), None, "ingress", "s"), Entrance("10.0.0.1", 443, "h", Path("/ca")), "a", "b"),
    NodePowerOff("local", "n"),
    ZoneOutage("local", "z", ("n", "m")),
    NodeCutOff("local", "n"),
    NodeDrain(Path("/k"), None, "n"),
)


@pytest.mark.parametrize("fault", ALL, ids=[f"{fault.kind}-{number}" for number, fault in enumerate(ALL)])
def test_a_fault_is_made_again_from_what_is_written_of_it(fault: Fault) -> None:
    assert made_again(fault.kind, arguments_of(fault)) == fault


@pytest.mark.parametrize(
    ("flow", "matches"),
    [
        (Flow(), [("POSTROUTING", "-o eth0")]),
        (Flow("in"), [("PREROUTING", "-i eth0")]),
        (
            Flow("both", ("10.0.0.1",)),
            [("POSTROUTING", "-o eth0 --destination 10.0.0.1"), ("PREROUTING", "-i eth0 --source 10.0.0.1")],
        ),
        (Flow("out", (), "udp", 53), [("POSTROUTING", "-o eth0 -p udp --dport 53")]),
        (
            Flow("in", ("10.0.0.1", "10.0.0.2"), "tcp", 80),
            [
                ("PREROUTING", "-i eth0 -p tcp --sport 80 --source 10.0.0.1"),
                ("PREROUTING", "-i eth0 -p tcp --sport 80 --source 10.0.0.2"),
            ],
        ),
    ],
    ids=["all", "in", "both", "names", "two peers"],
)
def test_a_flow_is_matched(flow: Flow, matches: list[tuple[str, str]]) -> None:
    assert [(chain, " ".join(words)) for chain, words in flow.matches("eth0")] == matches


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: Flow("out", ("nowhere",)), "nowhere"),
        (lambda: Flow("out", (), "", 53), "a port needs a protocol"),
        (lambda: Flow.toward("up"), "direction"),
        (lambda: Impairment(SPACE), "nothing is to happen"),
        (lambda: Impairment(SPACE, loss=1.1), "from 0 to 1"),
        (lambda: Impairment(SPACE, delay=LATE, jitter=2 * LATE), "the jitter is at most"),
        (lambda: Impairment(SPACE, reordering=0.5), "overtake others only where"),
    ],
    ids=["peer", "port", "direction", "nothing", "share", "jitter", "reordering"],
)
def test_what_makes_no_sense_is_refused(made: object, why: str) -> None:
    assert callable(made)
    with pytest.raises(ValueError, match=why):
        made()


def test_netem_is_told_the_same() -> None:
    fault = Impairment(SPACE, delay=LATE, jitter=LATE / 2, loss=0.1, duplication=0.2, corruption=0.3, reordering=0.4)
    assert " ".join(fault.netem_words()) == ("netem delay 200ms 100ms loss 10% duplicate 20% corrupt 30% reorder 40%")


def decided(settings: Settings, seed: int = 7) -> Decision:
    return Decision(settings, random.Random(seed))  # noqa: S311 (a seed gives the same again)


def test_shares_come_true() -> None:
    one = decided(Settings(loss=0.3))
    lost = sum(one.draw("lost", 0.3) for _ in range(10_000))
    assert 2_800 < lost < 3_200
    assert one.counts["lost"] == lost


def test_pauses_lie_around_the_delay() -> None:
    one = decided(Settings(delay=0.2, jitter=0.05))
    pauses = [one.pause() for _ in range(1_000)]
    assert 0.15 <= min(pauses) < 0.16
    assert 0.24 < max(pauses) <= 0.25


def test_what_is_reordered_is_not_held() -> None:
    one = decided(Settings(delay=0.2, reordering=0.5))
    assert {one.pause() for _ in range(100)} == {0.0, 0.2}


@pytest.mark.parametrize("size", [1, 20, 21, 1500], ids=str)
def test_one_bit_is_turned_behind_the_header(size: int) -> None:
    packet = bytes([0x45, *[0] * (size - 1)])
    for seed in range(50):
        changed = decided(Settings(corruption=1), seed).corrupted(packet)
        assert sum((a ^ b).bit_count() for a, b in zip(packet, changed, strict=True)) == 1
        assert size <= 20 or changed[:20] == packet[:20]
    assert decided(Settings(corruption=1)).corrupted(b"") == b""


def test_messages_of_the_queue_are_read_as_they_are_written() -> None:
    written = nfqueue.message(3, 7, nfqueue._attribute(1, b"abc") + nfqueue._attribute(10, b"payload"))
    two = list(nfqueue.messages_in(written + b"\0" * (-len(written) % 4) + written))
    assert [kind for kind, _ in two] == [3, 3]
    assert nfqueue.attributes_of(two[0][1][4:]) == {1: b"abc", 10: b"payload"}


@pytest.mark.parametrize("cut", range(1, 20), ids=str)
def test_half_a_message_is_none(cut: int) -> None:
    written = nfqueue.message(3, 7, nfqueue._attribute(1, b"abcd"))
    assert list(nfqueue.messages_in(written[:-cut])) == []
    assert nfqueue.attributes_of(struct.pack("=HH", 100, 1)) == {}


MOUNTS_1 = (
    "20 1 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "21 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "22 1 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
MOUNTS_2 = "20 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("mounts", "member", "folders"),
    [
        (MOUNTS_1, "3:memory:/pod/a\n2:cpu,cpuacct:/pod/b\n0::/x\n", ["memory/pod/a", "cpu/pod/b"]),
        (MOUNTS_2, "0::/pod/a\n", ["pod/a"]),
        (MOUNTS_1, "9:pids:/pod\n", []),
    ],
    ids=["version 1", "version 2", "not mounted"],
)
def test_groups_are_found_on_both_versions(mounts: str, member: str, folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(mounts)
    (tmp_path / "member").write_text(member)
    found = groups_of(1, table=tmp_path / "mounts", membership=tmp_path / "member")
    assert found == tuple(Path("/sys/fs/cgroup", folder) for folder in folders)


def test_an_instant_lies_between_two_looks() -> None:
    # The clock is asked when the observation begins, before each look, and when the last one has come back.
    now = iter([10.0, 11.0, 12.0, 12.5])
    line = Timeline(clock=lambda: next(now))
    looks = iter([False, True])
    line.observe("effective", lambda: next(looks), until=bool, within=timedelta(seconds=60), what="it is so")
    instant = line.instants["effective"]
    assert (instant.earliest, instant.latest) == (11.0, 12.5)
    assert instant.error == timedelta(seconds=0.75)
