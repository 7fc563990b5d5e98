"""The lattice of verdicts."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import pytest

from seatrial.verdict import Inconclusive, Verdict


def test_nothing_at_all_is_not_run() -> None:
    assert Verdict.worst([]) is Verdict.NOT_RUN


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_whole_passes_only_if_each_part_did(size: int) -> None:
    for parts in product(Verdict, repeat=size):
        assert (Verdict.worst(parts) is Verdict.PASSED) == all(part is Verdict.PASSED for part in parts)


def test_the_order_of_parts_does_not_matter() -> None:
    for parts in product(Verdict, repeat=3):
        assert len({Verdict.worst(order) for order in permutations(parts)}) == 1


def test_the_verdict_on_a_whole_does_not_depend_on_how_it_is_cut() -> None:
    for one, two, three in product(Verdict, repeat=3):
        assert Verdict.worst([Verdict.worst([one, two]), three]) is Verdict.worst([one, Verdict.worst([two, three])])


def test_a_part_alone_is_the_whole() -> None:
    assert [Verdict.worst([part]) for part in Verdict] == list(Verdict)


def test_from_best_to_worst() -> None:
    order = [Verdict.PASSED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAILED]
    for better, worse in pairwise(order):
        assert Verdict.worst([better, worse]) is worse


def test_only_passed_opens_a_gate() -> None:
    assert [verdict for verdict in Verdict if verdict.opens_gate] == [Verdict.PASSED]


def test_inconclusive_says_what_was_missing() -> None:
    assert Inconclusive("no sample").reason == str(Inconclusive("no sample")) == "no sample"


def test_inconclusive_is_not_an_assertion() -> None:
    assert not issubclass(Inconclusive, AssertionError)
