from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.audit.recheck import Sample
from seatrial.audit.records import JudgementRecord
from seatrial.load.indicators import blocks, judge, judge_all, judge_counts, seen, series, tally
from seatrial.load.record import Record, Request
from seatrial.slo.budget import error_budget
from seatrial.slo.counters import Increase
from seatrial.slo.definition import Indicator, Objective
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing
from seatrial.witness import listening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seatrial.truth import TruthLabel
    from seatrial.witness import Judged

SECOND = timedelta(seconds=1)


def objective(indicator: Indicator, limit: float | None = None, *, share: float = 0.99) -> Objective:
    at_most = None if limit is None else timedelta(seconds=limit)
    return Objective(f"catalog-{indicator}", "catalog", indicator, share, timedelta(days=28), at_most)


AVAILABILITY = objective(Indicator.AVAILABILITY)
LATENCY = objective(Indicator.LATENCY, 0.25)
FRESHNESS = objective(Indicator.FRESHNESS, 30)


def request(at: float, *, took: float = 0.1, status: int | None = 200) -> Request:
    return Request(at, at, at + took, status, None if status else "TimeoutError", held=False)


def record(*requests: Request, rate: float = 10) -> Record:
    return Record(requests, len(requests), rate, Path("requests.jsonl"))


def test_good_of_total_is_counted_for_each_indicator() -> None:
    requests = (request(1), request(2, status=503), request(3, took=0.3), request(4, status=None, took=10))
    assert tally(requests, AVAILABILITY) == Tally(2, 4)
    assert tally(requests, LATENCY) == Tally(2, 4)
    with pytest.raises(ValueError, match="no request is good or bad"):
        tally(requests, FRESHNESS)


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.sampled_from([200, 503, None])), min_size=100, max_size=150))
def test_a_judgement_and_the_count_of_the_good_agree(fates: list[tuple[float, int | None]]) -> None:
    kept = record(*(request(at, took=took, status=status) for at, (took, status) in enumerate(fates)))
    for one in (AVAILABILITY, LATENCY):
        judgement = judge(kept, one)
        assert judgement.met == tally(kept.requests, one).keeps(one.target)
        assert judgement.samples == len(fates)
        assert judgement.objective == str(one)


def test_a_record_of_requests_holds_no_events() -> None:
    with pytest.raises(Inconclusive, match="holds no events") as lacking:
        judge(record(request(1)), FRESHNESS)
    assert lacking.value.missing is Missing.SAMPLE


def test_all_objectives_are_judged_and_one_that_cannot_be_hides_none_that_is_missed() -> None:
    good_enough = record(*(request(at) for at in range(200)))
    assert [one.met for one in judge_all(good_enough, [AVAILABILITY, LATENCY])] == [True, True]
    with pytest.raises(Inconclusive, match="holds no events"):
        judge_all(good_enough, [FRESHNESS, AVAILABILITY])
    with pytest.raises(Inconclusive, match="no objective to be judged"):
        judge_all(good_enough, [])
    broken = record(*(request(at, status=503) for at in range(200)))
    assert [one.met for one in judge_all(broken, [FRESHNESS, AVAILABILITY])] == [False]


@dataclass
class Ears:
    """A witness that keeps what is judged and the documents' texts."""

    judgements: list[Judged] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None: ...

    def judged(self, judged: Judged) -> None:
        self.judgements.append(judged)

    def document(self, title: str, text: str) -> None:
        self.texts.append(f"{title}: {text}")

    def data(self, title: str, data: Mapping[str, object]) -> None: ...

    def picture(self, title: str, png: bytes) -> None: ...

    def label(self, label: TruthLabel) -> None: ...

    def secret(self, value: str) -> None: ...


def test_what_is_told_of_a_judgement_holds_when_it_is_judged_again_from_the_raw_record(tmp_path: Path) -> None:
    sent = [request(at / 20, took=0.05 + at % 7 / 1000, status=503 if at == 99 else 200) for at in range(400)]
    file = tmp_path / "requests.jsonl"
    lines = [json.dumps(asdict(one)) for one in sent]
    file.write_text("\n".join([*lines, json.dumps({"planned": 400, "rate": 20})]) + "\n")
    ears = Ears()
    with listening(ears):
        judge_all(Record.read(file).sound(), [AVAILABILITY, LATENCY])
    assert [one.objective for one in ears.judgements] == ["success", "latency"]
    for one in ears.judgements:
        told = JudgementRecord(
            one.objective, one.share, one.required, one.observed, one.samples, met=one.met, record="requests.jsonl"
        )
        Sample.read(file.read_bytes()).check(told)
    assert ears.texts[0] == (
        "the error budget of catalog-availability: 1 of 4 bad events that the budget allows, 75.0% left"
    )


def test_a_request_counts_in_the_second_in_which_it_ended() -> None:
    kept = record(request(100, took=0.5), request(100.5, took=2.7, status=None), request(101, took=0.1))
    counted = series(kept, AVAILABILITY)
    assert [(one.at, one.tally) for one in counted] == [
        (1 * SECOND, Tally(1, 1)),
        (2 * SECOND, Tally(1, 1)),
        (3 * SECOND, Tally(0, 0)),
        (4 * SECOND, Tally(0, 1)),
    ]
    assert error_budget(AVAILABILITY, counted).exhausted_at == 4 * SECOND


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.001, 5)), max_size=40))
def test_a_series_loses_no_request(sent: list[tuple[float, float]]) -> None:
    kept = record(*(request(at, took=took) for at, took in sent))
    assert sum(one.tally.total for one in series(kept, LATENCY)) == len(sent)


def test_customers_know_of_the_service_only_what_it_told_them() -> None:
    found = seen([request(1), request(2, status=404), request(3, status=502), request(4, status=None)])
    assert (found.tally, found.unknown) == (Tally(1, 4), 2)


def test_what_both_sides_counted_is_told_whether_they_agree_or_not() -> None:
    ears = Ears()
    with listening(ears):
        assert judge_counts(record(request(1), request(2)), Increase(Tally(2, 2), (), (), 0)).met
        assert not judge_counts(record(request(1), request(2)), Increase(Tally(2, 3), (), (), 0)).met
        with pytest.raises(Inconclusive):
            judge_counts(record(request(1), request(2)), Increase(Tally(1, 1), ("a",), (), 0))
    assert len(ears.texts) == 3
    assert "by customers: 2 good of 2, 0 unknown\nby servers: 2 good of 3, 0 in flight" in ears.texts[1]


def test_blocks_are_whole_and_hold_what_was_to_start_in_them() -> None:
    found = blocks(record(*(request(50 + at / 10, status=200 if at % 7 else 503) for at in range(25))))
    assert [(block.latencies.total, block.failed) for block in found] == [(10, 2), (10, 1)]
    assert [block.latencies.total for block in blocks(record(*(request(at / 10) for at in range(20))))] == [10, 10]


def test_a_hole_in_the_traffic_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="has a hole"):
        blocks(record(request(1), request(5)))


def test_no_request_is_no_series_and_no_block() -> None:
    assert series(record(), AVAILABILITY) == ()
    assert blocks(record()) == ()
