"""Where the toolchain finds its pins and keeps what it built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def pins_directory() -> Path:
    """Return `infra/cluster/toolchain` of the checkout that this package runs from.

    Raises UsageError where the package lies outside a checkout.
    """
    folder = Path(__file__).resolve().parents[2] / "infra" / "cluster" / "toolchain"
    if not (folder / "programs.toml").is_file():
        raise UsageError(f"The pins of the toolchain are not at {folder}: run Seatrial from its checkout.")
    return folder


def cache_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder that all checkouts of this user share; it need not exist yet.

    $SEATRIAL_CACHE, else $XDG_CACHE_HOME/seatrial, else ~/.cache/seatrial. A relative $XDG_CACHE_HOME is ignored, as
    the XDG Base Directory Specification asks; a relative $SEATRIAL_CACHE is a UsageError, since it would mean another
    folder in each working directory.
    """
    environment = os.environ if environment is None else environment
    if own := environment.get("SEATRIAL_CACHE"):
        folder = Path(own).expanduser()
        if not folder.is_absolute():
            raise UsageError(f"SEATRIAL_CACHE is {own!r}, a relative path: set it to an absolute one.")
        return folder
    if (shared := environment.get("XDG_CACHE_HOME")) and Path(shared).is_absolute():
        return Path(shared) / "seatrial"
    return Path.home() / ".cache" / "seatrial"
