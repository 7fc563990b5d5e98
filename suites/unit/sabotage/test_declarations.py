"""Each sabotage breaks something that is there, and is held against a scenario and a sentence that are there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from seatrial.errors import UsageError
from seatrial.kube import subject
from seatrial.kube.manifests import Manifests
from seatrial.specification import Feature, Rule, Scenario, read_features
from suites.processes.orders import planted as planted_orders
from suites.sabotage import planted as planted_catalogue
from suites.sabotage.changes import edited, planted, without
from suites.sabotage.listing import SABOTAGES, chosen, named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.sabotage.declaration import Change, Sabotage

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "infra" / "kubernetes"
# What is in the images of the services: a planted bug can import nothing else.
IN_THE_IMAGE = sys.stdlib_module_names | {"reference_app", "redis", "sqlalchemy"}

every = pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=list(SABOTAGES))
of_the_shop = pytest.mark.parametrize(
    "sabotage", [one for one in SABOTAGES.values() if one.change], ids=lambda s: s.name
)


planting = pytest.mark.parametrize(
    "name",
    ["yesterdays-price", "no-cache", "ordered-twice", "stock-kept", "answers-late", "migrations-that-lose"],
)


def unpack(change: Change | None, manifests: Manifests, folder: Path) -> None:
    """Write to *folder* the files that a planted bug mounts into the pods."""
    assert change is not None
    [files] = [one for one in change(manifests).documents if one.name.startswith("sabotage-")]
    for name, text in files.texts("data").items():
        (folder / name).write_text(text)


def start(program: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def filled(text: str, row: Mapping[str, str]) -> str:
    for name, value in row.items():
        text = text.replace(f"<{name}>", value)
    return text


def sentences(feature: Feature, rule: Rule, scenario: Scenario) -> dict[str, list[str]]:
    """The sentences of a scenario, by its name; of an outline, once per row."""
    steps = (*feature.background, *rule.background, *scenario.steps)
    return {
        filled(scenario.name, row): [filled(step.text, row) for step in steps] for row in scenario.examples or ({},)
    }


@pytest.fixture(scope="module")
def known() -> dict[str, list[str]]:
    folder = ROOT / "features"
    return {
        f"features/{feature.file.relative_to(folder)}::{name}": found
        for feature in read_features(folder)
        for rule, scenario in feature.scenarios
        for name, found in sentences(feature, rule, scenario).items()
    }


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """The objects of the shop, from the files that kustomize puts together, in the namespace that it gives them."""
    found = [file for file in sorted((KUBERNETES / "bases").rglob("*.yaml")) if file.parent.name != "sizing"]
    objects = [one for file in found for one in yaml.safe_load_all(file.read_text()) if one["kind"] != "Kustomization"]
    account = (KUBERNETES / "bases" / "aws" / "account.json").read_text()
    generated = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-account-9k7t"}}
    objects.append({**generated, "data": {"account.json": account}})
    for one in objects:
        one["metadata"]["namespace"] = "shop"
    return Manifests.parse(yaml.safe_dump_all(objects))


def test_there_are_enough_of_them() -> None:
    assert len(chosen([], slow=False)) >= 16


@every
def test_each_has_a_scenario_and_a_sentence_that_exist(sabotage: Sabotage, known: dict[str, list[str]]) -> None:
    assert sabotage.sights
    for sight in sabotage.sights:
        assert sight.step in known[sight.id]


@every
def test_each_breaks_one_thing_and_says_what(sabotage: Sabotage) -> None:
    broken = [one for one in (sabotage.change, sabotage.patch) if one is not None]
    assert len(broken) == 1
    assert sabotage.breaks.endswith(".")


@of_the_shop
def test_each_changes_what_is_deployed(sabotage: Sabotage, manifests: Manifests) -> None:
    assert sabotage.change is not None
    before = [dict(one.raw) for one in manifests.documents]
    after = sabotage.change(manifests)
    assert [dict(one.raw) for one in after.documents] != before
    assert [dict(one.raw) for one in manifests.documents] == before
    assert after.images == manifests.images


@of_the_shop
def test_what_each_adds_goes_with_the_next_deployment(sabotage: Sabotage, manifests: Manifests) -> None:
    assert sabotage.change is not None
    had = {(one.kind, one.name) for one in manifests.documents}
    for one in sabotage.change(manifests).documents:
        if (one.kind, one.name) not in had:
            assert one.kind in subject._PRUNED
            assert one.labels["app.kubernetes.io/part-of"] == "seatrial"
            assert one.namespace == "shop"


@every
def test_what_each_patches_is_there(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, length in sabotage.patience:
        monkeypatch.setattr(place, length)
    if sabotage.patch is not None:
        sabotage.patch(monkeypatch)
        assert monkeypatch._setattr


@pytest.mark.parametrize("module", [planted_catalogue, planted_orders], ids=["catalogue", "orders"])
def test_planted_bugs_import_what_is_in_the_image(module: object) -> None:
    file = getattr(module, "__file__", None)
    assert isinstance(file, str)
    for node in ast.walk(ast.parse(Path(file).read_text())):
        if isinstance(node, ast.Import):
            assert {name.name.partition(".")[0] for name in node.names} <= IN_THE_IMAGE
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] in IN_THE_IMAGE


@planting
def test_planted_bugs_are_there_before_the_service_is(name: str, manifests: Manifests, tmp_path: Path) -> None:
    unpack(SABOTAGES[name].change, manifests, tmp_path)
    # It asserts that what it takes the place of is there; where it is not, the process ends.
    done = start("import sys; print('planted' in sys.modules)", f"{tmp_path}:{ROOT}")
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_what_cannot_be_planted_lets_no_service_start(manifests: Manifests, tmp_path: Path) -> None:
    (tmp_path / "bugs.py").write_text("BUGS = {}\n")
    unpack(planted("Deployment", "catalog", tmp_path / "bugs.py", "no_such_bug"), manifests, tmp_path)
    done = start("print('serves')", str(tmp_path))
    assert (done.returncode, done.stdout) == (70, "")


def test_two_bugs_in_one_workload_are_told_apart(manifests: Manifests) -> None:
    def pods(name: str) -> object:
        change = SABOTAGES[name].change
        assert change is not None
        [one] = [one for one in change(manifests).documents if (one.kind.name, one.name) == ("Deployment", "catalog")]
        return one.at("spec.template")

    assert pods("yesterdays-price") != pods("no-cache") != pods("answers-late")


def test_a_name_that_is_unknown_is_refused_with_what_may_be_meant() -> None:
    with pytest.raises(UsageError, match="choose one that --list shows, no-spread perhaps"):
        named("nospread")


def test_those_named_are_chosen_once_in_their_order() -> None:
    assert [one.name for one in chosen(["no-spread", "no-growth", "no-spread"], slow=False)] == [
        "no-spread",
        "no-growth",
    ]


def test_slow_ones_run_when_asked_for() -> None:
    assert {one.name for one in chosen([], slow=True)} == set(SABOTAGES)
    assert not any(one.slow for one in chosen([], slow=False))


def test_a_change_that_finds_nothing_is_refused(manifests: Manifests) -> None:
    with pytest.raises(LookupError, match="no PodDisruptionBudget nobody"):
        without("PodDisruptionBudget", "nobody")(manifests)
    with pytest.raises(LookupError, match="was that way already"):
        edited("Deployment", "catalog", lambda _: None)(manifests)


def test_the_command_refuses_an_unknown_name_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suites.sabotage", "--only", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "seatrial: There is no sabotage called 'nothing': choose one that --list shows."
    ]
    assert not done.stdout


def test_the_command_lists_all_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suites.sabotage", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in SABOTAGES)
