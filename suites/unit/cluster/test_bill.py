"""What is in an image is read from what its package managers wrote down, and can be read by others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from seatrial.cluster.bill import Materials, pinned

if TYPE_CHECKING:
    from pathlib import Path

_STATUS = """Package: libc6
Status: install ok installed
Version: 2.36-9+deb12u13
Description: GNU C Library
 Status: of a description is no status

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: python3
Status: install ok installed
Version: 3.11.2-1+b1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(_STATUS, encoding="utf-8")
    installed = tmp_path / "srv/packages/Some_Package-1.2.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: Some_Package\nVersion: 1.2\n", encoding="utf-8")
    return tmp_path


def test_installed_packages_are_found_and_removed_ones_are_not(root: Path) -> None:
    found = Materials.read(root)

    assert found.debian == {"libc6": "2.36-9+deb12u13", "python3": "3.11.2-1+b1"}
    assert found.python == {"some-package": "1.2"}
    assert found.interpreter == "3.11.2"


def test_an_empty_image_has_nothing_in_it(tmp_path: Path) -> None:
    assert Materials.read(tmp_path) == Materials({}, {})


def test_the_bill_keeps_to_the_schema_and_names_each_package(root: Path) -> None:
    bill = Materials.read(root).bill("catalog", "abc")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert {one["purl"] for one in json.loads(bill)["components"]} == {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13",
        "pkg:deb/debian/python3@3.11.2-1%2Bb1",
        "pkg:pypi/some-package@1.2",
    }


def test_pins_of_other_platforms_do_not_count(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# made by uv\nFast_API==1.0 \\\n    --hash=sha256:00\n"
        "tzdata==2026.6 ; sys_platform == 'win32' \\\n    --hash=sha256:01\n",
        encoding="utf-8",
    )
    assert pinned(lock, "3.11.7") == {"fast-api": "1.0"}


def test_pins_count_by_the_python_that_is_there(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "async-timeout==5.0.1 ; python_full_version < '3.11.3' \\\n    --hash=sha256:00\n", encoding="utf-8"
    )
    assert pinned(lock, "3.11.2") == {"async-timeout": "5.0.1"}
    assert pinned(lock, "3.11.7") == {}
