"""``python -m seatrial.chaos.reaper FOLDER``: undo faults whose owner died or whose time is over; end with the last.

It is outside of every test process and knows nothing but the leases.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos.injection import undo
from seatrial.chaos.journal import Journal
from seatrial.chaos.owner import since_boot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.chaos.lease import Lease

# As long as something fails, it is tried again this often, for this long; then it is left to the next run's sweep.
_AGAIN = 2.0
_GIVES_UP = timedelta(minutes=10)
_LOOKS = 1.0
_PROOF = timedelta(seconds=10)


def main() -> int:
    """Be the reaper of the journal in the folder given; return at once if there is one already."""
    journal = Journal(Path(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # Whoever ends a run by a signal to all its processes means the run, not the undoing of its faults.
        signal.signal(number, signal.SIG_IGN)
    with journal.reaper_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        return _reap(journal, lock.fileno())


def _reap(journal: Journal, lock: int) -> int:
    failing_since: float | None = None
    while True:
        leases = journal.leases()
        orphaned = [lease for lease in leases if lease.orphaned]
        failed = [failure for lease in orphaned for failure in undo(lease, journal, within=_PROOF)]
        for failure in failed:
            sys.stderr.write(f"{failure}\n")
        sys.stderr.flush()
        if not failed:
            failing_since = None
        elif failing_since is None:
            failing_since = since_boot()
        given_up = failing_since is not None and since_boot() - failing_since > _GIVES_UP.total_seconds()
        with journal.alone():
            left = journal.leases()
            if not left or (given_up and all(lease.orphaned for lease in left)):
                # Given back while nobody can write: whoever writes next sees that there is none, and starts one.
                fcntl.flock(lock, fcntl.LOCK_UN)
                return 1 if left else 0
        _pause(left, _AGAIN if failed else _LOOKS)


def _pause(leases: Iterable[Lease], longest: float) -> None:
    """Return when an owner ends, when the next lease does, or after *longest* seconds."""
    until = min((lease.expires - since_boot() for lease in leases), default=longest)
    with ExitStack() as stack:
        poll = select.poll()
        for process in {lease.owner.process for lease in leases if not lease.orphaned}:
            with suppress(OSError):
                descriptor = os.pidfd_open(process)
                stack.callback(os.close, descriptor)
                poll.register(descriptor, select.POLLIN)
        poll.poll(max(0.01, min(longest, until if until > 0 else longest)) * 1000)


if __name__ == "__main__":
    sys.exit(main())
