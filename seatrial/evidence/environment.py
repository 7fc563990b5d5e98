"""What a run ran on and with: enough to run it again, nothing that names a person or a machine."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PACKAGES = ("pytest", "pytest-bdd", "kubernetes", "httpx", "aiohttp", "cryptography")
_DURABILITY = "each event is written before the next thing happens, and is on the disk after its scenario or a second"


def describe_environment(root: Path, arguments: Sequence[str]) -> Mapping[str, str]:
    """Return what is known about this machine, the programs and the project in *root*, each as one line of text.

    What cannot be found out is said to be unknown.
    """
    return {
        "command line": shlex.join(["pytest", *map(str, arguments)]),
        "project commit": _git(root, "rev-parse", "HEAD"),
        "project changes": _changes(root),
        "operating system": _system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processors": str(os.cpu_count() or "unknown"),
        "memory": _memory(),
        "control groups": "2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "1",
        "python": sys.version.split()[0],
        **{f"package {name}": _package(name) for name in ("seatrial", *_PACKAGES)},
        "durability": _DURABILITY,
    }


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _changes(root: Path) -> str:
    changed = _git(root, "status", "--porcelain")
    if changed == "unknown":
        return changed
    return f"{len(changed.splitlines())} files differ from the commit" if changed else "none"


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return platform.system() or "unknown"


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
