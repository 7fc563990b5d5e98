"""The run directory: one folder per run, in which every file is whole or absent."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from seatrial.errors import UsageError
from seatrial.evidence.junit import junit
from seatrial.evidence.records import RunRecord

if TYPE_CHECKING:
    from datetime import datetime

RESULTS = "results.json"
_LATEST = "latest"
_RECORD = TypeAdapter(RunRecord)


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run: ``results.json`` (a RunRecord), ``junit.xml``, and a folder per scenario."""

    path: Path

    @classmethod
    def create(cls, runs: Path, started: datetime) -> RunDirectory:
        """Make a new folder below *runs*, named by the time and a few random letters; *runs*/latest points to it."""
        made = cls(runs / f"{started:%Y-%m-%dT%H-%M-%SZ}-{secrets.token_hex(2)}")
        made.path.mkdir(parents=True)
        link = runs / f".{made.path.name}"
        link.symlink_to(made.path.name)
        link.replace(runs / _LATEST)
        return made

    @property
    def id(self) -> str:
        """The run's id, which is the folder's name."""
        return self.path.name

    def scenario_folder(self, number: int, name: str) -> Path:
        """Return the folder for what scenario *number* (from 1) leaves; made by whoever first writes to it."""
        return self.path / "scenarios" / f"{number:03d}-{slug(name)}"

    def write(self, record: RunRecord) -> None:
        """Write *record* as results.json and junit.xml, each in one step, so that a killed run leaves no half file."""
        _replace(self.path / RESULTS, _RECORD.dump_json(record, indent=2) + b"\n")
        _replace(self.path / "junit.xml", junit(record))


def slug(text: str, longest: int = 40) -> str:
    """Return *text* as lower-case letters, digits and dashes, at most *longest* of them; never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:longest].strip("-") or "scenario"


def load_run(directory: Path) -> RunRecord:
    """Read the record of the run in *directory*; raises UsageError if there is none or it cannot be read."""
    file = directory / RESULTS
    try:
        return _RECORD.validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"{directory} holds no run: give the folder of one, or run the features first.") from error
    except (OSError, ValidationError) as error:
        raise UsageError(f"{file} cannot be read as the record of a run: give the folder of another run.") from error


def latest_run(runs: Path) -> Path:
    """Return the folder of the last run below *runs*; raises UsageError if there is none."""
    link = runs / _LATEST
    if not link.exists():
        raise UsageError(f"There is no run in {runs} yet: run the features first, with ./nox -s e2e.")
    return link.resolve()


def _replace(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
