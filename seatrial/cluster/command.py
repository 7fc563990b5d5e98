"""Running other programs: output captured, a failure told with the program's own last words."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.witness import tell_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class CommandFailed(Exception):
    """A program ended with an error; carries its name, exit code and the end of what it printed."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        """Keep what happened; *output* is stdout and stderr together."""
        self.command = tuple(command)
        self.code = code
        self.output = output
        tail = "\n".join(output.strip().splitlines()[-12:])
        super().__init__(f"{' '.join(command[:6])} ended with code {code}:\n{tail}")


def run(
    command: Sequence[str | Path],
    *,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: timedelta | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end and return what it printed.

    Raises CommandFailed when *check* is set and the exit code is not 0, subprocess.TimeoutExpired after *timeout*.
    """
    words = [str(word) for word in command]
    began = time.monotonic()
    code: int | None = None
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
            timeout=None if timeout is None else timeout.total_seconds(),
        )
        code = done.returncode
    finally:
        tell_command(words, code, timedelta(seconds=time.monotonic() - began))
    if check and done.returncode != 0:
        raise CommandFailed(words, done.returncode, done.stdout + done.stderr)
    return done
