"""The resilience score: bounded, monotone, and never better for what nobody saw."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from seatrial.evidence.html import html
from seatrial.evidence.markdown import markdown
from seatrial.evidence.resilience import FaultKind, Resilience, fault_kinds, kind_of, parse_kinds, percent, resilience
from seatrial.evidence.terminal import print_summary
from seatrial.verdict import Verdict
from suites.unit.evidence.test_formats import run, scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.audit import RunRecord

ROOT = Path(__file__).parents[3]
KINDS = (
    FaultKind("A node is lost", ("a.feature",), 3, "it happens", ("deployment.yaml: spread",)),
    FaultKind("A node is back", ("a.feature::Back",), 1, "it is nice", ("init.sh: kubelet",)),
    FaultKind("Names are gone", ("b.feature",), 4, "nobody sees it", ("config.yaml: NAME",)),
)
SEEN = (Verdict.PASSED, Verdict.FAILED)
PLACES = (("a.feature", "Loss"), ("a.feature", "Back"), ("a.feature", "Loss too"), ("b.feature", "Names"))
VERDICTS = st.lists(st.sampled_from(list(Verdict)), min_size=len(PLACES), max_size=len(PLACES))


def record(verdicts: Sequence[Verdict]) -> RunRecord:
    scenarios = [
        replace(scenario(number, verdict), file=file, name=name)
        for number, (verdict, (file, name)) in enumerate(zip(verdicts, PLACES, strict=True))
    ]
    return run(*scenarios)


def reckoned(*verdicts: Verdict) -> Resilience:
    found = resilience(record(verdicts), KINDS)
    assert found is not None
    return found


def test_scenarios_of_a_kind_share_its_weight() -> None:
    found = reckoned(Verdict.PASSED, Verdict.FAILED, Verdict.FAILED, Verdict.PASSED)
    # 3 for a node, of which half was lost; 1 for its return, all lost; 4 for names.
    assert found.score == Fraction(11, 16)
    assert found.coverage == 1
    assert [(one.kind.name, one.share, [it.name for it in one.scenarios]) for one in found.lost] == [
        ("A node is lost", Fraction(3, 16), ["Loss too"]),
        ("A node is back", Fraction(1, 8), ["Back"]),
    ]
    assert found.unseen == ()


@pytest.mark.parametrize("unseen", [Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.ERROR], ids=str)
def test_what_was_not_seen_lowers_the_coverage_and_not_the_score(unseen: Verdict) -> None:
    found = reckoned(Verdict.PASSED, Verdict.PASSED, Verdict.PASSED, unseen)
    assert (found.score, found.coverage) == (Fraction(1), Fraction(1, 2))
    assert [kind.name for kind in found.unseen] == ["Names are gone"]
    assert str(found) == "100 % of what was seen was survived; 50 % of the weight was seen"


def test_nothing_seen_is_no_score() -> None:
    found = reckoned(*[Verdict.NOT_RUN] * 4)
    assert (found.score, found.coverage) == (None, Fraction(0))
    assert str(found) == "nothing was seen; 0 % of the weight was seen"
    assert resilience(run(), KINDS) is None
    assert resilience(run(scenario(0, Verdict.PASSED)), KINDS) is None


@given(VERDICTS)
def test_both_numbers_are_bounded_and_what_was_lost_adds_up(verdicts: list[Verdict]) -> None:
    found = reckoned(*verdicts)
    assert 0 <= found.coverage <= 1
    assert (found.score is None) == (found.coverage == 0) == (not set(SEEN).intersection(verdicts))
    if found.score is not None:
        assert 0 <= found.score <= 1
        assert found.score + sum(one.share for one in found.lost) == 1
        assert (found.score == 1) == (Verdict.FAILED not in verdicts)


@given(VERDICTS, st.integers(0, len(PLACES) - 1))
def test_surviving_more_never_lowers_the_score(verdicts: list[Verdict], place: int) -> None:
    for worse, better in ((Verdict.FAILED, Verdict.PASSED), (Verdict.NOT_RUN, Verdict.PASSED)):
        before, after = [*verdicts], [*verdicts]
        before[place], after[place] = worse, better
        low, high = reckoned(*before), reckoned(*after)
        assert high.coverage >= low.coverage
        assert high.score is not None
        assert low.score is None or low.score <= high.score


@given(VERDICTS, st.integers(0, len(PLACES) - 1))
def test_failing_never_raises_the_score(verdicts: list[Verdict], place: int) -> None:
    before, after = [*verdicts], [*verdicts]
    before[place], after[place] = Verdict.INCONCLUSIVE, Verdict.FAILED
    low, high = reckoned(*after), reckoned(*before)
    assert low.coverage > high.coverage
    assert high.score is None or (low.score is not None and low.score <= high.score)


@given(st.fractions(0, 1))
def test_only_the_whole_is_said_to_be_a_hundred_percent(share: Fraction) -> None:
    assert (percent(share) == "100 %") == (share == 1)


def test_the_entry_that_names_the_most_counts() -> None:
    found = [kind_of(one, KINDS) for one in ("a.feature::Loss", "a.feature::Back again", "b.feature::x", "c.feature")]
    assert [one and one.name for one in found] == ["A node is lost", "A node is back", "Names are gone", None]


GOOD = '[[kind]]\nname = "a"\nscenarios = ["x"]\nweight = 1\nreason = "b"\nhelps = ["c"]\n'


@pytest.mark.parametrize(
    ("written", "instead"),
    [("weight = 1", "weight = 0"), ('reason = "b"', 'reason = ""'), ('["c"]', "[]"), ('["x"]', "[]")],
    ids=["no weight", "no reason", "no help", "no scenarios"],
)
def test_a_kind_that_lacks_something_is_refused(written: str, instead: str) -> None:
    assert len(parse_kinds(GOOD)) == 1
    with pytest.raises(ValueError, match="lacks something"):
        parse_kinds(GOOD.replace(written, instead, 1))


def test_two_kinds_cannot_claim_the_same_scenarios() -> None:
    with pytest.raises(ValueError, match="name the same scenarios"):
        parse_kinds(GOOD + GOOD)


def test_what_would_help_is_where_it_is_said_to_be() -> None:
    for kind in fault_kinds():
        for place in kind.helps:
            file, _, word = place.partition(": ")
            assert word in (ROOT / file).read_text(encoding="utf-8"), place


def test_both_numbers_stand_together_wherever_a_run_is_shown(tmp_path: Path) -> None:
    lost = replace(scenario(0, Verdict.FAILED), file="features/resilience/pod_loss.feature", name="One replica")
    survived = replace(scenario(1, Verdict.PASSED), file="features/resilience/node_loss.feature", name="A node")
    shown = run(lost, survived)
    seen = Fraction(10, sum(kind.weight for kind in fault_kinds()))
    said = f"50 % of what was seen was survived; {percent(seen)} of the weight was seen"
    console = Console(file=StringIO(), width=200)
    print_summary(shown, console)
    assert isinstance(console.file, StringIO)
    assert f"\nResilience: {said}\n" in console.file.getvalue()
    assert f"| resilience | {said} |" in markdown(shown).decode()
    page = LexborHTMLParser(html(shown, None, tmp_path).decode())
    fact, section = page.css_first("#resilience"), page.css_first("section[aria-labelledby=lost]")
    assert fact is not None
    assert section is not None
    assert fact.text() == f"{said} (why)"
    text = " ".join(section.text().split())
    assert "−50 %A replica is lost, weight 5 (It happens at each release" in text  # noqa: RUF001 (a minus is meant)
    assert "What would help: infra/kubernetes/bases/catalog/deployment.yaml: topologySpreadConstraints," in text
    assert "Not seen, or not all of it: A node comes back (weight 2)," in text


def test_a_run_that_tries_no_fault_says_nothing_of_resilience(tmp_path: Path) -> None:
    shown = run(replace(scenario(0, Verdict.PASSED), file="features/data/orders.feature"))
    assert "esilience" not in markdown(shown).decode()
    assert 'id="resilience"' not in html(shown, None, tmp_path).decode()
