"""Progress that a person can follow: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_HEARTBEAT = timedelta(seconds=30)


@dataclass(frozen=True)
class PhaseTime:
    """How long one finished phase took."""

    title: str
    duration: timedelta


class Phase(Protocol):
    """A piece of work under way."""

    def note(self, text: str) -> None:
        """Say what the work is at just now; replaces the note before."""


class Progress(Protocol):
    """Where work reports what it does and how far it is."""

    @property
    def finished(self) -> tuple[PhaseTime, ...]:
        """The phases that ended without an error, in the order of their ends."""

    def phase(self, title: str, *, expected: timedelta | None = None) -> AbstractContextManager[Phase, bool | None]:
        """Open a phase; *expected* is shown beside the elapsed time. Phases may overlap, also across threads."""

    def say(self, text: str) -> None:
        """Print one line that stays."""


def _seconds(duration: timedelta) -> str:
    total = duration.total_seconds()
    return f"{total:.1f} s" if total < 100 else f"{int(total // 60)} min {int(total % 60)} s"  # noqa: PLR2004


@dataclass
class _PlainPhase:
    title: str
    write: Callable[[str], None]
    last: str = ""

    def note(self, text: str) -> None:
        if text != self.last:
            self.last = text
            self.write(f"{self.title}: {text}")


@dataclass
class PlainProgress:
    """Lines for logs: one when a phase starts, one when it ends, one each half minute in between."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _finished: list[PhaseTime] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def finished(self) -> tuple[PhaseTime, ...]:
        return tuple(self._finished)

    def say(self, text: str) -> None:
        with self._lock:
            self.console.print(
                f"[{self.clock() - self._started:7.1f} s] {text}", markup=False, highlight=False, soft_wrap=True
            )

    @contextmanager
    def phase(self, title: str, *, expected: timedelta | None = None) -> Iterator[Phase]:
        start = self.clock()
        hint = f" (about {_seconds(expected)})" if expected else ""
        self.say(f"{title} ...{hint}")
        done = threading.Event()

        def beat() -> None:
            while not done.wait(_HEARTBEAT.total_seconds()):
                self.say(f"{title}: {_seconds(timedelta(seconds=self.clock() - start))} so far{hint}")

        threading.Thread(target=beat, daemon=True, name=f"progress: {title}").start()
        try:
            yield _PlainPhase(title, self.say)
        except BaseException:
            self.say(f"{title}: stopped after {_seconds(timedelta(seconds=self.clock() - start))}")
            raise
        finally:
            done.set()
        duration = timedelta(seconds=self.clock() - start)
        self._finished.append(PhaseTime(title, duration))
        self.say(f"{title}: done in {_seconds(duration)}")


@dataclass
class _LivePhase:
    live: RichProgress
    task: TaskID

    def note(self, text: str) -> None:
        self.live.update(self.task, note=text)


@dataclass
class LiveProgress:
    """A line per running phase with a spinner, its time and the time expected; a line stays for each finished one."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    _finished: list[PhaseTime] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: RichProgress | None = None
    _open: int = 0

    @property
    def finished(self) -> tuple[PhaseTime, ...]:
        return tuple(self._finished)

    def say(self, text: str) -> None:
        (self._live.console if self._live else self.console).print(text, markup=False, highlight=False)

    def _enter(self) -> RichProgress:
        with self._lock:
            if self._live is None:
                self._live = RichProgress(
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    TimeElapsedColumn(),
                    TextColumn("[dim]{task.fields[hint]} {task.fields[note]}"),
                    console=self.console,
                    transient=True,
                )
                self._live.start()
            self._open += 1
            return self._live

    def _leave(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._live is not None:
                self._live.stop()
                self._live = None

    @contextmanager
    def phase(self, title: str, *, expected: timedelta | None = None) -> Iterator[Phase]:
        start = self.clock()
        live = self._enter()
        hint = f"of about {_seconds(expected)}" if expected else ""
        task = live.add_task(title, total=None, hint=hint, note="")
        try:
            yield _LivePhase(live, task)
            duration = timedelta(seconds=self.clock() - start)
            self._finished.append(PhaseTime(title, duration))
            live.console.print(f"[green]✓[/] {title} [dim]{_seconds(duration)}[/]", highlight=False)
        except BaseException:
            live.console.print(f"[red]✗[/] {title}", highlight=False)
            raise
        finally:
            live.remove_task(task)
            self._leave()


def open_progress(console: Console | None = None) -> Progress:
    """Return live progress when *console* (stderr if not given) is a terminal, plain lines when it is not."""
    console = console or Console(stderr=True)
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)
