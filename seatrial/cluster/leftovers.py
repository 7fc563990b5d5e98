"""What exists of a cluster on the machine, and its complete removal."""

from __future__ import annotations

import contextlib
from pathlib import Path

from seatrial.cluster import cgroups, network
from seatrial.cluster.command import run
from seatrial.cluster.layout import Layout
from seatrial.cluster.mounts import mounts
from seatrial.cluster.supervisor import Supervisor, processes_of


def leftovers(layout: Layout | None = None) -> tuple[str, ...]:
    """Return, one line each, all that exists on the machine of the cluster: the proof of `down` is that it is empty."""
    layout = layout or Layout()
    found = [f"process {process}" for process in sorted(processes_of(layout))]
    found += [f"network namespace {space}" for space in network.leftovers(layout)]
    if Path("/sys/class/net", layout.host_link).exists():
        found.append(f"link {layout.host_link}")
    found += [f"control group {folder}" for folder in cgroups.Group(layout.cgroup).folders() if folder.exists()]
    found += [f"mount {mount}" for mount in _mounts_below(layout.state, layout.runtime)]
    found += [f"folder {folder}" for folder in (layout.state, layout.runtime) if folder.exists()]
    return tuple(found)


def _mounts_below(*folders: Path) -> list[Path]:
    return [mount.point for mount in mounts() if any(mount.point.is_relative_to(folder) for folder in folders)]


def _remove_folder(folder: Path) -> None:
    # The nodes' disks hold tens of thousands of files, and rm is several times as fast as Python; what is mounted there
    # against all expectation is not entered.
    run(["rm", "--recursive", "--force", "--one-file-system", folder], check=False)


def sweep(layout: Layout) -> None:
    """Remove everything of the cluster, whatever it is in the middle of."""
    Supervisor(layout).stop()
    network.remove(layout)
    for mount in reversed(_mounts_below(layout.state, layout.runtime)):
        run(["umount", "--lazy", mount], check=False)
    for folder in (layout.runtime, layout.state):
        # First out of the way under a name that nothing reads: a kill in the middle leaves no half cluster.
        if folder.exists():
            doomed = folder.with_name(f".{folder.name}-removed")
            _remove_folder(doomed)
            folder.rename(doomed)
    for folder in (layout.runtime, layout.state):
        _remove_folder(folder.with_name(f".{folder.name}-removed"))
        # The parent is shared with other clusters: it goes with the last of them.
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
