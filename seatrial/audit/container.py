"""The file that a bundle is: a tar archive with a signed statement and the run, compressed.

Both layers have one spelling only, so that no byte of the file is without meaning: the tar archive (POSIX ustar) is
written anew and compared, the zip archive must consist of its members and nothing between them.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from seatrial.audit.refusal import NotVerified

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT = "statement.json"
RUN = "run.zip"
LIMIT = 2**30
"""The most bytes that a bundle, or all files of a run together, may have."""
_MOST_FILES = 60_000
_LONGEST_NAME = 1000
_BLOCK = 512
_SIZE = slice(124, 136)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644
_MADE_ON_UNIX = 3
_UTF8_NAMES = 0x800
_LOCAL, _CENTRAL, _END = 30, 46, 22


def wrap(statement: bytes, run: bytes) -> bytes:
    """Return the bundle of *statement* and *run*."""
    return _member(STATEMENT, statement) + _member(RUN, run) + bytes(2 * _BLOCK)


def unwrap(content: bytes) -> tuple[bytes, bytes]:
    """Return the statement and the run of a bundle; raises NotVerified for a file that `wrap` did not write."""
    parts: list[bytes] = []
    place = 0
    for _ in (STATEMENT, RUN):
        digits = content[place:][:_BLOCK][_SIZE] if place < len(content) else b""
        if not re.fullmatch(rb"[0-7]{11}\0", digits):
            raise NotVerified("it is no bundle, or was cut short")
        size = int(digits[:-1], 8)
        parts.append(content[place + _BLOCK : place + _BLOCK + size])
        place += _BLOCK + _padded(size)
    statement, run = parts
    check_wrapping(content, statement, run)
    return statement, run


def check_wrapping(content: bytes, statement: bytes, run: bytes) -> None:
    """Raise NotVerified unless *content* is byte for byte the bundle of *statement* and *run*."""
    if wrap(statement, run) != content:
        raise NotVerified("the bundle's archive is not spelt as Seatrial spells it, or was cut short or added to")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _member(name: str, content: bytes) -> bytes:
    fields = (
        name.encode().ljust(100, b"\0"),
        b"0000644\0",
        b"0000000\0" * 2,  # user and group
        b"%011o\0" % len(content),
        b"00000000000\0",  # time of change
        b" " * 8,  # stands for the checksum in the checksum
        b"0".ljust(101, b"\0"),  # a regular file, no link
        b"ustar\x0000",
    )
    header = b"".join(fields).ljust(_BLOCK, b"\0")
    header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
    return header + content.ljust(_padded(len(content)), b"\0")


def compress(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of *files*, by name.

    Raises ValueError for a name that is not safe to unpack, and for more than a bundle may hold.
    """
    unsafe = [name for name in files if not is_safe(name)]
    if unsafe:
        raise ValueError(f"the name {unsafe[0]!r} is not safe to unpack")
    if len(files) > _MOST_FILES or sum(map(len, files.values())) > LIMIT:
        raise ValueError(f"more than {_MOST_FILES} files or {LIMIT // 2**30} GiB do not fit into a bundle")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _MADE_ON_UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()


def decompress(content: bytes, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the files of a zip archive that `compress` wrote; *sizes* says which they are and how long each is.

    Nothing is written to disk, and no more is unpacked than *sizes* allows. Raises NotVerified if there is any other
    file, or anything else at all in the archive.
    """
    if sum(sizes.values()) > LIMIT or len(sizes) > _MOST_FILES:
        raise NotVerified("the statement names more than fits into a bundle")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_directory(archive, entries, len(content), sizes)
        return {entry.filename: _inflate(content, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, ValueError, OSError) as error:
        raise NotVerified(f"{RUN} cannot be read as a zip archive") from error


def is_safe(name: str) -> bool:
    """Whether a file of this name stays below the folder that it is unpacked in, on any system."""
    return (
        0 < len(name) <= _LONGEST_NAME
        and not re.search(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:", name)
        and all(part not in {"", ".", ".."} for part in name.split("/"))
    )


def _check_directory(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], length: int, sizes: Mapping[str, int]
) -> None:
    names = [entry.filename for entry in entries]
    if names != sorted(sizes):
        odd = sorted(set(names) ^ set(sizes)) or names
        raise NotVerified(f"{RUN} does not hold just the files that the statement names: {odd[0]!r}")
    place = 0
    for entry in entries:
        if not is_safe(entry.filename):
            raise NotVerified(f"{RUN} holds the name {entry.filename!r}, which is not safe to unpack")
        kind = (entry.external_attr, entry.compress_type, entry.flag_bits & ~_UTF8_NAMES)
        if kind != (_MODE << 16, zipfile.ZIP_DEFLATED, 0):
            raise NotVerified(f"{entry.filename!r} in {RUN} is no plain file")
        if entry.file_size != sizes[entry.filename] or entry.header_offset != place:
            raise NotVerified(f"{entry.filename!r} in {RUN} has another size or place than it should")
        place += _LOCAL + len(_spelt(entry)) + entry.compress_size
    directory = sum(_CENTRAL + len(_spelt(entry)) for entry in entries)
    if archive.comment or archive.start_dir != place or place + directory + _END != length:
        raise NotVerified(f"{RUN} holds something beside its files")


def _spelt(entry: zipfile.ZipInfo) -> bytes:
    return entry.filename.encode("utf-8" if entry.flag_bits & _UTF8_NAMES else "ascii")


def _inflate(content: bytes, entry: zipfile.ZipInfo) -> bytes:
    begin = entry.header_offset + _LOCAL + len(_spelt(entry))
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    # One byte more than there may be: an archive that unpacks to more is noticed, and goes no further.
    found = unpacker.decompress(content[begin : begin + entry.compress_size], entry.file_size + 1)
    if not unpacker.eof or unpacker.unused_data or len(found) != entry.file_size:
        raise NotVerified(f"{entry.filename!r} in {RUN} does not unpack to its size")
    return found
