"""Weaknesses on purpose: places where the platform's code is spoiled, to see whether somebody notices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE = Path(__file__).resolve().parents[2] / "infra" / "tofu" / "weaknesses.toml"


@dataclass(frozen=True)
class Edit:
    """One change of one file, relative to infra/tofu: *text*, which stands there once, becomes *instead*."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Weakness:
    """Something that must not be, in plain words, and the edits that make it so."""

    name: str
    edits: tuple[Edit, ...]

    def build_into(self, tree: Path) -> None:
        """Spoil the copy of infra/tofu in *tree*.

        Raises LookupError where the code no longer reads as the weakness expects: an edit that changes nothing would
        let a control pass that sees nothing.
        """
        for edit in self.edits:
            file = tree / edit.file
            content = file.read_text(encoding="utf-8")
            count = content.count(edit.text)
            if count != 1:
                raise LookupError(
                    f"the weakness {self.name!r} looks for {edit.text!r}, which {edit.file} has {count} times"
                )
            file.write_text(content.replace(edit.text, edit.instead), encoding="utf-8")


def known_weaknesses(file: Path = _FILE) -> Sequence[Weakness]:
    """Return the weaknesses of infra/tofu/weaknesses.toml."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(
        Weakness(entry["name"], tuple(Edit(edit["file"], edit["text"], edit["instead"]) for edit in entry["edit"]))
        for entry in document["weakness"]
    )
