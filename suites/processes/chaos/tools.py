"""What doing faults needs of the machine."""

from __future__ import annotations

import os

import pytest

from seatrial.toolchain import install_debian_packages, package_group


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    if os.geteuid() != 0:
        pytest.skip("faults of networks and processes need root")
    install_debian_packages(package_group("faults"))
