"""Control groups: which version a machine has, and that a group's processes are all found and ended."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.cluster import cgroups
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

_V1 = """\
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
_V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def test_a_hybrid_machine_counts_as_version_1(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(_V1)
    trees = cgroups.hierarchies(mountinfo)
    assert [tree.mount for tree in trees] == [Path("/sys/fs/cgroup/cpu,cpuacct"), Path("/sys/fs/cgroup/systemd")]
    assert [tree.options for tree in trees] == ["cpu,cpuacct", "name=systemd"]
    assert not any(tree.unified for tree in trees)


def test_a_version_2_machine_has_one_tree(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(_V2)
    (tree,) = cgroups.hierarchies(mountinfo)
    assert tree.unified
    assert tree.mount == Path("/sys/fs/cgroup")


def test_a_machine_without_control_groups_has_none(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text("30 24 0:26 / /proc rw - proc proc rw\n")
    assert cgroups.hierarchies(mountinfo) == ()


@pytest.fixture
def group() -> Iterator[cgroups.Group]:
    if os.geteuid() != 0 or not os.access(cgroups.hierarchies()[0].mount, os.W_OK):
        pytest.skip("needs root and writable control groups")
    group = cgroups.Group(f"seatrial-test/{os.getpid()}")
    group.create()
    yield group
    group.kill()
    group.remove()


def test_a_group_is_weighed_as_many_processes(group: cgroups.Group) -> None:
    group.weigh(20)
    files = [
        tree.mount / group.path / ("cpu.weight" if tree.unified else "cpu.shares") for tree in cgroups.hierarchies()
    ]
    assert [file.read_text().strip() for file in files if file.exists()] in (["2000"], ["20480"])


def test_a_group_finds_and_ends_the_processes_below_it_and_leaves_nothing(group: cgroups.Group) -> None:
    below = cgroups.Group(f"{group.path}/below")
    below.create()
    enter = "; ".join(f"echo $$ > {folder / 'cgroup.procs'}" for folder in below.folders())
    with subprocess.Popen(["/bin/sh", "-c", f"{enter}; exec sleep 1000"]) as sleeper:
        eventually(
            group.processes,
            until=lambda found: found == {sleeper.pid},
            within=timedelta(seconds=5),
            what="the process is in the group",
        )
        group.kill()
        assert sleeper.wait(5) == -9
    assert group.processes() == frozenset()
    group.remove()
    assert not group.exists()
    assert not any((tree.mount / "seatrial-test").exists() for tree in cgroups.hierarchies())
