"""Reading TOML files that people keep by hand, entry by entry, with a sentence for each thing that is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar

from seatrial.errors import UsageError
from seatrial.evidence.identity import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_Read = TypeVar("_Read")


@dataclass
class Entry:
    """One entry; *place* names it in a sentence. What is wrong with it is gathered in *troubles*."""

    place: str
    content: Mapping[str, object]
    troubles: list[str] = field(default_factory=list)

    def complain(self, trouble: str) -> None:
        """Note what is wrong."""
        self.troubles.append(f"{self.place}: {trouble}.")

    def text(self, key: str, meaning: str) -> str:
        """Return what stands at *key*; complain, with its *meaning*, if it is missing, empty or no text."""
        value = self.content.get(key)
        if not isinstance(value, str) or not value.strip():
            self.complain(f'the {key} is missing or empty: write {key} = "{meaning}"')
            return ""
        return " ".join(value.split())

    def texts(self, key: str, meaning: str) -> tuple[str, ...]:
        """Return the texts in the list at *key*, which may be empty; complain, with their *meaning*, if it is none."""
        value = self.content.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            self.complain(f'the {key} are missing or no list of texts: write {key} = ["{meaning}"]')
            return ()
        return tuple(value)

    def day(self, key: str) -> date:
        """Return the date at *key*; complain if it is missing or no date."""
        value = self.content.get(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.complain(f"the {key} is missing or no date: write {key} = 2031-12-31, without quotes or a time")
            return date.min
        return value


def read_entries(file: Path, kind: str, keys: Sequence[str]) -> Iterator[Entry]:
    """Read the ``[[kind]]`` entries of *file*, which have no other *keys* than those.

    Raises UsageError if the file cannot be read, holds something else, or holds no entry.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{file} does not exist: give a file that does, or leave the option out.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read ({error}): write it as TOML with [[{kind}]] entries.") from error
    found = document.pop(kind, None)
    if document:
        raise UsageError(f"{file} holds {', '.join(map(repr, document))}: it may hold [[{kind}]] entries only.")
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise UsageError(f"{file} holds no [[{kind}]] entry: write one, or remove the file.")
    for number, content in enumerate(found, start=1):
        name = content.get("id")
        named = f" ({name})" if isinstance(name, str) and name else ""
        entry = Entry(f"{file}, {kind} {number}{named}", content)
        for key in sorted(content.keys() - set(keys)):
            entry.complain(f"{key!r} is unknown: an entry has {', '.join(keys)}")
        yield entry


def read_by_id(
    files: Sequence[Path],
    kind: str,
    keys: Sequence[str],
    read: Callable[[Entry, Path], tuple[str, _Read]],
    doubled: str,
) -> Mapping[str, _Read]:
    """Return what *read* makes of each entry of *files* (with the folder that its file is in), by the id it returns.

    Raises UsageError, with a sentence per line, for all that *read* complains of; of an id that is there twice it says
    that it is *doubled* twice.
    """
    found: dict[str, _Read] = {}
    troubles: list[str] = []
    for file in files:
        for entry in read_entries(file, kind, keys):
            identifier, value = read(entry, file.parent)
            if identifier in found:
                entry.complain(f"it is {doubled} twice: keep one of the two")
            found[identifier] = value
            troubles += entry.troubles
    if troubles:
        raise listed(troubles)
    return found


def default_files(name: str, root: Path, folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files *name* that are used when none is named.

    The one of the project in *root*, unless only features elsewhere are run, and those beside each of *folders*.
    """
    own = not folders or any(folder.is_relative_to(root) for folder in folders)
    places = ([root] if own else []) + [folder.parent for folder in folders]
    return tuple(file for file in dict.fromkeys(place / name for place in places) if file.is_file())
