"""What an uploaded file may be: its name, its kind, and whether its first bytes are those of that kind."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

_LONGEST_NAME: Final = 200
_SEPARATORS = re.compile(r"[/\\]")
# Bytes that tell the kinds apart (https://mimesniff.spec.whatwg.org/, sections 6.1 and 7).
ENOUGH: Final = 16
TEXT: Final = "text/plain"
_BEGINNINGS: Final[dict[str, Callable[[bytes], bool]]] = {
    "image/png": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": lambda head: head.startswith(b"\xff\xd8\xff"),
    "image/gif": lambda head: head.startswith((b"GIF87a", b"GIF89a")),
    "image/webp": lambda head: head.startswith(b"RIFF") and head[8:14] == b"WEBPVP",
    "application/pdf": lambda head: head.startswith(b"%PDF-"),
    TEXT: lambda head: not head.startswith((b"\x7fELF", b"MZ", b"PK\x03\x04", b"%PDF-")),
}
KINDS: Final = tuple(_BEGINNINGS)


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded; *size* is in bytes, *sha256* in hexadecimal digits."""

    id: UUID
    name: str
    size: int
    content_type: str
    sha256: str
    uploaded_at: datetime


class NotWhatItSays(Exception):
    """The content is not of the kind that it was said to be."""


def safe_name(given: str) -> str | None:
    """Return the last part of a path that somebody gave as a file's name, without what could do harm.

    None if nothing is left. Folders, control and formatting characters (such as those that turn the direction of text
    round) are taken away.
    """
    last = _SEPARATORS.split(given)[-1]
    kept = "".join(one for one in last if unicodedata.category(one)[0] != "C").strip(" .")
    return kept[:_LONGEST_NAME] or None


def kind_of(content_type: str) -> str | None:
    """Return which of `KINDS` a Content-Type names, if any; text must be in UTF-8 if it says what it is in."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind not in _BEGINNINGS:
        return None
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    return kind if charset in ("", "utf-8", "us-ascii") else None


class Inspection:
    """Looks at a file of *kind* as its parts come."""

    def __init__(self, kind: str) -> None:
        self._begins = _BEGINNINGS[kind]
        self._head: bytes | None = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")() if kind == TEXT else None

    def see(self, part: bytes, *, last: bool = False) -> None:
        """Look at the next *part*; raises NotWhatItSays."""
        if self._head is not None:
            self._head += part[:ENOUGH]
            if len(self._head) >= ENOUGH or last:
                if not self._begins(self._head):
                    raise NotWhatItSays
                self._head = None
        if self._decoder is not None:
            try:
                text = self._decoder.decode(part, final=last)
            except UnicodeDecodeError:
                raise NotWhatItSays from None
            if "\0" in text:
                raise NotWhatItSays


def disposition(name: str) -> str:
    """Return the Content-Disposition by which a browser saves a file under *name* (RFC 6266, RFC 8187)."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
