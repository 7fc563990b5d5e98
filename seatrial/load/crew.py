"""A process that acts in the background, where a busy test does not disturb its pace, until it is told to stop."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True)
class Crew:
    """One such process; *name* is what people call it. It ends with the one that started it, however that ends."""

    name: str
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, name: str, *, program: str, plan: str, under_way: str) -> Crew:
        """Run the module *program*, give it the one line of its *plan*, and return once it has said *under_way*.

        Raises Inconclusive when it says anything else, or nothing.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        crew = cls(name, process)
        try:
            crew._begin(plan, under_way)
        except BaseException:
            crew.kill()
            raise
        return crew

    def stop(self, *, within: timedelta) -> None:
        """Tell it to stop, and return once it has ended; raises Inconclusive when it does not, or has died before."""
        try:
            self._say("stop")
            self.process.wait(within.total_seconds())
        except (BrokenPipeError, subprocess.TimeoutExpired) as error:
            raise Inconclusive(
                f"{self.name} did not end in good order: {self._last_words()}", Missing.SAMPLES
            ) from error
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                # What was still to be said to a process that has ended is of no use to anyone.
                with suppress(BrokenPipeError):
                    stream.close()

    def _begin(self, plan: str, under_way: str) -> None:
        self._say(plan)
        if self.process.stdout is None or self.process.stdout.readline().strip() != under_way:
            raise Inconclusive(f"{self.name} did not start: {self._last_words()}", Missing.TRAFFIC)

    def _say(self, line: str) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _last_words(self) -> str:
        self.process.kill()
        self.process.wait()
        said = self.process.stderr.read() if self.process.stderr is not None else ""
        return said.strip().splitlines()[-1] if said.strip() else f"exit code {self.process.returncode}"
