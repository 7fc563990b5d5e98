"""What a killed session leaves behind does not stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.waiting import eventually
from suites.services.backing import PostgreSQL, Scratch, processes_in, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.services.backing import RedisServer

_SESSION = """
import sys
from pathlib import Path
from suites.services.backing import PostgreSQL, RedisServer, Scratch
with Scratch.opened(Path(sys.argv[1])) as scratch:
    postgresql = PostgreSQL.created(scratch)
    postgresql.start()
    redis = RedisServer(scratch.room("redis"))
    redis.start()
    print(scratch.folder, flush=True)
    sys.stdin.read()
"""

_BRIEFLY = """
import sys
from pathlib import Path
from suites.services.backing import Scratch
for _ in range(50):
    with Scratch.opened(Path(sys.argv[1])) as scratch:
        (scratch.folder / "kept").touch()
        assert (scratch.folder / "kept").exists()
"""


@pytest.fixture
def base(scratch: Scratch) -> Iterator[Path]:
    """A folder for sessions, with a short name: a socket's path has 107 characters."""
    folder = scratch.folder / "b"
    folder.mkdir(mode=0o711)
    yield folder
    folder.rmdir()


@pytest.fixture
def session(base: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SESSION, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()
    sweep(base)


def test_servers_end_with_a_session_that_is_killed(session: subprocess.Popen[str], base: Path) -> None:
    assert session.stdout is not None
    folder = Path(session.stdout.readline().strip())
    assert len(processes_in(folder)) >= 2

    os.kill(session.pid, signal.SIGKILL)
    session.wait()
    eventually(
        lambda: processes_in(folder), until=lambda left: not left, within=timedelta(seconds=10), what="all ended"
    )
    removed = sweep(base)

    assert removed == (folder,)
    assert list(base.iterdir()) == []


def test_a_living_session_is_left_alone(session: subprocess.Popen[str], base: Path) -> None:
    assert session.stdout is not None
    folder = Path(session.stdout.readline().strip())

    assert sweep(base) == ()
    assert len(processes_in(folder)) >= 2


def test_sessions_that_begin_at_once_do_not_take_each_other_for_dead(base: Path) -> None:
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", _BRIEFLY, str(base)]
    together = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]

    said = [process.communicate()[1] for process in together]

    assert said == [""] * len(together)
    assert [process.returncode for process in together] == [0] * len(together)


def test_the_servers_run_as_an_ordinary_user(postgresql: PostgreSQL, redis_server: RedisServer) -> None:
    for server in (postgresql, redis_server):
        assert server.process is not None
        assert psutil.Process(server.process.pid).uids().effective != 0
