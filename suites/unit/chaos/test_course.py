"""The course of faults whose every instant is known beforehand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.chaos.course import Course, Known, Mark, course_of
from seatrial.chaos.following import followed
from seatrial.chaos.lookout import Look, Lookout, seen_since
from seatrial.chaos.times import Instant, Timeline
from seatrial.kube.api import Interrupted
from seatrial.load.record import Record, Request
from seatrial.slo.definition import Indicator, Objective
from seatrial.verdict import Inconclusive
from seatrial.waiting import eventually
from seatrial.witness import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from seatrial.kube import Workload
    from seatrial.load import Traffic
    from seatrial.truth import TruthLabel
    from seatrial.witness import Judged

MONTH = timedelta(days=28)
OBJECTIVES = (
    Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, 0.995, MONTH),
    Objective("catalog-latency", "catalog", Indicator.LATENCY, 0.99, MONTH, timedelta(seconds=0.5)),
)
INJECTED = Instant(110.0, 110.2)
BOTH, ONE, OTHER = frozenset("ab"), frozenset("a"), frozenset("ac")


def record(fate: Callable[[float], Request | None] = lambda _: None, *, until: float = 140, rate: int = 20) -> Record:
    """Return requests from 100 on; *fate* says what became of the one that was to start then, None that all is well."""
    times = [100 + number / rate for number in range(round((until - 100) * rate))]
    sent = [fate(at) or request(at) for at in times]
    return Record(tuple(sent), len(sent), rate, Path("requests.jsonl"))


def request(at: float, *, took: float = 0.05, status: int | None = 200) -> Request:
    return Request(at, at, at + took, status, None if status else "TimeoutError", held=False)


def outage(begin: float, end: float, **how: float | None) -> Callable[[float], Request | None]:
    status = None if "status" not in how else int(how["status"] or 0)
    took = how.get("took") or 0.01
    return lambda at: request(at, took=took, status=status) if begin <= at < end else None


def timeline(**instants: Instant) -> Timeline:
    named = {"injected": INJECTED, "effective": Instant(110.1, 110.4)} | instants
    return Timeline(instants=dict(named), fault="node-cut-off", target="node b")


def looks(*changes: tuple[float, frozenset[str] | None], until: float = 140) -> list[Look]:
    """Return a look each half second, a tenth long; *changes* say what is seen by looks that begin from then on."""
    known = [(0.0, BOTH), *changes]
    begins = [100 + number / 2 for number in range(round((until - 100) * 2))]
    return [Look(at, at + 0.1, next(seen for since, seen in reversed(known) if at >= since)) for at in begins]


def course(sent: Record, seen: Sequence[Look] = (), line: Timeline | None = None) -> Course:
    return course_of(line or timeline(), sent, seen, OBJECTIVES)


def mark(found: Course, name: str) -> Mark:
    return next(one for one in found.marks if one.name == name)


def bounds(found: Course, name: str) -> tuple[float, float]:
    instant = mark(found, name).instant
    assert instant is not None, mark(found, name)
    return round(instant.earliest, 6), round(instant.latest, 6)


def test_each_instant_of_a_fault_that_was_felt() -> None:
    clean = Instant(125.0, 125.3)
    found = course(record(outage(110.5, 122)), looks((113, ONE), (120, OTHER)), timeline(clean=clean))
    assert [one.name for one in found.marks] == [
        "injected",
        "effective",
        "felt",
        "detected",
        "alert-worthy",
        "undone",
        "recovered",
        "steady",
    ]
    assert bounds(found, "felt") == (110.5, 110.51)
    assert bounds(found, "detected") == (112.5, 113.1)
    # More than 7.2 % of 240 requests are 18, which is 0.9 s of the outage.
    assert bounds(found, "alert-worthy") == (111.25, 111.5)
    assert bounds(found, "undone") == (125.0, 125.3)
    assert bounds(found, "recovered") == (121.95, 122.0)
    assert bounds(found, "steady") == (125.0, 125.3)
    assert (
        "catalog-availability, page at 14.4x over 12 s and 1 s, windows scaled by" in mark(found, "alert-worthy").said
    )
    assert mark(found, "alert-worthy").said.endswith("with the windows of service, 1 h and 5 min: never")


def test_a_fault_that_nobody_felt_says_never_and_means_it() -> None:
    found = course(record(), looks())
    said = {one.name: one.known for one in found.marks}
    assert {name for name, known in said.items() if known is Known.NEVER} == {
        "felt",
        "detected",
        "alert-worthy",
        "recovered",
    }
    assert said["steady"] is Known.HAPPENED
    assert said["undone"] is Known.UNKNOWN
    text = found.text()
    assert "alert-worthy: never: no page at 14.4x over 12 s and 1 s" in text
    assert "felt: never: no request failed or took longer than 0.5 s (customers)" in text
    assert "injected: +0.000 s, error at most 0.100 s (the fault)" in text


def test_who_is_too_slow_is_felt_and_calls_somebody_as_well() -> None:
    found = course(record(outage(112, 125, status=200, took=0.9)), looks())
    assert bounds(found, "felt") == (112.0, 112.9)
    assert mark(found, "alert-worthy").said.startswith("catalog-latency")
    assert (found.customers.failed, found.customers.slow) == (0, 260)
    assert sum(found.bins.slow) == 260


def test_where_customers_felt_nothing_the_platform_says_when_it_recovered() -> None:
    found = course(record(), looks((113, ONE), (120, OTHER)))
    assert mark(found, "recovered").source == "platform"
    assert bounds(found, "recovered") == (119.5, 120.1)
    assert bounds(found, "steady") == (119.5, 120.1)


def test_bad_requests_before_the_fault_are_not_its_doing() -> None:
    found = course(record(outage(101, 101.1)), looks())
    assert found.customers.bad_before == 2
    assert mark(found, "felt").known is Known.NEVER
    assert "2 of these before the fault" in found.text()


def test_a_request_that_was_under_way_when_it_was_injected_counts() -> None:
    found = course(record(outage(109.9, 109.95, took=3)), looks())
    assert bounds(found, "felt") == (110.0, 112.9)


def test_a_fault_on_a_service_that_is_down_already_calls_nobody() -> None:
    found = course(record(outage(104, 125)), looks())
    assert mark(found, "alert-worthy").known is Known.UNKNOWN
    assert "was due before the fault already" in mark(found, "alert-worthy").said


@pytest.mark.parametrize(
    ("sent", "seen", "known", "said"),
    [
        (record(outage(112, 141)), looks(), Known.NEVER, "the last request was bad"),
        (record(), looks((113, ONE)), Known.NEVER, "not all replicas were back"),
        (record(until=114), looks(until=114), Known.UNKNOWN, "5 s are needed"),
    ],
    ids=["still failing", "replica still away", "customers left"],
)
def test_steady_has_to_be_seen(sent: Record, seen: list[Look], known: Known, said: str) -> None:
    steady = mark(course(sent, seen), "steady")
    assert (steady.known, steady.instant) == (known, None)
    assert said in steady.said


def test_a_platform_that_nobody_asked_detects_nothing_and_is_not_said_to() -> None:
    blind = course(record())
    assert [mark(blind, name).known for name in ("detected", "recovered")] == [Known.UNKNOWN] * 2
    assert mark(blind, "steady").source == "customers"
    silent = looks((110, None))
    assert "it answered none after it" in mark(course(record(), silent), "detected").said


def test_looks_without_an_answer_widen_the_instant() -> None:
    found = seen_since(looks((112, None), (114, ONE)), INJECTED)
    assert found.missed == Instant(111.5, 114.1)
    assert (found.back, found.unanswered) == (None, 4)


def test_a_replica_that_went_before_the_fault_is_not_missed() -> None:
    assert seen_since(looks((105, ONE)), INJECTED).missed is None


def test_back_is_after_the_last_time_that_one_was_missing() -> None:
    found = seen_since(looks((112, ONE), (114, BOTH), (116, ONE), (118, OTHER)), INJECTED)
    assert (found.missed, found.back) == (Instant(111.5, 112.1), Instant(117.5, 118.1))


def test_no_request_is_no_course() -> None:
    with pytest.raises(Inconclusive, match="no request was sent"):
        course(Record((), 0, 20, Path("requests.jsonl")))


def test_a_service_without_objectives_calls_nobody_and_says_why() -> None:
    found = course_of(timeline(), record(outage(112, 113)), looks(), ())
    assert mark(found, "alert-worthy").said == "there is no objective for this service"


@settings(deadline=None, max_examples=25)
@given(
    st.floats(110.5, 120), st.floats(0, 30), st.floats(0.01, 4), st.sampled_from([200, 503, None]), st.floats(111, 139)
)
def test_instants_are_ordered_and_can_be_written_down(
    begin: float, lasting: float, took: float, status: int | None, lost: float
) -> None:
    fate = lambda at: request(at, took=took, status=status) if begin <= at < begin + lasting else None  # noqa: E731
    found = course(record(fate), looks((lost, ONE)))
    data = json.loads(json.dumps(found.data(), allow_nan=False))
    for one in data["marks"]:
        assert (one["earliest"] is None) == (one["latest"] is None) == (one["known"] != "happened")
        assert one["earliest"] is None or one["earliest"] <= one["latest"]
    felt, recovered = mark(found, "felt").instant, mark(found, "recovered").instant
    if felt is not None and recovered is not None and mark(found, "recovered").source == "customers":
        assert felt.earliest <= recovered.latest
    assert len(data["bins"]["good"]) <= 120


def test_who_looks_keeps_what_is_seen_and_what_is_not() -> None:
    answers: Iterator[frozenset[str] | Interrupted] = iter([BOTH, Interrupted("gone"), ONE])

    def probe() -> frozenset[str]:
        answer = next(answers, ONE)
        if isinstance(answer, Interrupted):
            raise answer
        return answer

    lookout = Lookout(probe)
    with lookout.looking():
        assert lookout.looks[0].ready == BOTH
        eventually(
            lambda: len(lookout.looks), until=lambda n: n >= 3, within=timedelta(seconds=30), what="it has looked"
        )
    assert [one.ready for one in lookout.looks[:3]] == [BOTH, None, ONE]
    assert all(one.began <= one.ended for one in lookout.looks)


def test_a_timeline_knows_what_was_done_to_what() -> None:
    clock = iter([1.0, 2.0, 3.0])
    line = Timeline(clock=lambda: next(clock))
    assert line.done("pod-kill", "a pod", lambda: 7, at_once=True) == 7
    assert (line.fault, line.target) == ("pod-kill", "a pod")
    assert line.instants == {"injected": Instant(1.0, 2.0), "effective": Instant(1.0, 3.0)}


class Heard:
    """A witness that keeps the documents."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.found: dict[str, Mapping[str, object]] = {}

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None: ...

    def judged(self, judged: Judged) -> None: ...

    def document(self, title: str, text: str) -> None:
        self.texts[title] = text

    def data(self, title: str, data: Mapping[str, object]) -> None:
        self.found[title] = data

    def picture(self, title: str, png: bytes) -> None: ...

    def label(self, label: TruthLabel) -> None: ...

    def secret(self, value: str) -> None: ...


@dataclass
class Sent:
    """Traffic that is over."""

    record: Record

    def stop(self) -> Record:
        return self.record


@dataclass(frozen=True)
class Replica:
    uid: str


@dataclass
class Service:
    """A workload with two replicas, all the time."""

    name: str = "catalog"
    ready_pods: tuple[Replica, ...] = (Replica("a"), Replica("b"))


def told(traffic: Sent | None, *, fault: bool = True) -> Heard:
    heard = Heard()
    with listening(heard), followed(cast("Workload", Service()), cast("Traffic | None", traffic)) as line:
        if fault:
            line.clock = lambda: 110.0
            line.done("node-cut-off", "node b", lambda: None, at_once=True)
    return heard


def test_the_course_is_told_as_text_and_for_machines() -> None:
    heard = told(Sent(record(outage(112, 115))))
    assert list(heard.texts) == list(heard.found) == ["the course of the fault"]
    assert heard.texts["the course of the fault"].startswith("node-cut-off on node b, in seconds from the injection:")
    assert heard.found["the course of the fault"]["format"] == "seatrial.course-of-a-fault/1"


def test_nothing_is_told_where_no_customer_came_or_no_fault_was_done() -> None:
    assert told(None).texts == {}
    assert told(Sent(record()), fault=False).texts == {}


def test_a_sender_that_could_not_keep_its_rate_tells_nothing_but_that() -> None:
    sent = record()
    heard = told(Sent(Record(sent.requests, 2 * sent.planned, sent.rate, sent.file)))
    assert "could not keep its rate" in heard.texts["the course of the fault is not known"]
    assert heard.found == {}


def test_the_course_is_told_when_the_scenario_fails() -> None:
    heard = Heard()

    def scenario() -> None:
        with listening(heard), followed(cast("Workload", Service()), cast("Traffic", Sent(record()))) as line:
            line.done("pod-kill", "a pod", lambda: None)
            raise AssertionError("it did not come back")

    with pytest.raises(AssertionError, match="come back"):
        scenario()
    assert "the course of the fault" in heard.found
