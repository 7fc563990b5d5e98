"""The run directory: one folder per run, in which the journal is the truth and everything else is made from it."""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from seatrial.audit import Broken, Inconsistent, Replay, RunRecord, parse
from seatrial.audit.files import replace_file
from seatrial.audit.statement import JOURNAL
from seatrial.audit.verify import RESULTS
from seatrial.errors import UsageError
from seatrial.evidence.compare import Changes, compare
from seatrial.evidence.formats import FORMATS
from seatrial.evidence.words import slug

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

RETAINED = 20
_LATEST = "latest"
_RECORD = TypeAdapter(RunRecord)


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run.

    ``events.jsonl`` is its journal; ``results.json`` (a RunRecord) and a file for each of the formats in which a run
    can be read (``report.html``, ``junit.xml`` and others) are made from it at the end; beside them lies what was kept
    for the run (``documents``) and for each scenario (``scenarios``).
    """

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

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / JOURNAL

    def scenario_folder(self, number: int, name: str) -> Path:
        """Return the folder for what scenario *number* (from 1) leaves; made by whoever first writes to it."""
        return self.path / "scenarios" / f"{number:03d}-{slug(name)}"

    def write(self, record: RunRecord) -> None:
        """Write *record* as results.json and in each format, each in one step: a killed run leaves no half file."""
        results = {"verdict": str(record.verdict), "opens_gate": record.opens_gate}
        results |= _RECORD.dump_python(record, mode="json")
        replace_file(self.path / RESULTS, json.dumps(results, indent=2, ensure_ascii=True).encode() + b"\n")
        changes = changes_since(self.path, record)
        for form in FORMATS.values():
            replace_file(self.path / form.file, form.make(record, changes, self.path))

    @property
    def written(self) -> bool:
        """Whether results.json and each format are there; of a run that was killed they are not."""
        return all((self.path / name).is_file() for name in (RESULTS, *(form.file for form in FORMATS.values())))


def load_run(directory: Path) -> RunRecord:
    """Make the record of the run in *directory* from its journal.

    A run that was killed has no end; a line that it did not finish is passed over. Raises UsageError if there is no
    journal, or one that is not as it was written.
    """
    file = directory / JOURNAL
    try:
        return Replay.of(parse(file.read_bytes()).events).record
    except FileNotFoundError as error:
        raise UsageError(f"{directory} holds no run: give the folder of one, or run the features first.") from error
    except (OSError, Broken, Inconsistent, LookupError) as error:
        raise UsageError(
            f"{file} cannot be read as the journal of a run ({error}): give the folder of another run."
        ) from error


def retained(runs: Path) -> tuple[Path, ...]:
    """Return the folders of the runs below *runs*, oldest first."""
    found = [entry for entry in runs.glob("*-*Z-*") if (entry / JOURNAL).is_file() and not entry.is_symlink()]
    return tuple(sorted(found))


def retire(runs: Path, keep: int) -> tuple[Path, ...]:
    """Remove all but the *keep* newest runs below *runs*; return what was removed."""
    doomed = retained(runs)[:-keep] if keep > 0 else ()
    for directory in doomed:
        shutil.rmtree(directory)
    return doomed


def changes_since(run: Path, record: RunRecord) -> Changes | None:
    """Hold *record*, of the run in the folder *run*, against the run before it; None if there is none."""
    earlier = run_before(run, record)
    return compare(earlier, record) if earlier is not None else None


def run_before(run: Path, record: RunRecord) -> RunRecord | None:
    """Return the run before *record*, which is of the run in the folder *run*; None if there is none.

    That is the newest earlier run beside it that was on the same target; one that cannot be read is passed over.
    """
    for earlier in reversed(retained(run.parent)):
        if earlier.name < run.name and _target_of(earlier) == (record.target, str(record.label)):
            with suppress(UsageError):
                return load_run(earlier)
    return None


def _target_of(run: Path) -> tuple[str, str] | None:
    """Return the target of the run in the folder *run* and its label, by the first line of its journal alone."""
    try:
        with (run / JOURNAL).open("rb") as journal:
            data = json.loads(journal.readline())["data"]
        return str(data["target"]), str(data["label"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def latest_run(runs: Path) -> Path:
    """Return the folder of the last run below *runs*; raises UsageError if there is none."""
    link = runs / _LATEST
    if not link.exists():
        raise UsageError(f"There is no run in {runs} yet: run the features first, with ./nox -s e2e.")
    return link.resolve()
