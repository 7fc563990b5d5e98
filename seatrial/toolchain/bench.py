"""The workbench: where one entry of the store is made, with child processes that never outlive their maker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, Protocol

from seatrial.toolchain.store import Manifest, Store, disk_use, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from seatrial.progress import Phase, Progress
    from seatrial.toolchain.store import Identity

_TAIL_LINES = 15


class BuildFailed(Exception):
    """A program could not be built; its text names the log and ends in the log's last lines."""


class Recipe(Protocol):
    """How one entry of the store is made."""

    @property
    def identity(self) -> Identity: ...
    @property
    def title(self) -> str:
        """What is done, for a person: "Building etcd v3.6.16"."""

    @property
    def version(self) -> str: ...
    @property
    def go(self) -> str:
        """The Go version that the entry is made with or is."""

    @property
    def expected(self) -> timedelta: ...
    @property
    def disk(self) -> int:
        """The bytes of free disk that making the entry takes at its peak."""

    def make(self, bench: Workbench) -> None:
        """Fill `bench.content` with all files of the entry."""


@dataclass(frozen=True)
class Workbench:
    """A working folder for one entry: scratch space, the folder to fill, and a way to run programs.

    The output of all programs goes to `log`. `lock` is the descriptor of the lock on the entry's name; programs
    inherit it, so that nobody sweeps the folder while one of them still writes there.
    """

    title: str
    folder: Path
    content: Path
    log: Path
    lock: int
    phase: Phase

    def run(self, command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path) -> str:
        """Run *command* in *folder* with exactly *environment*, and return its standard output.

        The log gets both outputs. Raises BuildFailed when the command cannot start or exits with an error. Whatever
        interrupts the wait (Ctrl-C, SIGTERM) kills the command with all its children first.
        """
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            answers = self.folder / "stdout"
            with answers.open("wb") as stdout:
                status = self._status(command, environment, folder, stdout.fileno(), log.fileno())
            output = answers.read_bytes()
            log.write(output)
        if status != 0:
            self._fail(f"{command[0]} ended with exit status {status}")
        return output.decode(errors="replace")

    def _status(
        self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, stdout: int, stderr: int
    ) -> int:
        # The kernel ends the child when this process dies without a chance to do so itself (SIGKILL).
        guard = [setpriv, "--pdeathsig", "KILL", "--"] if (setpriv := shutil.which("setpriv")) else []
        try:
            child = subprocess.Popen(
                [*guard, *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=(self.lock,),
            )
        except OSError as error:
            self._fail(f"{command[0]} could not be started ({error.strerror})")
        try:
            return child.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _fail(self, what: str) -> NoReturn:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        raise BuildFailed(
            "\n  ".join([f"{self.title}: {what}. The whole output is in {self.log}; it ends in:", *lines])
        )


@dataclass(frozen=True)
class Made:
    """An entry's manifest, and whether this call made the entry rather than found it."""

    manifest: Manifest
    fresh: bool


def produce(store: Store, recipe: Recipe, progress: Progress) -> Made:
    """Return *recipe*'s entry in *store*; make it first if it is missing or damaged.

    Waits for another process that makes the same one, and then takes its result. Raises BuildFailed, or UsageError
    when the disk is too full.
    """
    if present := store.find(recipe.identity):
        return Made(present, fresh=False)
    name = recipe.identity.name
    with store.lock(name, progress.say) as lock:
        if present := store.find(recipe.identity):
            return Made(present, fresh=False)
        store.require_space(recipe.disk, recipe.title)
        # The removal of the workspace takes its time too, so it belongs to the phase.
        with progress.phase(recipe.title, expected=recipe.expected) as phase, store.workspace(name) as folder:
            start = time.monotonic()
            content = folder / "content"
            content.mkdir()
            log = store.log(name)
            log.write_bytes(b"")
            recipe.make(Workbench(recipe.title, folder, content, log, lock, phase))
            phase.note("keeping what was made, removing the rest")
            manifest = Manifest(
                name=name,
                version=recipe.version,
                key=recipe.identity.key,
                go=recipe.go,
                duration=timedelta(seconds=round(time.monotonic() - start, 1)),
                disk=disk_use(folder),
                files=records(content),
            )
            store.publish(recipe.identity, manifest, content, folder / "replaced")
        return Made(manifest, fresh=True)


@contextmanager
def unwinding_when_terminated() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit(128 + signal) meanwhile, so that `finally` blocks run.

    Only in the main thread, and only where nobody else handles these signals.
    """

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
