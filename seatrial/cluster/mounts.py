"""The mount table, as the kernel tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Mount:
    """One mounted file system: where, of which type, and the options of its superblock."""

    point: Path
    kind: str
    options: tuple[str, ...]


def mounts(table: Path = TABLE) -> tuple[Mount, ...]:
    """Return what is mounted, in the order of mounting; *table* is in the form of proc(5)'s ``mountinfo``."""
    found = []
    for line in table.read_text().splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split(" ", 2)
        found.append(Mount(Path(fields.split(" ")[4]), kind, tuple(options.split(","))))
    return tuple(found)
