"""What an image must not carry: traces of the machine that built it.

Package sources, package indexes and certificates are lent to a build step by mounts, proxies by its environment. Each
lent file carries a mark, so a copy of one is found wherever it lies in the image, under whatever name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LENT_MARK = "lent to the build, never part of the image: 6f1d0c52"
_SETTINGS = ("etc/apt/sources.list", "etc/pip.conf", "root/.config/pip/pip.conf", "root/.netrc", "etc/environment")
_FOLDERS = ("etc/apt/sources.list.d", "etc/apt/auth.conf.d")
_SUSPICIOUS = re.compile(r"(?i)(proxy|token|secret|password|credential|index_url|api_?key)")
_BLOCK = 1 << 20


# What builds, installs or fetches programs; an image that only runs one has none of them.
_TOOLS = ("gcc", "cc", "make", "pip", "pip3", "npm", "go", "git", "curl", "wget", "buildah")
_ROOT = ("", "0", "root")


@dataclass(frozen=True)
class ImageContent:
    """An image as it can be looked at: its unpacked files, and what it says of itself.

    *environment* are the variables it sets, *history* the commands it was made by, *user* who its program runs as,
    *entrypoint* the program with its arguments, *health* the command that tells whether it is well, *labels* its
    annotations.
    """

    name: str
    root: Path
    environment: Mapping[str, str]
    history: tuple[str, ...]
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The size of its files, in bytes; a file with several names counts once."""
        counted: dict[tuple[int, int], int] = {}
        for file in _files(self.root):
            found = file.stat()
            counted[found.st_dev, found.st_ino] = found.st_size
        return sum(counted.values())


def faults(image: ImageContent) -> tuple[str, ...]:
    """Return, one line each, what keeps *image* from being fit to run; empty when nothing does.

    It runs as somebody other than root, given by number, so that a cluster can tell; it is started without a shell, so
    that it hears SIGTERM; it says how to tell whether it is well; it carries the annotations of the OCI image
    specification that say what it is; and there is nothing in it that builds, installs or fetches programs.
    """
    found = []
    user = image.user.partition(":")[0]
    if user in _ROOT:
        found.append("runs as root")
    elif not user.isdecimal():
        found.append(f"runs as {user}, whose number nobody can tell from outside")
    if not image.entrypoint or Path(image.entrypoint[0]).name in ("sh", "bash", "dash"):
        found.append("is started by a shell")
    if image.health[:1] not in (("CMD",), ("CMD-SHELL",)):
        found.append("does not say how to tell whether it is well")
    found += [
        f"lacks the annotation {key}"
        for key in ("title", "description", "licenses")
        if not image.labels.get(f"org.opencontainers.image.{key}")
    ]
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin")
    found += [
        f"holds the tool {tool}"
        for tool in _TOOLS
        if any((image.root / folder / tool).exists() or (image.root / folder / tool).is_symlink() for folder in folders)
    ]
    return tuple(found)


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
