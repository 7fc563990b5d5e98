"""The journal of a run: one JSON object per line, each bound to all before it by a hash.

A line is ``{"chain":"<64 hexadecimal digits>",`` followed by the rest of the object. The digits are the SHA-256 of the
digest before (of the first line: of the journal's own name) and the bytes of the object without its chain: no line can
be changed, moved, dropped or put in without changing every digest after it. A line is written by one call, so that a
killed writer leaves it whole, or torn and recognisable as such at the very end.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = "seatrial-journal/1"
GENESIS = hashlib.sha256(FORMAT.encode()).digest()
_OPENING = b'{"chain":"'
_DIGITS = 64
# One encoder for all lines: json.dumps would make a new one for each.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_BODY = len(_OPENING) + _DIGITS + 2
_DECODER = json.JSONDecoder()


class Broken(Exception):
    """A journal is not what was written: *line* (from 1) is the first that does not fit, *why* says how."""

    def __init__(self, line: int, why: str) -> None:
        self.line = line
        self.why = why
        super().__init__(f"line {line} of the journal {why}")


@dataclass(frozen=True)
class Event:
    """One line: its *number* from 1, when it was written, what *kind* of event it tells of, and its *data*."""

    number: int
    at: datetime
    kind: str
    data: Mapping[str, object]


@dataclass(frozen=True)
class Chain:
    """A whole journal. *head* is the last line's digest, *torn* how many bytes of an unfinished line follow it."""

    events: tuple[Event, ...]
    head: str
    torn: int = 0


class Journal:
    """A journal under way; what is appended is in the file before `append` returns, whichever thread asks."""

    def __init__(self, file: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin the journal *file*, which must not exist."""
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._clock = clock
        self._lock = threading.Lock()
        self._digest = GENESIS
        self._count = 0
        self._size = 0

    @property
    def head(self) -> str:
        """The digest of the last line."""
        return self._digest.hex()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._count

    def append(self, kind: str, data: Mapping[str, object]) -> Event:
        """Add an event; return it as a reader will see it, if *data* holds nothing that JSON would make another of.

        Raises OSError when it cannot be written whole (a full disk); the journal then ends before it. Raises ValueError
        for what JSON cannot hold, not-a-number among it.
        """
        with self._lock:
            at = self._clock()
            number = self._count + 1
            text = _encode({"number": number, "at": at.isoformat(), "kind": kind, "data": data})
            # A lone surrogate (a file name that is no UTF-8) becomes \udcXX, which JSON reads as what it was.
            body = text.encode("utf-8", errors="backslashreplace")[1:]
            digest = hashlib.sha256(self._digest + body).digest()
            line = _OPENING + digest.hex().encode() + b'",' + body + b"\n"
            self._write(line)
            self._digest = digest
            self._count = number
        return Event(number, at, kind, data)

    def _write(self, line: bytes) -> None:
        written = os.write(self._handle, line)
        if written != len(line):
            # What stands of the line goes, so that the next one does not follow on half a line.
            os.ftruncate(self._handle, self._size)
            raise OSError(f"only {written} of {len(line)} bytes of a journal line were written")
        self._size += written

    def settle(self) -> None:
        """Return once all that was appended has reached the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Settle, and end the journal."""
        self.settle()
        os.close(self._handle)


def parse(content: bytes) -> Chain:
    """Read a journal, checking each line against the one before.

    Bytes after the last line break are a line that was not finished; they are counted, not read. Raises Broken at the
    first line that does not fit.
    """
    lines = content.split(b"\n")
    torn = len(lines.pop())
    digest = GENESIS
    events = []
    for number, line in enumerate(lines, start=1):
        body = line[_BODY:]
        wanted = hashlib.sha256(digest + body).digest()
        if line[:_BODY] != _OPENING + wanted.hex().encode() + b'",':
            raise Broken(number, "does not follow from the lines before it")
        digest = wanted
        events.append(_event(number, body))
    return Chain(tuple(events), digest.hex(), torn)


def _event(number: int, body: bytes) -> Event:
    try:
        # json.loads would guess an encoding and look for blanks, line by line: half of its time, for what is not there.
        text = "{" + body.decode()
        found, end = _DECODER.raw_decode(text)
        at = datetime.fromisoformat(found["at"])
        kind, data = found["kind"], found["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Broken(number, "is no event") from error
    if found["number"] != number or end != len(text) or at.tzinfo is None:
        raise Broken(number, "has another line's number, a time without its offset, or more than an event")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise Broken(number, "is no event")
    return Event(number, at, kind, data)
