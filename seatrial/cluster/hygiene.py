"""What an image must not carry: traces of the machine that built it.

Package sources, package indexes and certificates are lent to a build step by mounts, proxies by its environment. Each
lent file carries a mark, so a copy of one is found wherever it lies in the image, under whatever name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LENT_MARK = "lent to the build, never part of the image: 6f1d0c52"
_SETTINGS = ("etc/apt/sources.list", "etc/pip.conf", "root/.config/pip/pip.conf", "root/.netrc", "etc/environment")
_FOLDERS = ("etc/apt/sources.list.d", "etc/apt/auth.conf.d")
_SUSPICIOUS = re.compile(r"(?i)(proxy|token|secret|password|credential|index_url|api_?key)")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ImageContent:
    """An image as it can be looked at: its unpacked files, the variables it sets and the commands in its history."""

    name: str
    root: Path
    environment: Mapping[str, str]
    history: tuple[str, ...]


def strangers(image: ImageContent, builder: Mapping[str, str]) -> tuple[str, ...]:
    """Return, one line each, what *image* holds of its builder, whose environment *builder* is; empty when nothing.

    Looked for are copies of lent files, settings of package sources, indexes and credentials, variables whose names
    sound like a proxy or a secret, and the addresses of the builder's own proxies and indexes in the history.
    """
    found = [f"variable {name}" for name in image.environment if _SUSPICIOUS.search(name)]
    addresses = {value for name, value in builder.items() if value and re.search(r"(?i)proxy|index_url", name)}
    found += [f"history names {address}" for address in addresses if any(address in step for step in image.history)]
    for name in _SETTINGS:
        file = image.root / name
        if file.is_file() and file.stat().st_size:
            found.append(f"setting /{name}")
    for folder in _FOLDERS:
        if (image.root / folder).is_dir():
            found += [f"setting /{folder}/{file.name}" for file in sorted((image.root / folder).iterdir())]
    found += [f"lent file /{file.relative_to(image.root)}" for file in _files(image.root) if _holds(file, LENT_MARK)]
    return tuple(found)


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            file = Path(folder) / name
            if file.is_file() and not file.is_symlink():
                yield file


def _holds(file: Path, mark: str) -> bool:
    needle = mark.encode()
    kept = b""
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if needle in kept + block:
                return True
            kept = block[-len(needle) :]
    return False
