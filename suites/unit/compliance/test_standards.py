"""Controls of standards say what the checks say, and nothing where none looked at anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seatrial.audit.records import Waiver
from seatrial.compliance.checkov import project
from seatrial.compliance.findings import Checked, Finding, judge
from seatrial.compliance.standards import Control, Standing, as_document, read_controls, stand
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPEN = Finding("CKV_1", "a.tf::b", "it is closed")
CONTROL = Control("AWS 1.1", "it is closed", ("1.1",), ("CKV_1", "CKV_2"))
WAIVERS = {OPEN.id: Waiver("known", "ops", "2031-06-01")}


@pytest.mark.parametrize(
    ("passes", "findings", "waivers", "standing"),
    [
        ({"CKV_1": 2}, (), {}, Standing.HOLDS),
        ({"CKV_1": 2, "CKV_2": 1}, (OPEN,), WAIVERS, Standing.WAIVED),
        ({"CKV_1": 2}, (OPEN,), {}, Standing.BROKEN),
        ({"CKV_3": 2}, (), {}, Standing.UNSEEN),
    ],
    ids=["holds", "waived", "broken", "unseen"],
)
def test_a_control_stands_as_its_checks_say(
    passes: Mapping[str, int], findings: tuple[Finding, ...], waivers: Mapping[str, Waiver], standing: Standing
) -> None:
    outcome = judge([Checked("terraform", 3, passes, 0, findings)], waivers, ["terraform"])
    [result] = stand([CONTROL], outcome)
    assert result.standing is standing
    assert str(result).startswith(f"CIS AWS 1.1 it is closed (requirement 1.1): {standing}")
    assert as_document([result])[0]["standing"] == standing.value


def test_the_projects_own_list_can_be_read() -> None:
    controls = read_controls(project() / "infra" / "standards.toml")
    assert {control.id.partition(" ")[0] for control in controls} == {"AWS", "EKS", "Kubernetes", "Docker"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ('requirements = ["77.7"]', "there is no requirement '77.7'"),
        ("checks = []", "it has no check"),
        ('checks = "CKV_1"', "the checks are missing or no list of texts"),
    ],
    ids=["requirement", "none", "text"],
)
def test_a_list_that_names_what_is_not_there_is_refused(changed: str, sentence: str, tmp_path: Path) -> None:
    lines = {"id": 'id = "AWS 1.1"', "title": 'title = "t"', "requirements": "requirements = []"}
    lines |= {"checks": 'checks = ["CKV_1"]', changed.partition(" ")[0]: changed}
    file = tmp_path / "standards.toml"
    file.write_text("[[control]]\n" + "\n".join(lines.values()))
    with pytest.raises(UsageError, match=sentence):
        read_controls(file)
