"""What a machine must offer before anything is made on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from seatrial.cluster import lifecycle
from seatrial.cluster.layout import Layout
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_MOUNTS = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 24 0:40 / {folder}/overlaid rw - overlay overlay rw
26 24 0:41 / {folder}/overlaid/volume rw - xfs /dev/vdb rw
"""


def test_the_innermost_mount_decides_what_a_folder_lies_on(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(_MOUNTS.format(folder=tmp_path))
    (tmp_path / "overlaid" / "volume").mkdir(parents=True)
    (tmp_path / "overlaid2").mkdir()
    kinds = [
        lifecycle.file_system(tmp_path / name, mounts)
        for name in ("overlaid2", "overlaid/not-there/yet", "overlaid/volume/state")
    ]
    assert kinds == ["ext4", "overlay", "xfs"]


def test_a_person_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match=r"^The embedded cluster makes namespaces .* needs root; .*--kubeconfig.*\.$"):
        lifecycle.down(Layout("test-not-root"))


@pytest.mark.skipif(os.geteuid() != 0, reason="the next check is only reached by root")
def test_a_disk_that_cannot_hold_nodes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "file_system", lambda _: "overlay")
    with pytest.raises(UsageError, match=r"^/var/lib/seatrial/test-disk is on an overlay .*SEATRIAL_STATE\.$"):
        lifecycle.down(Layout("test-disk"))


def test_a_cluster_that_never_was_is_absent_and_has_left_nothing() -> None:
    found = lifecycle.status(Layout("test-absent"))
    assert found.state == "absent"
    assert found.leftovers == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can clean up behind a cluster")
def test_pieces_of_a_cluster_are_seen_and_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    layout = Layout(f"test-{os.getpid()}")
    (layout.state / "nodes" / "control-plane").mkdir(parents=True)
    layout.runtime.mkdir(parents=True)
    assert lifecycle.status(layout).state == "incomplete"
    lifecycle.down(layout)
    assert lifecycle.status(layout).state == "absent"
    assert not layout.state.exists()
