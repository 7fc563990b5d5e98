"""A store as one archive, so that another machine need not build what this one has built."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from seatrial.errors import UsageError
from seatrial.toolchain.store import Identity, Manifest, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

# Binaries hardly shrink further at higher levels, which cost minutes.
_COMPRESSION = 1
_MEMBER = re.compile(r"(?P<entry>[a-z0-9.-]+)/(?P<path>manifest\.json|bin/[A-Za-z0-9][A-Za-z0-9._-]*)")
_MANIFEST_LIMIT = 1 << 20
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Imported:
    """What an archive brought: entries that were new here, and those that the store already had."""

    new: tuple[Identity, ...]
    known: tuple[Identity, ...]


def export_archive(store: Store, identities: Iterable[Identity], file: Path) -> None:
    """Write the entries of *identities*, which must be whole, to *file*, a tar archive.

    It is gzipped unless its name ends in `.tar`. The file appears complete or not at all; the same entries yield the
    same bytes. Raises UsageError where an entry is not whole (each file's SHA-256 is checked) or *file* cannot be
    written.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with partial.open("wb") as stream:
            with _writing(stream, compressed=file.suffix != ".tar") as archive:
                for identity in sorted(identities):
                    _add(archive, store, identity)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(file)
    except OSError as error:
        raise UsageError(f"The archive {file} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _writing(stream: IO[bytes], *, compressed: bool) -> Iterator[tarfile.TarFile]:
    if not compressed:
        with tarfile.open(fileobj=stream, mode="w:") as archive:
            yield archive
        return
    # Without a name and a time in the header the same content is the same archive.
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=_COMPRESSION, mtime=0) as compressing,
        tarfile.open(fileobj=compressing, mode="w:") as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, store: Store, identity: Identity) -> None:
    folder = store.entry(identity)
    manifest = store.find(identity)
    if manifest is None or not store.contents_hold(folder, manifest):
        raise UsageError(
            f"{identity.name} in the store is damaged: run `seatrial toolchain build {identity.name}` first."
        )
    for path in ("manifest.json", *sorted(manifest.files)):
        member = tarfile.TarInfo(f"{identity.folder}/{path}")
        member.size = (folder / path).stat().st_size
        member.mode = 0o644 if path == "manifest.json" else 0o755
        with (folder / path).open("rb") as content:
            archive.addfile(member, content)


def import_archive(store: Store, file: Path, waiting: Callable[[str], None]) -> Imported:
    """Add the entries in *file*, written by `export_archive`, to *store*; those already whole there stay as they are.

    Nothing is added unless the whole archive is right: members only where entries have theirs, plain files only, no
    name twice, each file with the size and SHA-256 of its manifest. The sums guard against damage; who may be trusted
    to have built an archive is the caller's to decide. Raises UsageError, naming the member, where it is not right.
    """
    with store.lock("import", waiting), store.workspace("import") as work:
        try:
            with file.open("rb") as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
                _extract(archive, store, file, work)
        except tarfile.TarError as error:
            raise UsageError(f"{file} is not a whole archive of a toolchain store: {error}.") from error
        except EOFError as error:
            raise UsageError(f"{file} is not a whole archive of a toolchain store: it ends too early.") from error
        except OSError as error:
            raise UsageError(f"The archive {file} cannot be imported: {error.strerror or error}.") from error
        found = [_verified(folder, file) for folder in sorted(work.iterdir())]
        if not found:
            raise UsageError(f"{file} holds no entry of a toolchain store: write one with `seatrial toolchain export`.")
        new, known = [], []
        for identity, manifest in found:
            with store.lock(identity.name, waiting):
                if store.find(identity):
                    known.append(identity)
                else:
                    store.publish(identity, manifest, work / identity.folder, work / f"replaced-{identity.folder}")
                    new.append(identity)
    return Imported(tuple(new), tuple(known))


def _extract(archive: tarfile.TarFile, store: Store, file: Path, work: Path) -> None:
    seen: set[str] = set()
    for member in archive:
        match = _MEMBER.fullmatch(member.name)
        identity = Identity.parse(match["entry"]) if match else None
        if match is None or identity is None:
            raise UsageError(f"{file} is refused: its member {member.name!r} lies where no entry has a file.")
        if not member.isreg():
            raise UsageError(f"{file} is refused: its member {member.name!r} is not a plain file.")
        if member.name in seen:
            raise UsageError(f"{file} is refused: it holds {member.name!r} twice.")
        if match["path"] == "manifest.json" and member.size > _MANIFEST_LIMIT:
            raise UsageError(f"{file} is refused: its member {member.name!r} is too large for a manifest.")
        seen.add(member.name)
        store.require_space(member.size, f"Importing {member.name}")
        content = archive.extractfile(member)
        if content is None:
            raise UsageError(f"{file} is refused: its member {member.name!r} has no content.")
        target = work / identity.folder / match["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as stream:
            shutil.copyfileobj(content, stream, _BUFFER)
        target.chmod(0o644 if match["path"] == "manifest.json" else 0o755)


def _verified(folder: Path, file: Path) -> tuple[Identity, Manifest]:
    manifest = None
    with suppress(OSError, ValidationError):
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    identity = Identity.parse(folder.name)
    if manifest is None or identity is None or (manifest.name, manifest.key) != (identity.name, identity.key):
        raise UsageError(f"{file} is refused: its entry {folder.name} has no manifest of its own.")
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    if odd := sorted(present ^ set(manifest.files)):
        raise UsageError(f"{file} is refused: {folder.name}/{odd[0]} is only in one of archive and manifest.")
    if not Store.contents_hold(folder, manifest):
        raise UsageError(
            f"{file} is refused: a file of its entry {folder.name} has not the SHA-256 that its manifest names."
        )
    return identity, manifest
