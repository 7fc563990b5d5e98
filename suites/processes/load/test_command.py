"""`seatrial load` as a person or a pipeline starts it, and ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.load.campaign import JUDGEMENT, REQUESTS
from seatrial.waiting import eventually
from suites.load.crews import peer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ATTEMPTS = 5
SOON = timedelta(seconds=60)
COMMAND = (sys.executable, "-c", "from seatrial.cli import main; main()", "load")
PROFILE = """
limits = { success = 0.9, share = 0.9, latency = LIMIT }
arrivals = "even"

[[stage]]
name = "only"
seconds = SECONDS
rate = 50
"""


def profile(folder: Path, *, seconds: float = 2, limit: float = 5) -> str:
    file = folder / "short.toml"
    file.write_text(PROFILE.replace("SECONDS", str(seconds)).replace("LIMIT", str(limit)))
    return str(file)


def loading(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False, timeout=180)


def test_a_run_that_passes_says_so_and_leaves_a_record(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with peer() as target:
        for _ in range(_ATTEMPTS):
            ended = loading("--profile", profile(tmp_path), "--url", target.url, "--get", "/a", "--out", str(out))
            # A busy machine may hold the generator up, which says so.
            if "did not keep up" not in ended.stdout:
                break
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert "short load: passed" in ended.stdout
    assert "100 of 100 requests ended, 0 of them failed" in ended.stderr
    said = json.loads((out / JUDGEMENT).read_text())
    assert (said["verdict"], said["stages"][0]["achieved"]) == ("passed", 1.0)
    again = loading("--profile", profile(tmp_path), "--again", str(out))
    assert (again.returncode, "short load: passed" in again.stdout) == (0, True)
    stricter = loading("--profile", profile(tmp_path, limit=1e-6), "--again", str(out))
    assert (stricter.returncode, "short load: failed" in stricter.stdout) == (1, True)


def test_a_record_that_ended_early_is_inconclusive(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with peer() as target:
        loading("--profile", profile(tmp_path), "--url", target.url, "--get", "/a", "--out", str(out))
    again = loading("--profile", profile(tmp_path, seconds=4), "--again", str(out))
    assert (again.returncode, "short load: inconclusive" in again.stdout) == (1, True)
    assert "0 of 1 stages" in again.stdout


def test_what_cannot_be_done_is_said_in_one_sentence() -> None:
    ended = loading("--profile", "none", "--url", "http://a")
    assert ended.returncode == 2
    assert "there is no profile 'none'" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_generator_that_is_held_up_dies_with_whoever_is_killed_meanwhile(tmp_path: Path) -> None:
    options = ("--profile", profile(tmp_path, seconds=300), "--get", "/a", "--out", str(tmp_path / "out"))
    with (
        peer() as target,
        subprocess.Popen([*COMMAND, *options, "--url", target.url], stderr=subprocess.DEVNULL) as run,
    ):
        (generator,) = eventually(
            psutil.Process(run.pid).children, until=bool, within=SOON, what="the generator is there"
        )
        eventually((tmp_path / "out" / REQUESTS).exists, until=bool, within=SOON, what="it is at work")
        generator.suspend()
        run.kill()
        eventually(generator.is_running, until=lambda runs: not runs, within=SOON, what="the generator is gone")


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        pytest.param([signal.SIGINT], 130, id="INT"),
        pytest.param([signal.SIGTERM], 130, id="TERM"),
        pytest.param([signal.SIGHUP], 130, id="HUP"),
        pytest.param([signal.SIGINT, signal.SIGINT], 130, id="INT twice"),
        pytest.param([signal.SIGKILL], -9, id="KILL"),
    ],
)
def test_whoever_ends_it_ends_the_generator_and_can_read_the_record(
    signals: Sequence[signal.Signals], code: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--profile", profile(tmp_path, seconds=300), "--get", "/a", "--out", str(out))
    with (
        peer() as target,
        subprocess.Popen(
            [*COMMAND, *options, "--url", target.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as command,
    ):
        file = out / REQUESTS
        eventually(
            lambda: file.exists() and file.read_bytes().count(b"\n"),
            until=lambda lines: lines > 50,
            within=SOON,
            what="fifty answers",
        )
        (generator,) = psutil.Process(command.pid).children()
        for number in signals:
            command.send_signal(number)
        assert command.wait(60) == code
        eventually(generator.is_running, until=lambda runs: not runs, within=SOON, what="the generator is gone")
    requests = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(requests) > 50
    assert {one["status"] for one in requests} == {200}
    if code == 130:
        assert json.loads((out / JUDGEMENT).read_text())["findings"][0]["what"] == "it was interrupted"
    again = loading("--profile", profile(tmp_path), "--again", str(out))
    assert (again.returncode, "inconclusive" in again.stdout) == (1, True)
