"""Starting the reaper: one process per journal, outside of the session of whoever does a fault."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.waiting import eventually

if TYPE_CHECKING:
    from seatrial.chaos.journal import Journal

_STARTS_WITHIN = timedelta(seconds=20)


def reaper_runs(journal: Journal) -> bool:
    """Whether the reaper of *journal* runs."""
    journal.reaper_lock.parent.mkdir(parents=True, exist_ok=True)
    with journal.reaper_lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def ensure_reaper(journal: Journal) -> None:
    """Return once the reaper of *journal* runs; the caller has the journal to itself until its lease is written.

    It is nobody's child and in a session of its own, so that whatever ends this process, its terminal or its whole
    session does not reach it. Raises NotObserved when it does not start.
    """
    if reaper_runs(journal):
        return
    with (journal.folder / "reaper.log").open("ab") as log:
        # setsid forks and does not wait: the reaper is not this process's child.
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-P", "-m", "seatrial.chaos.reaper", str(journal.folder)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=dict(os.environ),
        )
    eventually(lambda: reaper_runs(journal), until=bool, within=_STARTS_WITHIN, what="the reaper of faults starts")
