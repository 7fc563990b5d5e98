"""The plugin: it takes the place of what deploys, runs what has to see the sabotage, and touches no other run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suites.sabotage.listing import SABOTAGES

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ("-p", "suites.sabotage.breaking", "-p", "no:cacheprovider")
# Manifests of four disruption budgets, in the place of those that kustomize puts together.
CONFTEST = """
from seatrial.kube.manifests import Manifests
from seatrial.kube.subject import Subject

pytest_plugins = ["seatrial.plugin", "steps"]
BUDGET = "apiVersion: policy/v1\\nkind: PodDisruptionBudget\\nmetadata: {name: NAME, namespace: shop}\\n"


def read(overlay):
    names = ["catalog", "gateway", "orders", "storefront"]
    return Subject(Manifests.parse("---\\n".join(BUDGET.replace("NAME", name) for name in names)), "shop", "seatrial")


Subject.read = read
"""


def pytest_on(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_scenarios_that_have_to_see_something_are_found_each_once() -> None:
    sights = {sight.id for each in SABOTAGES.values() for sight in each.sights}
    options = [f"--sight={one}" for one in sights]
    done = pytest_on("suites/acceptance", *PLUGIN, *options, "--collect-only", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(found) == len(sights), done.stdout
    assert any(line.endswith("::test_the_storefront_does_not_reach_service[catalog]") for line in found)
    assert not any(line.endswith("::test_the_storefront_does_not_reach_service[orders]") for line in found)


def test_exactly_the_scenarios_that_have_to_see_a_sabotage_are_run() -> None:
    done = pytest_on("suites/acceptance", *PLUGIN, "--sabotage", "trust-turned-around", "--collect-only", "-q")
    assert [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line] == [
        "test_what_runs_under_the_gateways_account_keeps_a_file",
        "test_what_runs_under_another_services_account_is_refused_the_same",
    ]


def test_an_unknown_sabotage_is_bad_input() -> None:
    done = pytest_on("suites/acceptance", *PLUGIN, "--sabotage", "nothing")
    assert done.returncode == 4
    assert "There is no sabotage called 'nothing'" in done.stderr


def test_no_other_run_knows_of_it() -> None:
    done = pytest_on("suites/acceptance", "--sabotage", "no-spread")
    assert done.returncode == 4
    assert "unrecognized arguments: --sabotage" in done.stderr


@pytest.mark.parametrize(
    ("name", "kept"), [("no-disruption-budget", 3), ("price-unknown", 4)], ids=["sabotaged", "as-it-is"]
)
def test_what_is_deployed_lacks_the_control(tmp_path: Path, name: str, kept: int) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(
        f"def test_it(subject):\n    assert len(subject.manifests.only('PodDisruptionBudget').documents) == {kept}\n"
    )
    # As the project itself has it: what pytest warns of is an error.
    done = pytest_on(*PLUGIN, "-W", "error", "--sabotage", name, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
