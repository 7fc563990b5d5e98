"""The control groups that a process is in, on either version of the hierarchy.

`seatrial.cluster.cgroups` makes and removes groups for nodes; this only looks, and loads fast enough for a process that
is started for one fault.
"""

from __future__ import annotations

from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


def _trees(table: Path) -> tuple[dict[str, Path], Path | None]:
    """Return where each version 1 controller is mounted, and where the version 2 tree is."""
    first: dict[str, Path] = {}
    second: Path | None = None
    for line in table.read_text(encoding="utf-8").splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split(" ", 2)
        point = Path(fields.split(" ")[4])
        if kind == "cgroup":
            first.update(dict.fromkeys(options.split(","), point))
        elif kind == "cgroup2":
            second = second or point
    return first, second


def groups_of(process: int, *, table: Path = _MOUNTS, membership: Path | None = None) -> tuple[Path, ...]:
    """Return the folder of the group of *process* in each hierarchy; none when it has ended.

    Where there are version 1 controllers, the version 2 tree beside them is left out, as kubelet and runc do.
    """
    first, second = _trees(table)
    try:
        lines = (membership or Path(f"/proc/{process}/cgroup")).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = path.removeprefix("/")
        mount = next((first[name] for name in controllers.split(",") if name in first), None) if controllers else None
        if mount is not None:
            found.append(mount / inside)
        elif not controllers and not first and second is not None:
            found.append(second / inside)
    return tuple(found)
