"""Findings are mended or explained, and an explanation that nothing needs is a fault of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from seatrial.audit.records import Waiver
from seatrial.compliance.findings import Checked, Finding, judge, read_finding_waivers, read_report
from seatrial.errors import UsageError

TODAY = date(2031, 5, 4)
OPEN = Finding("CKV_AWS_1", "infra/tofu/modules/a/main.tf::aws_vpc.this", "it is closed")
SEEN = Checked("terraform", 9, {"CKV_AWS_2": 20}, 0, (OPEN,))
WAIVER = Waiver("known", "ops", "2031-06-01")


def report(kind: str, file: str, resource: str) -> dict[str, Any]:
    failed = {"check_id": "CKV_1", "check_name": "n", "file_abs_path": f"/root/{file}", "resource": resource}
    summary = {"resource_count": 3, "passed": 2, "parsing_errors": 0}
    results = {"failed_checks": [failed, failed], "passed_checks": [{"check_id": "CKV_1"}, {"check_id": "CKV_2"}]}
    return {"check_type": kind, "summary": summary, "results": results}


@pytest.mark.parametrize(
    ("kind", "file", "resource", "named"),
    [
        ("terraform", "m/main.tf", "module.platform.module.net-work.aws_vpc.this", "m/main.tf::aws_vpc.this"),
        ("terraform", "m/main.tf", 'aws_s3_bucket.this["a"]', 'm/main.tf::aws_s3_bucket.this["a"]'),
        ("dockerfile", "i/Dockerfile", "/i/Dockerfile.FROM", "i/Dockerfile::FROM"),
        ("dockerfile", "i/Dockerfile", "/i/Dockerfile.", "i/Dockerfile"),
        ("kubernetes", "k/job.yaml", "Job.shop.migration", "k/job.yaml::Job.shop.migration"),
    ],
)
def test_a_finding_is_named_by_its_file_and_what_is_in_it(kind: str, file: str, resource: str, named: str) -> None:
    found = read_report(report(kind, file, resource), Path("/root"))
    assert [one.resource for one in found.findings] == [named]
    assert (found.things, found.passed) == (3, 2)


def test_a_finding_that_is_explained_is_lived_with() -> None:
    assert judge([SEEN], {OPEN.id: WAIVER}, ["terraform"]).well


def test_a_finding_that_nobody_explains_is_named() -> None:
    outcome = judge([SEEN], {}, ["terraform"])
    assert not outcome.well
    assert f"not explained: CKV_AWS_1 on {OPEN.resource}: it is closed" in outcome.lines()


def test_an_explanation_that_nothing_needs_is_named() -> None:
    outcome = judge([replace(SEEN, findings=())], {OPEN.id: WAIVER}, ["terraform"])
    assert not outcome.well
    assert f"a waiver that nothing needs: {OPEN.id}: remove it" in outcome.lines()


@pytest.mark.parametrize(
    "seen",
    [[], [replace(SEEN, things=0, findings=())], [replace(SEEN, unread=1, findings=())]],
    ids=["no report", "no things", "unread"],
)
def test_seeing_nothing_is_not_well(seen: list[Checked]) -> None:
    outcome = judge(seen, {}, ["terraform"])
    assert outcome.blind
    assert not outcome.well


def entry(**changed: str) -> str:
    told = {"id": '"CKV_1"', "resource": '"a::b"', "reason": '"r"', "owner": '"o"', "expiry": "2031-06-01"}
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in (told | changed).items())


def test_waivers_are_read(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(entry() + entry(resource='"a::c"'))
    assert read_finding_waivers(file, TODAY).keys() == {"CKV_1 a::b", "CKV_1 a::c"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (entry(expiry="2031-05-03"), "it expired after 2031-05-03"),
        (entry(expiry="2032-05-03"), "too far ahead"),
        (entry(owner='""'), "the owner is missing or empty"),
        (entry() + entry(), "waived twice"),
    ],
    ids=["expired", "far", "nobody", "twice"],
)
def test_a_waiver_that_does_not_hold_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        read_finding_waivers(file, TODAY)
