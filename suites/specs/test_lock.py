"""The lock holds all that is declared, with hashes, and names no place to get it from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    return {canonicalize_name(match["name"]): match["version"] for match in _PIN.finditer(text)}


def unlocked(declared: list[str], text: str) -> list[str]:
    """The declared requirements that the lock *text* does not meet."""
    locked = pins(text)
    found = []
    for line in declared:
        requirement = Requirement(line)
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found.append(line)
    return found


def unhashed(text: str) -> list[str]:
    """The pins of the lock *text* that have no hash."""
    return [match["name"] for match in _PIN.finditer(text) if "--hash=sha256:" not in match["rest"]]


def places(text: str) -> list[str]:
    """The lines of the lock *text* that say where to get something."""
    return [line for line in text.splitlines() if re.search(r"://|^--(index|extra-index|find-links)|^-[if] ", line)]


def test_all_that_is_declared_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    assert unlocked(declared, (ROOT / "requirements" / "project.txt").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["project.txt", "uv.txt"])
def test_each_pin_has_a_hash_and_no_place(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert pins(text)
    assert unhashed(text) == []
    assert places(text) == []


def test_both_locks_name_the_same_uv() -> None:
    project, alone = ((ROOT / "requirements" / name).read_text(encoding="utf-8") for name in ("project.txt", "uv.txt"))
    assert pins(project)["uv"] == pins(alone)["uv"]


GOOD = """
nox==2026.10.20 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
rich==15.0 ; python_version < '4' \\
    --hash=sha256:cc
"""


@pytest.mark.parametrize("line", ["tenacity>=9", "rich>=16"])
def test_what_is_missing_or_too_old_is_found(line: str) -> None:
    assert unlocked(["nox>=2026", line], GOOD) == [line]


def test_a_pin_without_a_hash_is_found() -> None:
    assert unhashed(GOOD) == []
    assert unhashed(GOOD + "six==1.0\n") == ["six"]


@pytest.mark.parametrize("line", ["--index-url https://mirror.example/simple", "-f wheels", "# via https://a.example"])
def test_a_place_is_found(line: str) -> None:
    assert places(GOOD) == []
    assert places(GOOD + line) == [line]
