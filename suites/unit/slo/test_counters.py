import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.kube.metrics import Metrics
from seatrial.slo.counters import Increase, ReplicaCount, Seen, increase, reconcile
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive

COUNTS = st.tuples(st.integers(0, 500), st.integers(0, 500))


def count(good: int, total: int, *, started: float = 100.0, in_flight: int = 0) -> ReplicaCount:
    return ReplicaCount(started, good, total, in_flight)


def grown(good: int, total: int, *, in_flight: int = 0, restarted: str = "", gone: str = "") -> Increase:
    return Increase(Tally(good, total), tuple(restarted.split()), tuple(gone.split()), in_flight)


@given(COUNTS, COUNTS)
def test_what_a_counter_grew_by_is_counted(first: tuple[int, int], second: tuple[int, int]) -> None:
    then = count(first[0], sum(first))
    now = count(first[0] + second[0], sum(first) + sum(second))
    assert increase({"a": then}, {"a": now}) == grown(second[0], sum(second))


def test_a_counter_that_fell_began_again_at_nothing() -> None:
    assert increase({"a": count(90, 100)}, {"a": count(7, 7)}) == grown(7, 7, restarted="a")


def test_a_restart_shows_even_when_the_counter_has_grown_beyond_what_it_was() -> None:
    found = increase({"a": count(90, 100)}, {"a": count(200, 215, started=130.0)})
    assert found == grown(200, 215, restarted="a")


def test_a_new_replica_counts_in_full_and_a_lost_one_is_named() -> None:
    found = increase({"a": count(5, 5), "b": count(9, 9)}, {"a": count(6, 6), "c": count(3, 4, in_flight=2)})
    assert found == grown(4, 5, gone="b", in_flight=2)


def test_they_agree_when_both_counts_are_the_same() -> None:
    judgement = reconcile(Seen(Tally(98, 100), 2), grown(98, 100, in_flight=3))
    assert judgement.met
    assert judgement.samples == 100


@pytest.mark.parametrize(
    "counted",
    [grown(98, 101), grown(98, 99), grown(97, 100), grown(99, 100)],
    ids=["one more", "one fewer", "one good fewer", "one good more"],
)
def test_a_difference_that_nothing_explains_is_a_failure(counted: Increase) -> None:
    judgement = reconcile(Seen(Tally(98, 100), 0), counted)
    assert not judgement.met
    assert "98 good of 100" in str(judgement)


@pytest.mark.parametrize(
    ("counted", "unknown", "said"),
    [
        (grown(99, 101, in_flight=1), 0, "1 requests were in flight"),
        (grown(60, 60, restarted="a"), 0, "what a counted before being started anew is lost"),
        (grown(60, 60, gone="b c"), 0, "what b, c counted is lost"),
        (grown(98, 98), 2, "2 requests had no answer of the service's own"),
        (grown(100, 100), 2, "2 requests had no answer of the service's own"),
    ],
    ids=["in flight", "restarted", "gone", "never arrived", "answered too late"],
)
def test_a_difference_that_something_explains_is_inconclusive_and_says_what(
    counted: Increase, unknown: int, said: str
) -> None:
    with pytest.raises(Inconclusive, match=said):
        reconcile(Seen(Tally(98, 100), unknown), counted)


@pytest.mark.parametrize(
    ("counted", "unknown"),
    [
        (grown(98, 102, in_flight=1), 0),
        (grown(120, 120, restarted="a"), 0),
        (grown(96, 97), 2),
        (grown(101, 101), 2),
    ],
    ids=["more than in flight", "more than was asked", "fewer than can be missing", "more good than can be"],
)
def test_a_difference_beyond_what_is_unsure_is_a_failure(counted: Increase, unknown: int) -> None:
    assert not reconcile(Seen(Tally(98, 100), unknown), counted).met


def test_nothing_seen_is_nothing_to_agree_about() -> None:
    with pytest.raises(Inconclusive, match="saw nothing"):
        reconcile(Seen(Tally(0, 0), 0), grown(0, 0))


TOLD = """
# TYPE http_requests counter
http_requests_total{method="GET",route="/products",status="200"} 7.0
http_requests_total{method="GET",route="/products",status="404"} 2.0
http_requests_total{method="GET",route="/readyz",status="200"} 500.0
http_requests_total{method="GET",route="/healthz",status="503"} 400.0
# TYPE http_requests_in_flight gauge
http_requests_in_flight 3.0
"""
STARTED = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.9e+09\n"


def test_a_replica_s_own_metrics_are_counted_without_the_platform_s_probes() -> None:
    assert Metrics.parse(TOLD + STARTED).replica_count() == ReplicaCount(1.9e9, 7, 9, 3)


def test_a_replica_that_hides_its_age_is_not_counted() -> None:
    with pytest.raises(Inconclusive, match="when it was started"):
        Metrics.parse(TOLD).replica_count()
