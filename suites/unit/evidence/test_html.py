"""What a report shows of a run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from seatrial.audit import Answer, BaselineComparison, CommandRecord, FeatureRecord, RunRecord, Waiver
from seatrial.evidence.compare import compare
from seatrial.evidence.html import LIMIT, html
from seatrial.evidence.store import load_run
from seatrial.requirements import register
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict
from suites.unit.evidence.samples import NOW, sample_run, traffic
from suites.unit.evidence.test_formats import run, scenario

if TYPE_CHECKING:
    from pathlib import Path

FEATURE = """Feature: Ships
  Somebody has to sail them.
  Rule: They float
    Salt water carries more.
    Background:
      Given a harbour
    Scenario: Voyage 0
      Far out.
      When it sails
        | port  | days |
        | Bergen | 3 |
      Then it arrives
        \"\"\"
        in one piece
        \"\"\"
"""


@pytest.fixture
def sample(tmp_path: Path) -> tuple[RunRecord, Path]:
    directory = sample_run(tmp_path, 12)
    return load_run(directory.path), directory.path


def tree(record: RunRecord, folder: Path, before: RunRecord | None = None) -> LexborHTMLParser:
    return LexborHTMLParser(html(record, compare(before, record) if before else None, folder).decode())


def one(parent: LexborHTMLParser | LexborNode, selector: str) -> LexborNode:
    node = parent.css_first(selector)
    assert node is not None, selector
    return node


def said(node: LexborNode) -> str:
    return " ".join(node.text().split())


def test_each_requirement_is_there_with_its_sentence_and_what_is_open(tmp_path: Path) -> None:
    shown = tree(run(scenario(1, Verdict.PASSED)), tmp_path).css(".requirement")
    assert [said(one(node, "h3")) for node in shown] == [entry.id for entry in register()]
    for entry, node in zip(register(), shown, strict=True):
        assert entry.sentence in said(node)
        assert (f"Still open: {entry.open}" in said(node)) is bool(entry.open)
        covered = entry.id in ("5.1", "8.3")
        assert ("not covered" in said(node)) is ("No scenario carries this number." in said(node)) is not covered
        assert ("Voyage 1" in said(node)) is covered


def test_the_feature_text_is_the_document(tmp_path: Path) -> None:
    left_out = replace(scenario(0, Verdict.NOT_RUN, selected=False), line=7, steps=(), reason="not selected")
    record = replace(run(left_out), features=(FeatureRecord("features/ships.feature", FEATURE),))
    shown = tree(record, tmp_path)
    text = said(one(shown, ".feature"))
    for words in ("Somebody has to sail them.", "Rule: They float", "Salt water carries more.", "Far out."):
        assert words in text
    steps = [said(node) for node in shown.css(".steps > li")]
    assert [re.sub("^○", "", step).strip() for step in steps] == [
        "Given a harbour",
        "When it sailsportdaysBergen3",
        "Then it arrivesin one piece",
    ]
    assert [node.attributes["aria-label"] for node in shown.css(".steps .mark")] == ["not run"] * 3


def test_a_text_that_is_no_gherkin_takes_nothing_away(tmp_path: Path) -> None:
    record = replace(
        run(scenario(0, Verdict.PASSED)), features=(FeatureRecord("features/ships.feature", "Fixture: x"),)
    )
    assert len(tree(record, tmp_path).css(".steps > li")) == 2


def test_a_failure_says_why_and_where_to_look(tmp_path: Path) -> None:
    failed = scenario(0, Verdict.FAILED)
    command = CommandRecord(("kubectl", "get", "a b"), 3, NOW, timedelta(seconds=1))
    failed = replace(failed, steps=(failed.steps[0], replace(failed.steps[1], commands=(command,))))
    why = one(tree(run(failed), tmp_path), "article.scenario .why")
    assert said(why).startswith("it sank It stopped at line 5 of features/ships.feature.")
    assert "In this step a command ended with exit code 3: kubectl get 'a b'" in said(why)
    assert one(why, "a").attributes["href"] == "./scenarios/001/call.txt"


def test_what_failed_outside_of_all_steps_says_so(tmp_path: Path) -> None:
    broken = scenario(0, Verdict.ERROR, in_step=False)
    assert "No step failed by itself" in said(one(tree(run(broken), tmp_path), ".why"))


def test_the_first_lines_compare_with_the_run_before(tmp_path: Path) -> None:
    before = run(scenario(0, Verdict.PASSED), scenario(2, Verdict.PASSED))
    after = run(scenario(0, Verdict.FAILED), scenario(4, Verdict.PASSED))
    shown = tree(after, tmp_path, before)
    assert "1 no longer passed, 1 gone, 1 new (which)" in said(one(shown, "header"))
    assert [said(node) for node in shown.css("section[aria-labelledby=changes] li")] == [
        "no longer passedVoyage 0passed, now failed",
        "goneVoyage 2passed",
        "newVoyage 4passed",
    ]
    assert "no longer passed (passed, now failed)" in said(one(shown, "article.failed .meta"))
    assert "there is no earlier run on this target" in said(one(tree(after, tmp_path), "header"))


def test_waivers_and_answers_are_shown(tmp_path: Path) -> None:
    waived = replace(scenario(0, Verdict.FAILED), waiver=Waiver("known", "ops", "2031-06-01"))
    answer = Answer(Verdict.PASSED, "Kim", "2031-05-01", "1.2", "2031-12-31", "documents/look.txt")
    answered = replace(scenario(2, Verdict.PASSED), answer=answer)
    shown = tree(run(waived, answered), tmp_path)
    text = said(one(shown, "main"))
    assert "Waived until 2031-06-01 by ops: known" in text
    assert "Kim found it passed on 2031-05-01, looking at 1.2; the answer holds until 2031-12-31." in text
    assert said(one(shown, ".lead")) == "The gate opens: 1 of 2 scenarios passed, and 1 is waived."
    assert "(waived)" in said(one(shown, ".listed"))


def test_what_was_observed_on_less_than_the_target_says_so(tmp_path: Path) -> None:
    emulated = replace(scenario(1, Verdict.PASSED), label=TruthLabel.EMULATED)
    shown = tree(run(emulated, scenario(0, Verdict.PASSED), scenario(3, Verdict.PASSED)), tmp_path)
    marks = {said(one(node, "h3")): said(one(node, "h3 + p")) for node in shown.css(".requirement")}
    assert marks["5.1"].endswith("(emulated, embedded)")
    assert marks["6.1"].endswith("(embedded)")
    metas = [said(node) for node in shown.css("article .meta")]
    assert [("observed on: emulated" in meta) for meta in metas] == [True, False, False]


@pytest.mark.parametrize(
    ("worse", "wanted"),
    [((), "nothing is worse: a pipeline may go on."), (("x",), "1 thing is worse: a pipeline must not go on.")],
)
def test_the_baseline_is_told_of(worse: tuple[str, ...], wanted: str, tmp_path: Path) -> None:
    record = replace(
        run(scenario(0, Verdict.FAILED)), comparison=BaselineComparison("0" * 64, "r0", worse, ("better so",), ())
    )
    shown = tree(record, tmp_path)
    assert said(one(shown, ".lead")).endswith(f"Held against the baseline of run r0, {wanted}")
    assert "better so" in said(one(shown, "section[aria-labelledby=baseline]"))


def test_a_run_that_was_broken_off_says_so(tmp_path: Path) -> None:
    shown = tree(replace(run(scenario(0, Verdict.PASSED)), ended=None), tmp_path)
    assert said(one(shown, "h1")) == "? inconclusive"
    assert said(one(shown, ".lead")) == "The gate stays closed: the run was broken off; 1 of 1 scenario passed."
    assert "broken off before its end" in said(one(shown, ".facts"))


def test_latency_is_drawn_with_failures_marked_and_the_limit(sample: tuple[RunRecord, Path]) -> None:
    shown = tree(*sample)
    figures = shown.css("figure:not(.course)")
    assert len(figures) == 3
    caption = said(one(figures[0], "figcaption"))
    failures = traffic(1200).count(b"connection refused")
    assert re.fullmatch(
        rf"1200 requests over 1 min: half .* the slowest after 2\.5 s; {failures} failed \(crosses\)\.", caption
    )
    assert said(one(figures[0], ".limit-text")) == "limit 1 s"
    dots = one(figures[0], ".dots").attributes["d"] or ""
    crosses = one(figures[0], ".crosses").attributes["d"] or ""
    assert 100 < dots.count("h0") <= 800
    assert 1 <= crosses.count("l6 6") <= failures


def test_a_record_that_was_changed_is_not_drawn(sample: tuple[RunRecord, Path]) -> None:
    record, folder = sample
    changed = next(folder.glob("scenarios/*/records/*.jsonl"))
    changed.write_bytes(changed.read_bytes().replace(b'"status": null', b'"status": 200 '))
    assert len(tree(record, folder).css("figure:not(.course)")) == 2
    assert "The raw record is not what was kept, so it is not drawn." in html(record, None, folder).decode()


@pytest.mark.parametrize("content", [b"", b"{}\n", b"nonsense\n", b'{"planned":1,"rate":1}\n', b"\xff\xfe\n"])
def test_a_record_that_cannot_be_read_is_said_to_be(content: bytes, sample: tuple[RunRecord, Path]) -> None:
    record, folder = sample
    kept = {}
    for file in folder.glob("scenarios/*/records/*.jsonl"):
        file.write_bytes(content)
        kept[file.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    scenarios = tuple(
        replace(one, artefacts=tuple(replace(a, sha256=kept.get(a.path, a.sha256)) for a in one.artefacts))
        for one in record.scenarios
    )
    page = html(replace(record, scenarios=scenarios), None, folder).decode()
    assert "<figure>" not in page
    assert page.count("The raw record cannot be drawn") + page.count("The raw record holds no request") == 3


def test_a_timeline_stands_beside_the_steps_of_what_took_long(sample: tuple[RunRecord, Path]) -> None:
    long, short = tree(*sample).css("article.scenario")[:2]
    bars = [(float(bar.attributes["x"] or 0), float(bar.attributes["width"] or 0)) for bar in long.css(".bar rect")]
    assert bars == [(0.0, 15.0), (15.0, 15.0), (30.0, 30.0), (60.0, 15.0), (75.0, 15.0)]
    assert not short.css(".bar")


def test_evidence_is_linked_from_wherever_the_page_is(sample: tuple[RunRecord, Path]) -> None:
    record, folder = sample
    beside = folder.parent / "shown"
    beside.mkdir()
    page = LexborHTMLParser(html(record, None, folder, shown_in=beside).decode())
    files = [node.attributes["href"] or "" for node in page.css(".files a")]
    assert len(files) > 12
    assert all((beside / file).is_file() for file in files)


def test_the_policy_lets_the_pages_own_style_through_and_nothing_else(tmp_path: Path) -> None:
    page = html(run(scenario(0, Verdict.PASSED)), None, tmp_path).decode()
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = one(LexborHTMLParser(page), "meta[http-equiv]").attributes["content"]
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    assert policy == allowed
    assert not re.search(r"https?://|url\(|@import|<script", page)


@pytest.mark.parametrize(
    ("scenarios", "wanted", "steps"),
    [(200, None, True), (2500, "Steps, commands and files are left out", False)],
)
def test_a_page_is_never_too_large(scenarios: int, wanted: str | None, steps: bool, tmp_path: Path) -> None:  # noqa: FBT001
    mix = [scenario(n, list(Verdict)[n % 5]) for n in range(scenarios)]
    page = html(run(*mix), None, tmp_path)
    assert len(page) <= LIMIT
    shown = LexborHTMLParser(page.decode())
    assert len(shown.css("article.scenario")) == scenarios
    assert bool(shown.css(".steps")) is steps
    assert ("This run is large" in page.decode()) is (wanted is not None)
    assert wanted is None or wanted in page.decode()


def test_of_too_many_scenarios_the_worst_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    many = [scenario(n, Verdict.FAILED if n % 100 == 99 else Verdict.PASSED) for n in range(9000)]
    shown = tree(run(*many), tmp_path)
    assert len(shown.css("article.scenario")) == 1000
    assert len(shown.css("article.scenario.failed")) == 90
    assert said(one(shown, "#counts")) == "9000 selected: 8910 passed, 90 failed"


def test_endless_texts_do_not_make_a_page_too_large(tmp_path: Path) -> None:
    endless = [replace(scenario(n, Verdict.FAILED), reason="because " * 9000) for n in range(300)]
    page = html(run(*endless), None, tmp_path)
    assert len(page) <= LIMIT
    assert "more characters)" in page.decode()
