"""The store: what was built, each entry under a key of all its inputs, whole or not there at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_KEY_LENGTH = 20
_FOLDER = re.compile(rf"(?P<name>[a-z][a-z0-9.-]*)-(?P<key>[0-9a-f]{{{_KEY_LENGTH}}})")
_MANY_FILES = 100
_Duration = Annotated[timedelta, Field(ge=timedelta())]


@dataclass(frozen=True, order=True)
class Identity:
    """What an entry is called: a program's name and the key over everything that decides its content."""

    name: str
    key: str

    @classmethod
    def of(cls, name: str, ingredients: str) -> Self:
        """Return the identity of *name* made from *ingredients*: any change of them changes the key."""
        return cls(name, hashlib.sha256(ingredients.encode()).hexdigest()[:_KEY_LENGTH])

    @classmethod
    def parse(cls, folder: str) -> Self | None:
        """Return the identity of an entry's *folder* name, None for a name that no entry has."""
        match = _FOLDER.fullmatch(folder)
        return cls(match["name"], match["key"]) if match else None

    @property
    def folder(self) -> str:
        """The name of the entry's folder in the store."""
        return f"{self.name}-{self.key}"


class FileRecord(BaseModel):
    """Size in bytes and SHA-256 (hexadecimal) of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What an entry holds and what its build took.

    `files` maps paths relative to the entry's folder; `duration` is the build's wall time and `disk` the bytes that
    it left in its working folder, caches included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    key: str
    go: str
    duration: _Duration
    disk: int
    files: dict[str, FileRecord]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(record.size for record in self.files.values())


class State(StrEnum):
    """Whether an entry can be used."""

    WHOLE = "present"
    ABSENT = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Pruned:
    """What a pruning took away: entries, leftovers of killed builds, and the bytes that both held on disk."""

    entries: tuple[Identity, ...]
    leftovers: tuple[str, ...]
    freed: int


def digest(file: Path) -> str:
    """Return the SHA-256 of *file*'s content in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def records(folder: Path) -> dict[str, FileRecord]:
    """Return a record of each regular file below *folder*, by its path relative to it."""
    return {
        str(file.relative_to(folder)): FileRecord(size=file.stat().st_size, sha256=digest(file))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


def disk_use(folder: Path) -> int:
    """Return the bytes that *folder* and all below it occupy on disk; what vanishes meanwhile does not count."""
    total = 0
    for place, _, files in os.walk(folder):
        for path in (place, *(os.path.join(place, file) for file in files)):  # noqa: PTH118 - half a million of them
            with suppress(FileNotFoundError):
                total += os.lstat(path).st_blocks * 512
    return total


def remove_tree(folder: Path) -> None:
    """Remove *folder* and all below it, folders without write permission (Go's module cache) included.

    Nothing happens where it does not exist.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except PermissionError:
        make_writable(folder)
        shutil.rmtree(folder)


def make_writable(folder: Path) -> None:
    """Give the owner all rights to *folder* and each folder below it, and the right to write its files."""
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for file in files:
            path = Path(place, file)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    if len(paths) > _MANY_FILES:
        # One journal commit for all of them: thousands of fsync calls take minutes on some disks.
        os.sync()
        return
    for path in reversed(paths):
        if not path.is_symlink():
            _sync(path)


@dataclass(frozen=True)
class Store:
    """Entries below *root*: `store/<name>-<key>/` with a `manifest.json`, beside locks, logs and working folders.

    One lock per name keeps two processes from working on the same program; an entry appears by a rename, complete and
    written to disk, so that a process killed at any instant leaves the entry whole or absent.
    """

    root: Path

    def entry(self, identity: Identity) -> Path:
        """Return where the entry is or would be."""
        return self.root / "store" / identity.folder

    def log(self, name: str) -> Path:
        """Return the file that the output of the last build of *name* goes to; its folder exists."""
        return self._folder("logs") / f"{name}.log"

    def entries(self) -> tuple[Identity, ...]:
        """Return the identity of each entry, damaged ones included, sorted."""
        with suppress(FileNotFoundError):
            found = (Identity.parse(folder.name) for folder in (self.root / "store").iterdir())
            return tuple(sorted(identity for identity in found if identity))
        return ()

    def find(self, identity: Identity) -> Manifest | None:
        """Return the manifest of an entry that is there with all its files in their recorded sizes, else None."""
        manifest = self._manifest(self.entry(identity))
        if manifest is None or (manifest.name, manifest.key) != (identity.name, identity.key):
            return None
        return manifest if self._sizes_hold(self.entry(identity), manifest) else None

    def state(self, identity: Identity, *, thorough: bool = False) -> State:
        """Return the state of an entry; *thorough* also reads each file and compares its SHA-256."""
        if not self.entry(identity).exists():
            return State.ABSENT
        manifest = self.find(identity)
        if manifest is None or (thorough and not self.contents_hold(self.entry(identity), manifest)):
            return State.DAMAGED
        return State.WHOLE

    @staticmethod
    def contents_hold(folder: Path, manifest: Manifest) -> bool:
        """Return whether each file of *manifest* is in *folder* with its recorded content."""
        with suppress(OSError):
            return all(digest(folder / path) == record.sha256 for path, record in manifest.files.items())
        return False

    @staticmethod
    def _manifest(folder: Path) -> Manifest | None:
        with suppress(OSError, ValidationError):
            return Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        return None

    @staticmethod
    def _sizes_hold(folder: Path, manifest: Manifest) -> bool:
        with suppress(OSError):
            for path, record in manifest.files.items():
                status = os.lstat(folder / path)
                if not stat.S_ISREG(status.st_mode) or status.st_size != record.size:
                    return False
            return True
        return False

    @contextmanager
    def lock(self, name: str, waiting: Callable[[str], None]) -> Iterator[int]:
        """Hold the lock of *name*; yield its descriptor, which a child may inherit to hold it while it lives.

        Where another process holds it, *waiting* is called once with a sentence that says so, and the lock is
        waited for.
        """
        descriptor = self._open_lock(name)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                waiting(f"Another process ({owner or 'just starting'}) is at work on {name}; waiting for it to end.")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"pid {os.getpid()}\n".encode(), 0)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _lock_if_free(self, name: str) -> Iterator[bool]:
        descriptor = self._open_lock(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def _open_lock(self, name: str) -> int:
        return os.open(self._folder("locks") / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """Yield an empty working folder on the store's file system, removed at the end also after a failure.

        The caller holds the lock of *name*.
        """
        folder = self._folder("work") / name
        remove_tree(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            remove_tree(folder)

    def publish(self, identity: Identity, manifest: Manifest, content: Path, trash: Path) -> None:
        """Make *content* the entry of *identity*, in place of a damaged one, which goes to *trash* (must not exist).

        Both paths lie in a working folder; the caller holds the lock of the entry's name.
        """
        (content / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _sync_tree(content)
        entry = self.entry(identity)
        self._folder("store")
        with suppress(FileNotFoundError):
            entry.rename(trash)
        content.rename(entry)
        _sync(entry.parent)

    def require_space(self, needed: int, purpose: str) -> None:
        """Raise UsageError when the store's file system has fewer than *needed* bytes free for *purpose*."""
        free = shutil.disk_usage(self._folder("work")).free
        if free < needed:
            raise UsageError(
                f"{purpose} needs {needed / 2**30:.1f} GiB of free disk in {self.root}, and {free / 2**30:.1f} GiB are "
                "free: free some space, or set SEATRIAL_CACHE to a folder on a larger disk."
            )

    def sweep(self) -> tuple[tuple[str, ...], int]:
        """Remove the working folders that killed processes left; return their names and the bytes freed.

        A folder whose lock is held belongs to a living process and stays.
        """
        swept, freed = [], 0
        with suppress(FileNotFoundError):
            for folder in sorted((self.root / "work").iterdir()):
                with self._lock_if_free(folder.name) as free:
                    if free and folder.exists():
                        freed += disk_use(folder)
                        remove_tree(folder)
                        swept.append(folder.name)
        return tuple(swept), freed

    def prune(self, keep: Collection[Identity]) -> Pruned:
        """Remove the entries not in *keep* and the leftovers of killed builds; what another process works on stays."""
        leftovers, freed = self.sweep()
        removed = []
        for identity in self.entries():
            if identity in keep:
                continue
            with self._lock_if_free(identity.name) as free:
                if not free:
                    continue
                with self.workspace(identity.name) as work, suppress(FileNotFoundError):
                    # Out of the store in one step: a killed removal leaves no half entry behind.
                    self.entry(identity).rename(work / "pruned")
                    freed += disk_use(work / "pruned")
                    removed.append(identity)
        return Pruned(tuple(removed), leftovers, freed)

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"The folder {folder} cannot be made: {error.strerror}; set SEATRIAL_CACHE to a folder you "
                "can write to."
            ) from error
        return folder
