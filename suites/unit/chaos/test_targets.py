from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from seatrial.chaos import targets
from seatrial.chaos.processes import ProcessId, ProcessPause, name_of, processes_in
from seatrial.chaos.targets import LocalPod
from seatrial.kube import Document, Pod
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UID = "0a1b2c3d-0001-4002-8003-aabbccddeeff"
CONTAINER = "f" * 64


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(["sleep", "600"])
    yield started
    started.kill()
    started.wait()


def pod() -> Pod:
    status = {"containerStatuses": [{"name": "main", "containerID": f"containerd://{CONTAINER}"}]}
    metadata = {"name": "one", "namespace": "shop", "uid": UID}
    return Pod(None, Document({"metadata": metadata, "status": status}))  # type: ignore[arg-type] # never asked


@pytest.mark.parametrize(
    ("folder", "container"),
    [
        (f"seatrial/local/node/kubepods/burstable/pod{UID}", CONTAINER),
        (
            f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice",
            f"cri-containerd-{CONTAINER}.scope",
        ),
    ],
    ids=["cgroupfs", "systemd"],
)
def test_a_pod_is_found_by_its_groups(
    folder: str, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]
) -> None:
    group = tmp_path / folder / container
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(f"{process.pid}\n")
    monkeypatch.setattr(targets, "_tree", lambda: tmp_path)
    local = LocalPod.find(pod())
    assert local.group == tmp_path / folder
    assert local.container("main").processes == local.container().processes == (ProcessId.of(process.pid),)
    assert local.container().paused() == ProcessPause((ProcessId.of(process.pid),), "container main of pod shop/one")
    with pytest.raises(Inconclusive, match="runs main, not other"):
        local.container("other")


def test_a_pod_of_another_machine_is_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_tree", lambda: tmp_path)
    with pytest.raises(Inconclusive, match="are not on this machine"):
        LocalPod.find(pod())


def test_a_group_without_processes_is_no_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"pod{UID}").mkdir()
    monkeypatch.setattr(targets, "_tree", lambda: tmp_path)
    with pytest.raises(Inconclusive):
        LocalPod.find(pod())


def test_a_process_that_ended_is_nobody(process: subprocess.Popen[bytes]) -> None:
    found = ProcessId.of(process.pid)
    assert (found.there, name_of(process.pid)) == (True, "sleep")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert (found.there, found.state) == (False, "")
    found.signal(signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        ProcessId.of(process.pid)


def test_processes_are_counted_below_too(tmp_path: Path) -> None:
    for folder, numbers in (("a", "1\n2\n"), ("a/b", "3\n0\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cgroup.procs").write_text(numbers)
    assert processes_in(tmp_path) == (1, 2, 3)
