"""One experiment under way: its limits, the faults that it has done, and the order to break off."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.chaos.injection import CleanUpFailed, inject
from seatrial.chaos.journal import Journal
from seatrial.chaos.limits import Limits, Touched
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from seatrial.chaos.fault import Fault
    from seatrial.chaos.ground import Ground
    from seatrial.chaos.injection import Injection
    from seatrial.chaos.times import Timeline


class BrokenOff(Exception):
    """The experiment was broken off: the steady state was left for longer than it may be."""


@dataclass
class Session:
    """What an experiment may do and has done. *ground* is made when it is needed first.

    *failed* says what an action could not do, *refused* why one was not let to.
    """

    limits: Limits
    make_ground: Callable[[], Ground]
    journal: Journal = field(default_factory=Journal)
    clock: Callable[[], float] = time.monotonic
    touched: Touched = field(init=False)
    held: list[Injection] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)
    why_broken_off: str = ""
    failed: str = ""
    refused: UsageError | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _left_since: float | None = None
    _ground: Ground | None = None

    def __post_init__(self) -> None:
        self.touched = Touched(self.limits)

    @property
    def ground(self) -> Ground:
        """The cluster that it is done to."""
        if self._ground is None:
            self._ground = self.make_ground()
        return self._ground

    def do(self, fault: Fault) -> str:
        """Do *fault* until the experiment undoes it or ends; return what shows that it is in effect.

        Raises BrokenOff when the experiment was broken off before.
        """
        self.go_on()
        done = inject(fault, lasting=self.limits.longest, journal=self.journal)
        self.held.append(done)
        return f"{done.lease}: {done.shown}"

    def go_on(self) -> None:
        """Raise BrokenOff when the experiment was broken off."""
        if self._over.is_set():
            raise BrokenOff(self.why_broken_off)

    def hold(self, length: timedelta) -> None:
        """Return after *length*, or raise BrokenOff as soon as the experiment is broken off."""
        self._over.wait(length.total_seconds())
        self.go_on()

    def seen(self, *, steady: bool, what: str) -> None:
        """Take note of one look at the steady state, and break off once it was left for longer than it may be."""
        now = self.clock()
        if steady:
            self._left_since = None
            return
        self._left_since = now if self._left_since is None else self._left_since
        left = now - self._left_since
        if left >= self.limits.deviation and not self._over.is_set():
            limit = self.limits.deviation
            self.why_broken_off = f"the steady state was left for {left:.1f} s, more than {limit:g} s: {what}"
            self._over.set()

    def undo(self) -> None:
        """Undo all that is held, last first; one that cannot be undone keeps back no other. Raises CleanUpFailed."""
        failures = []
        while self.held:
            done = self.held.pop()
            try:
                self.timelines.append(done.end())
            except CleanUpFailed as error:
                failures.append(str(error))
        if failures:
            raise CleanUpFailed("; ".join(failures))

    def close(self) -> None:
        """Undo all that is held, and let go of the cluster. Raises CleanUpFailed."""
        try:
            self.undo()
        finally:
            if self._ground is not None:
                self._ground.close()


_current: list[Session] = []


def begin(session: Session) -> None:
    """Let *session* be the one of the experiment that begins. Raises UsageError when there is one already."""
    if _current:
        raise UsageError("An experiment is under way in this process: let it end first.")
    _current.append(session)


def under_way() -> bool:
    """Whether an experiment is under way in this process."""
    return bool(_current)


def current() -> Session:
    """Return the session of the experiment under way. Raises UsageError when there is none."""
    if not _current:
        raise UsageError(
            "No limits were declared for what is about to be done: let the experiment have the control "
            "seatrial.chaos.control, and the extension seatrial."
        )
    return _current[-1]


def finish(session: Session) -> None:
    """Let *session* be over."""
    if session in _current:
        _current.remove(session)
