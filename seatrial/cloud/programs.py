"""OpenTofu and the AWS provider: where they are, and how the one finds the other without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.toolchain import ensure
from seatrial.toolchain.pins import architecture

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.progress import Progress

_OPENTOFU = "opentofu"
_PROVIDER = "terraform-provider-aws"
NAMES = (_OPENTOFU, _PROVIDER)
# What the provider built here says it is (the stamp in programs.toml).
PROVIDER_VERSION = "4.9.0"
_SOURCE = "registry.opentofu.org/hashicorp/aws"
_OFFLINE = """\
# The provider comes from this folder and from nowhere else.
provider_installation {{
  filesystem_mirror {{
    path = "{mirror}"
  }}
}}
"""
_FROM_REGISTRY = """\
provider_installation {
  direct {}
}
"""


@dataclass(frozen=True)
class CloudPrograms:
    """The program `tofu`, and the file of settings that says where its providers come from."""

    tofu: Path
    settings: Path


def cloud_programs(folder: Path, *, progress: Progress | None = None, install: bool = True) -> CloudPrograms:
    """Return the programs, built first if the store lacks them; *folder* gets the settings and the provider's mirror.

    No packet is sent for a provider. Raises what `seatrial.toolchain.ensure` raises.
    """
    built = ensure(NAMES, progress=progress, install=install)
    mirror = folder / "mirror"
    place = mirror / _SOURCE / PROVIDER_VERSION / f"linux_{architecture()}"
    place.mkdir(parents=True, exist_ok=True)
    link = place / f"{_PROVIDER}_v{PROVIDER_VERSION}"
    binary = built[_PROVIDER].binary(_PROVIDER)
    if not link.is_symlink() or link.readlink() != binary:
        link.unlink(missing_ok=True)
        link.symlink_to(binary)
    settings = folder / "offline.tofurc"
    settings.write_text(_OFFLINE.format(mirror=mirror), encoding="utf-8")
    return CloudPrograms(built[_OPENTOFU].binary("tofu"), settings)


def registry_programs(folder: Path, *, progress: Progress | None = None, install: bool = True) -> CloudPrograms:
    """Return OpenTofu with settings by which it takes its providers from the public registry.

    That is the provider of today, which a real account is worth; it asks for a network that reaches the registry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "registry.tofurc"
    settings.write_text(_FROM_REGISTRY, encoding="utf-8")
    built = ensure((_OPENTOFU,), progress=progress, install=install)
    return CloudPrograms(built[_OPENTOFU].binary("tofu"), settings)
