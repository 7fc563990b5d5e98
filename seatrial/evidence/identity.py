"""What a scenario is called in the files that outlive a run: waivers, answers and baselines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from seatrial import specification
from seatrial.audit.records import MANUAL
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_SEPARATOR = "::"


def feature_path(file: Path, root: Path, folders: Sequence[Path]) -> str:
    """Return *file* as it is written in an id.

    That is its path below the project *root*; of a file elsewhere, its path below what holds the one of *folders* (the
    features' folders) that it is in.
    """
    for base in (root, *sorted((folder.parent for folder in folders), key=lambda path: len(path.parts))):
        if file.is_relative_to(base):
            return file.relative_to(base).as_posix()
    return file.as_posix()


@dataclass
class Identities:
    """The scenarios that exist, by id: ``features/ships.feature::A ship sails``, a row of an outline by its own name.

    The part before the ``::`` says what kind of thing is named: a feature file, for a scenario. Files that were not
    read for this run are read when something in them is named.
    """

    root: Path
    folders: Sequence[Path]
    _names: dict[str, Mapping[str, bool]] = field(default_factory=dict)
    _outlines: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, features: Iterable[specification.Feature], root: Path, folders: Sequence[Path]) -> Identities:
        """Know the scenarios of *features*, and where to look for others."""
        known = cls(root, folders)
        for feature in features:
            known._add(feature)
        return known

    def __contains__(self, identifier: object) -> bool:
        """Whether there is such a scenario."""
        return isinstance(identifier, str) and self.trouble(identifier) is None

    def is_manual(self, identifier: str) -> bool:
        """Whether the scenario *identifier*, which exists, is one that a person answers."""
        place, _, name = identifier.partition(_SEPARATOR)
        return self._of(place)[name]

    def trouble(self, identifier: str) -> str | None:
        """Return what is wrong with *identifier*, as the rest of a sentence; None if it names a scenario."""
        place, separator, name = identifier.partition(_SEPARATOR)
        if not separator or not place or not name:
            return f"the id {identifier!r} is none: write it as FILE.feature{_SEPARATOR}NAME"
        if not place.endswith(".feature"):
            return f"{place!r} names no feature file: name a scenario, as FILE.feature{_SEPARATOR}NAME"
        names = self._of(place)
        if name in names:
            return None
        if identifier in self._outlines:
            return f"{name!r} is an outline: name one of its rows, such as {self._outlines[identifier]!r}"
        if not names:
            return f"there is no feature file {place!r}: correct the id, or remove the entry"
        near = get_close_matches(name, names, n=1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        return f"there is no scenario {name!r} in {place}{meant}: correct the id, or remove the entry"

    def _of(self, place: str) -> Mapping[str, bool]:
        """Return the scenarios of the feature file *place*, each with whether a person answers it."""
        if place not in self._names:
            for base in (self.root, *(folder.parent for folder in self.folders)):
                file = base / place
                if file.is_file() and feature_path(file, self.root, self.folders) == place:
                    self._add(specification.read_feature(file))
                    break
        return self._names.get(place, {})

    def _add(self, feature: specification.Feature) -> None:
        place = feature_path(feature.file, self.root, self.folders)
        names: dict[str, bool] = {}
        for rule, scenario in feature.scenarios:
            manual = MANUAL in feature.tags_of(rule, scenario)
            rows = [row_name(scenario.name, row) for row in scenario.examples]
            if rows:
                self._outlines[f"{place}{_SEPARATOR}{scenario.name}"] = rows[0]
            for name in rows or [scenario.name]:
                if name in names:
                    names[name] = names[name] and manual
                else:
                    names[name] = manual
        self._names[place] = names


def row_name(name: str, row: Mapping[str, str]) -> str:
    """Return the name of the *row* of an outline: the outline's with the values in it, or else with them behind it."""
    filled = re.sub("<(.+?)>", lambda found: row.get(found[1], found[0]), name)
    return f"{name} ({', '.join(row.values())})" if row and filled == name else filled


def listed(sentences: Sequence[str]) -> UsageError:
    """Return the error that says all of *sentences*, each on a line of its own."""
    return UsageError("\n".join(sentences))
