"""What a linter says of the files: every variable has a type and a use, every module its standard files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.progress import open_progress
from seatrial.toolchain import ensure

if TYPE_CHECKING:
    from collections.abc import Callable

TREE = Path(__file__).resolve().parents[2] / "infra" / "tofu"
ROOTS = sorted(str(root.relative_to(TREE)) for kind in ("modules", "environments") for root in (TREE / kind).iterdir())


@pytest.fixture(scope="session")
def lint() -> Callable[[Path], list[str]]:
    """Return what finds the issues of one folder: its rules and what each is about."""
    program = ensure(("tflint",), progress=open_progress())["tflint"].binary("tflint")

    def issues(folder: Path) -> list[str]:
        command = [str(program), f"--chdir={folder}", f"--config={TREE / '.tflint.hcl'}", "--format=json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = json.loads(done.stdout)
        assert told["errors"] == []
        return [f"{issue['rule']['name']}: {issue['message']}" for issue in told["issues"]]

    return issues


@pytest.mark.parametrize("root", ROOTS)
def test_the_linter_finds_nothing(root: str, lint: Callable[[Path], list[str]]) -> None:
    assert lint(TREE / root) == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('variable "anything" {\n  description = "d"\n}\n', "terraform_typed_variables"),
        ('variable "unused" {\n  type = string\n  description = "d"\n}\n', "terraform_unused_declarations"),
        ('output "silent" {\n  value = 1\n}\n', "terraform_documented_outputs"),
    ],
    ids=["untyped", "unused", "undocumented"],
)
def test_the_linter_finds_what_was_planted(
    line: str, rule: str, lint: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "network"
    shutil.copytree(TREE / "modules" / "network", folder)
    with (folder / "variables.tf").open("a") as file:
        file.write(line)
    assert any(issue.startswith(f"{rule}: ") for issue in lint(folder))
