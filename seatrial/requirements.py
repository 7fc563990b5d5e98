"""The requirement register: what a platform must meet, each requirement with its id, its sentence and its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TAG_PREFIX = "req-"


@dataclass(frozen=True)
class Requirement:
    """One requirement; *id* is ``chapter.number``, *source* says where the requirement comes from.

    *open* names the parts of the sentence that no scenario looks at yet; empty when the scenarios cover all of it.
    """

    id: str
    sentence: str
    source: str
    open: str = ""

    @property
    def tag(self) -> str:
        """The tag that a scenario carries which proves this, without its at sign."""
        return TAG_PREFIX + self.id


@dataclass(frozen=True)
class Register:
    """All requirements, in the order of the register."""

    requirements: tuple[Requirement, ...]

    def __iter__(self) -> Iterator[Requirement]:
        """Go through the requirements in the order of the register."""
        return iter(self.requirements)

    def __contains__(self, identifier: object) -> bool:
        """Whether there is a requirement with this id."""
        return any(requirement.id == identifier for requirement in self.requirements)

    def check_tag(self, tag: str, *, where: str) -> None:
        """Raise UsageError, naming *where* it stands, if *tag* looks like a requirement's and is not one's."""
        if tag.startswith(TAG_PREFIX) and tag.removeprefix(TAG_PREFIX) not in self:
            raise UsageError(
                f"Unknown tag {tag} in {where}: use one of the requirements"
                f" {self.requirements[0].id} to {self.requirements[-1].id} listed in seatrial/requirements.toml."
            )

    def ids_of(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the ids that *tags* name, in the order of the register; tags of another kind are passed over."""
        present = set(tags)
        return tuple(requirement.id for requirement in self.requirements if requirement.tag in present)


def parse_register(text: str) -> Register:
    """Read a register written in TOML; raises ValueError if an id occurs twice or an entry lacks a field."""
    requirements: list[Requirement] = []
    for entry in tomllib.loads(text)["requirement"]:
        missing = {"id", "sentence", "source"} - entry.keys()
        if missing:
            raise ValueError(f"The register's entry {entry} lacks {', '.join(sorted(missing))}.")
        requirement = Requirement(entry["id"], entry["sentence"], entry["source"], entry.get("open", ""))
        if any(other.id == requirement.id for other in requirements):
            raise ValueError(f"The register holds {requirement.id} twice.")
        requirements.append(requirement)
    return Register(tuple(requirements))


@cache
def register() -> Register:
    """Return the register that Seatrial ships."""
    return parse_register(files("seatrial").joinpath("requirements.toml").read_text(encoding="utf-8"))
