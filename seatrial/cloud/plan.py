"""What OpenTofu says it would do, as types: plans, changes, diagnostics and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Action(StrEnum):
    """What happens to a resource; the words are those of OpenTofu's JSON output format."""

    NOTHING = "no-op"
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    FORGET = "forget"


# AWS moves these on by itself.
_CLOCKS = frozenset({"latest_restorable_time"})
_HARMLESS = frozenset({Action.NOTHING, Action.READ})


@dataclass(frozen=True)
class Change:
    """One resource in a plan: where it is, what it is, what happens to it, and its attributes before and after."""

    address: str
    type: str
    actions: tuple[Action, ...]
    before: Mapping[str, object]
    after: Mapping[str, object]

    @property
    def changes_something(self) -> bool:
        """Whether the account would be another one afterwards."""
        return not _HARMLESS.issuperset(self.actions)

    @property
    def replaces(self) -> bool:
        """Whether the resource is deleted and made anew."""
        return Action.DELETE in self.actions and Action.CREATE in self.actions

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the attributes that differ, in the order of the alphabet."""
        names = self.before.keys() | self.after.keys()
        return tuple(sorted(name for name in names if self.before.get(name) != self.after.get(name)))

    @property
    def by_itself(self) -> bool:
        """Whether nothing differs but what AWS moves on by itself, such as how recent a backup is."""
        return _CLOCKS.issuperset(self.attributes)

    def __str__(self) -> str:
        what = "/".join(self.actions)
        detail = f" ({', '.join(self.attributes)})" if self.actions == (Action.UPDATE,) else ""
        return f"{self.address}: {what}{detail}"


@dataclass(frozen=True)
class Plan:
    """A plan that was written to *file*; *drift* is what OpenTofu found changed behind its back."""

    file: Path
    resources: tuple[Change, ...]
    drift: tuple[Change, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """What would be done to the account."""
        return tuple(change for change in self.resources if change.changes_something)

    @property
    def empty(self) -> bool:
        """Whether nothing would be done."""
        return not self.changes

    @classmethod
    def of(cls, file: Path, document: Mapping[str, Any]) -> Plan:
        """Read what ``tofu show -json`` printed of the plan in *file*."""
        return cls(
            file,
            tuple(_change(entry) for entry in document.get("resource_changes", ())),
            tuple(change for change in map(_change, document.get("resource_drift", ())) if not change.by_itself),
        )


def _change(entry: Mapping[str, Any]) -> Change:
    change = entry["change"]
    return Change(
        address=entry["address"],
        type=entry["type"],
        actions=tuple(Action(action) for action in change["actions"]),
        before=change.get("before") or {},
        after=change.get("after") or {},
    )


@dataclass(frozen=True)
class Diagnostic:
    """Something that OpenTofu or the provider complains of; *address* is the resource it is about, if it is about one.

    *place* is the file and line of the configuration.
    """

    severity: str
    summary: str
    detail: str
    address: str | None = None
    place: str | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Diagnostic:
        """Read the ``diagnostic`` of a line of OpenTofu's machine-readable output."""
        where = entry.get("range") or {}
        place = f"{where['filename']}, line {where['start']['line']}" if where else None
        return cls(
            severity=entry.get("severity", "error"),
            summary=entry.get("summary", ""),
            detail=entry.get("detail", ""),
            address=entry.get("address") or None,
            place=place,
        )

    def __str__(self) -> str:
        where = self.address or self.place
        said = " ".join(f"{self.summary}: {self.detail}".split()).removesuffix(": ")
        return f"{where}: {said}" if where else said


class TofuFailed(Exception):
    """OpenTofu ended with an error; *diagnostics* are its complaints, *output* the end of what else it printed."""

    def __init__(self, command: str, diagnostics: tuple[Diagnostic, ...], output: str) -> None:
        self.command = command
        self.diagnostics = diagnostics
        self.output = output
        said = "; ".join(map(str, diagnostics)) or output.strip() or "it does not say why"
        super().__init__(f"tofu {command} failed: {said}")


class StateLocked(TofuFailed):
    """Somebody who is alive, or of whom nothing is known here, holds the lock of the state."""
