"""The files themselves: their form, what they accept, and the tests that lie beside each module."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.cloud.programs import CloudPrograms
    from seatrial.cloud.tofu import Tofu

TREE = Path(__file__).resolve().parents[2] / "infra" / "tofu"
MODULES = sorted(folder.name for folder in (TREE / "modules").iterdir())
PRODUCTION = {"allowed_account_ids": ["123456789012"], "alarm_emails": ["ops@example.org"]}


def run(programs: CloudPrograms, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "TF_CLI_CONFIG_FILE": str(programs.settings),
        "PATH": "/usr/bin:/bin",
        "HOME": str(programs.settings.parent),
    }
    command = [str(programs.tofu), f"-chdir={folder}", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_all_files_are_in_the_usual_form(programs: CloudPrograms) -> None:
    done = run(programs, TREE, "fmt", "-check", "-recursive", "-diff")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_of_a_module_pass(module: str, programs: CloudPrograms, tmp_path: Path) -> None:
    shutil.copytree(TREE / "modules", tmp_path / "modules")
    folder = tmp_path / "modules" / module
    started = run(programs, folder, "init", "-backend=false", "-input=false", "-no-color")
    assert started.returncode == 0, started.stdout + started.stderr
    done = run(programs, folder, "test", "-no-color")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    counted = re.search(r"Success! (\d+) passed, 0 failed", done.stdout)
    assert counted is not None, done.stdout[-500:]
    assert int(counted[1]) >= 1


@pytest.mark.parametrize(
    ("environment", "variables"),
    [("emulated", {}), ("learner", {"allowed_account_ids": ["123456789012"]}), ("production", PRODUCTION)],
    ids=["emulated", "learner", "production"],
)
def test_an_environment_is_valid(environment: str, variables: dict[str, object], prepared: Callable[..., Tofu]) -> None:
    assert [str(found) for found in prepared(environment, **variables).validate()] == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"cidr": "10.0.0.0/24"}, "has no room for the subnets"),
        ({"cidr": "8.8.8.0/16"}, "is no private IPv4 range"),
        ({"region": "mars-north-1"}, 'The region "mars-north-1" is not supported'),
        ({"zones": ["a"]}, "Fewer than two zones were given"),
        ({"kubernetes_version": "1.27"}, "1.28"),
        ({"emulator_url": "nowhere"}, "is no address of an emulator"),
    ],
    ids=["small", "public", "region", "one zone", "old", "address"],
)
def test_bad_input_is_one_clear_sentence(
    variables: dict[str, object], sentence: str, prepared: Callable[..., Tofu]
) -> None:
    with pytest.raises(UsageError) as refused:
        prepared(**variables).plan()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_missing_is_named(prepared: Callable[..., Tofu]) -> None:
    tofu = prepared()
    tofu.set_variables({key: value for key, value in tofu.variables.items() if key != "passwords"})
    with pytest.raises(UsageError, match='"passwords" is not set'):
        tofu.plan()


def test_getting_ready_needs_no_network(programs: CloudPrograms, tmp_path: Path) -> None:
    shutil.copytree(TREE, tmp_path / "tofu")
    root = tmp_path / "tofu" / "environments" / "emulated"
    # A network namespace of its own has no way anywhere: whatever is asked for there gets no answer.
    done = subprocess.run(
        ["unshare", "--net", str(programs.tofu), f"-chdir={root}", "init", "-input=false", "-no-color"],
        env={"TF_CLI_CONFIG_FILE": str(programs.settings), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installed hashicorp/aws v4.9.0" in done.stdout
