"""The bill of materials of an image: which Debian packages and which Python packages are in it."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STATUS = "var/lib/dpkg/status"
_PYTHON = ("srv/packages", "usr/lib/python3/dist-packages")


@dataclass(frozen=True)
class Materials:
    """Versions by package name, of Debian's and of Python's packages."""

    debian: Mapping[str, str]
    python: Mapping[str, str]

    @classmethod
    def read(cls, root: Path) -> Materials:
        """Read what is installed under *root* from what the two package managers wrote down there."""
        status = root / _STATUS
        text = status.read_text(encoding="utf-8", errors="replace") if status.exists() else ""
        folders = [str(root / folder) for folder in _PYTHON]
        python: dict[str, str] = {canonicalize_name(found.name): found.version for found in distributions(path=folders)}
        return cls(dict(_installed(text)), python)

    @property
    def interpreter(self) -> str:
        """The version of Debian's Python, such as 3.11.2; empty when there is none."""
        return self.debian.get("python3", "").partition("-")[0]

    def bill(self, name: str, version: str) -> str:
        """Return the bill of image *name* in *version*, as CycloneDX 1.6 in JSON."""
        bom = Bom()
        image = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
        bom.metadata.component = image
        for kind, packages in (("deb", self.debian), ("pypi", self.python)):
            namespace = "debian" if kind == "deb" else None
            for package, found in sorted(packages.items()):
                url = PackageURL(kind, namespace=namespace, name=package, version=found)
                part = Component(name=package, version=found, purl=url, bom_ref=url.to_string())
                bom.components.add(part)
                bom.register_dependency(image, [part])
        return JsonV1Dot6(bom).output_as_string(indent=1)


def _installed(status: str) -> Iterator[tuple[str, str]]:
    for stanza in filter(str.strip, status.split("\n\n")):
        fields = Parser().parsestr(stanza, headersonly=True)
        if fields["Status"] == "install ok installed":
            yield fields["Package"], fields["Version"]


def pinned(lock: Path, python: str) -> dict[str, str]:
    """Return the versions by name that the file *lock* of hashed requirements pins for Python *python* on Linux."""
    there = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    found: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith((" ", "#", "-")):
            continue
        requirement = Requirement(line.rstrip("\\ "))
        if requirement.marker is None or requirement.marker.evaluate(there):
            found[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    return found
