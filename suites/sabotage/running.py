"""Runs of features in processes of their own, each with a folder of its own for what it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.evidence import load_run
from seatrial.evidence.store import latest_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seatrial.audit import ScenarioRecord

ROOT = Path(__file__).resolve().parents[2]
LONGEST = timedelta(minutes=20)
_BAD_INPUT = (2, 4)
_LAST_LINES = 12


@dataclass(frozen=True)
class Ended:
    """A run that is over: its exit code, the scenarios that were selected, by id, and the last lines it printed."""

    code: int
    scenarios: Mapping[str, ScenarioRecord]
    last: str


def features(folder: Path, *options: str, within: timedelta = LONGEST) -> Ended:
    """Run the scenarios that *options* choose, keep what the run leaves in *folder*, and return once it is over.

    A signal that ends this process is passed on, and the run cleans up behind itself. Raises UsageError where it was
    refused, for something that the machine lacks or options that do not hold.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plugin = ("-p", "suites.sabotage.breaking", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "suites/acceptance", *plugin, f"--runs={folder}", *options]
    output = folder / "output.txt"
    with output.open("wb") as file:
        code = _ended(command, file.fileno(), within)
    last = "\n".join(output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
    if code in _BAD_INPUT:
        raise UsageError(f"The run in {folder} was refused: {' '.join(last.split())}")
    return Ended(code, _scenarios(folder), last)


def _ended(command: Sequence[str], output: int, within: timedelta) -> int:
    environment = {**os.environ, "SEATRIAL_LAUNCHER": str(os.getpid())}
    # In a session of its own, so that a signal from the keyboard reaches it once, through this process.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(within.total_seconds())
    except BaseException as error:
        process.send_signal(signal.SIGTERM)
        code = process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return code
        raise


def _scenarios(folder: Path) -> Mapping[str, ScenarioRecord]:
    try:
        record = load_run(latest_run(folder))
    except UsageError:
        return {}
    return {one.id: one for one in record.scenarios if one.selected}
