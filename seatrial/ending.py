"""Ending in good order: signals interrupt a run once, and the clean-up behind it is left in peace."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_INSISTING = 3


@dataclass
class GoodOrder:
    """Turns the first SIGINT, SIGTERM or SIGHUP into KeyboardInterrupt, and lets the clean-up that follows go on.

    Later ones only say that it is cleaning up, because one Ctrl-C reaches each process of a terminal and is followed by
    the SIGTERM of whoever started this one. A person who presses Ctrl-C a third time means it.
    """

    say: Callable[[str], object]
    pressed: int = 0
    ending: bool = False

    def receive(self, number: int, frame: FrameType | None = None) -> None:
        """Handle one signal; raises KeyboardInterrupt if it is to interrupt."""
        del frame
        self.pressed += number == signal.SIGINT
        if not self.ending or (number == signal.SIGINT and self.pressed >= _INSISTING):
            self.ending = True
            raise KeyboardInterrupt
        self.say("Cleaning up; this takes a moment.")

    def install(self) -> Callable[[], None]:
        """Start to handle the signals, where that is possible (in the main thread); return what puts all back."""
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        before = {number: signal.signal(number, self.receive) for number in _SIGNALS}

        def put_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return put_back


def end_with(launcher: int) -> bool:
    """Ask the kernel to send SIGTERM here when the parent dies, if *launcher* is the parent; return whether it is.

    A launcher that is killed then leaves no run behind that nobody sees.
    """
    if os.getppid() != launcher:
        return False
    return bool(ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGTERM)) == 0)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, though it be stopped then and could notice nothing."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
