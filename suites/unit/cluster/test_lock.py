"""One user of the cluster at a time, and no lock outlives its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.cluster.layout import Layout
from seatrial.cluster.lock import lock
from seatrial.errors import UsageError
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD = """
import sys
from seatrial.cluster.layout import Layout
from seatrial.cluster.lock import lock
with lock(Layout(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    del tmp_path
    chosen = Layout(f"test-{os.getpid()}")
    monkeypatch.setattr(sys, "argv", ["tester"])
    return chosen


@pytest.fixture
def holder(layout: Layout) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, layout.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()
    layout.lock.unlink(missing_ok=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="the lock is root's")
def test_a_second_user_that_does_not_wait_is_told_who_the_first_is(
    layout: Layout, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(UsageError, match=rf"^The embedded cluster is in use by process {holder.pid} .*\.$"),
        lock(layout, wait=False),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="the lock is root's")
def test_a_second_user_waits_until_the_first_is_gone_even_if_killed(
    layout: Layout, holder: subprocess.Popen[str]
) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        holder.send_signal(signal.SIGKILL)

    with lock(layout, say=say):
        assert holder.wait(5) == -signal.SIGKILL
    assert said == [f"The embedded cluster is in use by process {holder.pid} (-c); waiting."]


@pytest.mark.skipif(os.geteuid() != 0, reason="the lock is root's")
def test_the_lock_is_free_once_its_holder_ended(layout: Layout, holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    eventually(holder.poll, until=lambda code: code == 0, within=timedelta(seconds=5), what="the holder ends")
    with lock(layout, wait=False):
        pass
