"""Each weakness still finds the place that it spoils, and each has a scenario that says which control notices it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seatrial.cloud.controls import CONTROLS
from seatrial.cloud.weaknesses import Weakness, known_weaknesses

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT / "infra" / "tofu", tmp_path_factory.mktemp("weak") / "tofu"))


@pytest.mark.parametrize("weakness", known_weaknesses(), ids=lambda weakness: weakness.name)
def test_the_code_still_reads_as_the_weakness_expects(weakness: Weakness, tree: Path) -> None:
    before = {edit.file: (tree / edit.file).read_text() for edit in weakness.edits}
    weakness.build_into(tree)
    assert [file for file, text in before.items() if (tree / file).read_text() == text] == []


def test_each_weakness_has_its_scenario_and_its_control() -> None:
    text = (ROOT / "features" / "infrastructure" / "from_code.feature").read_text()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if "|" in line]
    shown = {row[0]: row[1] for row in rows}
    assert [each.name for each in known_weaknesses() if each.name not in shown] == []
    assert {shown[each.name] for each in known_weaknesses()} <= {control.id for control in CONTROLS}


def test_no_two_controls_share_a_name() -> None:
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)
