"""Pinned upstream programs: built once from their Go modules, kept by content, shared by all checkouts."""

from seatrial.toolchain.bench import BuildFailed
from seatrial.toolchain.beside import building_beside
from seatrial.toolchain.build import Program, ensure
from seatrial.toolchain.debian import debian_packages_missing, install_debian_packages, package_group

__all__ = [
    "BuildFailed",
    "Program",
    "building_beside",
    "debian_packages_missing",
    "ensure",
    "install_debian_packages",
    "package_group",
]
