"""Runs in processes of their own: what they are told, what is read of them, and how they are ended."""

from __future__ import annotations

import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from suites.sabotage import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Interrupts whoever started it, and says so when it is asked to end, as a run that cleans up behind itself does.
PATIENT = """
import os, signal, sys
def end(*_):
    open(sys.argv[1], "w").write("cleaned up")
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
os.kill(os.getppid(), signal.SIGINT)
signal.pause()
"""


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_is_passed_on_and_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PATIENT, str(tmp_path / "mark")]
    with (tmp_path / "output").open("wb") as output, pytest.raises(KeyboardInterrupt):
        running._ended(command, output.fileno(), timedelta(minutes=1))
    assert (tmp_path / "mark").read_text() == "cleaned up"


def test_a_run_that_is_refused_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "of-another-time").touch()
    with pytest.raises(UsageError, match=r"was refused: .*99"):
        running.features(tmp_path / "run", "--req", "99.9")
    assert not (tmp_path / "run" / "of-another-time").exists()


def test_a_run_without_a_record_has_no_scenarios_and_its_last_words(tmp_path: Path) -> None:
    done = running.features(tmp_path / "run", "--sabotage", "no-spread", "--collect-only", "-q")
    assert done.code == 0
    assert done.scenarios == {}
    assert "1/" in done.last
    assert "tests collected" in done.last
