"""The leases of all faults of a machine, one file each, on the disk before the fault is in the kernel."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos.lease import Lease
from seatrial.toolchain.places import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = ".lease"
_DRAFT = ".draft"


def default_folder() -> Path:
    """Return the folder that all checkouts of this machine share; one of the user's own where the user is not root."""
    named = os.environ.get("SEATRIAL_FAULTS")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path(os.environ.get("SEATRIAL_STATE", "/var/lib/seatrial")) / "faults"
    return cache_directory() / "faults"


@dataclass(frozen=True)
class Journal:
    """The leases in *folder*, which is made when the first is written."""

    folder: Path = field(default_factory=default_folder)

    @property
    def reaper_lock(self) -> Path:
        """The file that the one reaper of this journal holds locked."""
        return self.folder / "reaper.lock"

    def write(self, lease: Lease) -> None:
        """Keep *lease*, whole or not at all; when this returns it survives a loss of power."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{lease.mark}{_DRAFT}"
        with draft.open("w", encoding="utf-8") as file:
            file.write(lease.written())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._file(lease))
        self._settle()

    def holds(self, lease: Lease) -> bool:
        """Whether *lease* is still kept."""
        return self._file(lease).exists()

    def remove(self, lease: Lease) -> None:
        """Forget *lease*, durably; nothing happens if it is forgotten already."""
        self._file(lease).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self._settle()

    def leases(self) -> tuple[Lease, ...]:
        """Return those that can be read, oldest expiry first."""
        found = []
        for file in self._files():
            # One that another process forgets meanwhile is none.
            with suppress(OSError, ValueError):
                found.append(Lease.read(file.read_text(encoding="utf-8")))
        return tuple(sorted(found, key=lambda lease: lease.expires))

    def unreadable(self) -> tuple[Path, ...]:
        """Return the files that should be leases and are not."""
        found = []
        for file in self._files():
            try:
                Lease.read(file.read_text(encoding="utf-8"))
            except ValueError:
                found.append(file)
            except OSError:
                continue
        return tuple(found)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all others who ask for the same out until the block ends: who writes, and the reaper that would end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "writers.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_ENDING}"))

    def _file(self, lease: Lease) -> Path:
        return self.folder / f"{lease.mark}{_ENDING}"

    def _settle(self) -> None:
        """Let the folder's own entry for a file be on the disk."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
