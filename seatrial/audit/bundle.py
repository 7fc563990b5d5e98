"""Making a bundle: one signed file that holds all evidence of a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seatrial.audit.container import compress, wrap
from seatrial.audit.dsse import canonical, seal
from seatrial.audit.files import replace_file
from seatrial.audit.journal import Broken, parse
from seatrial.audit.keys import key_id
from seatrial.audit.refusal import NotVerified
from seatrial.audit.replay import Inconsistent, Replay
from seatrial.audit.statement import JOURNAL, statement
from seatrial.audit.verify import kept, verify
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENDING = ".seatrial"


def make_bundle(directory: Path, key: Ed25519PrivateKey, output: Path | None = None) -> Path:
    """Put the run in *directory* into a bundle signed by *key*; return its path, ``<run-id>.seatrial`` there.

    A bundle that would not be verified is not made. Raises UsageError if the run's files do not belong together, or
    *output* cannot be written.
    """
    try:
        files = _read(directory)
        content = pack(files, key)
        found = verify(content, {key_id(key.public_key()): key.public_key()})
    except FileNotFoundError as error:
        raise UsageError(
            f"{error.filename} is missing, so {directory} holds no whole run: give the folder of another."
        ) from error
    except (OSError, Broken, Inconsistent, LookupError, ValueError, NotVerified) as error:
        raise UsageError(f"The run in {directory} cannot be bundled ({error}): give the folder of another.") from error
    if not re.fullmatch(r"[\w.-]+", found.record.id):
        raise UsageError(f"The run's id {found.record.id!r} is no name for a file: give the folder of another.")
    file = output or directory / (found.record.id + ENDING)
    try:
        replace_file(file, content)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): give another place with --output.") from error
    return file


def pack(files: Mapping[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """Return the bundle of the run that consists of *files*, by path, signed by *key*.

    Raises Broken, Inconsistent or LookupError if its journal is not that of a run, ValueError if a bundle cannot hold
    the files.
    """
    chain = parse(files[JOURNAL])
    record = Replay.of(chain.events).record
    run = compress(files)
    return wrap(seal(canonical(statement(chain, record, files, run)), key), run)


def _read(directory: Path) -> Mapping[str, bytes]:
    """Read the journal, what it says was kept, and what was made from it, which lies at the top of the folder."""
    journal = (directory / JOURNAL).read_bytes()
    events = parse(journal).events
    made = [
        entry.name
        for entry in directory.iterdir()
        if entry.is_file() and not entry.is_symlink() and not entry.name.startswith(".") and entry.suffix != ENDING
    ]
    # The journal may grow meanwhile; what was read is what is bundled.
    return {**{path: (directory / path).read_bytes() for path in sorted({*kept(events), *made})}, JOURNAL: journal}
