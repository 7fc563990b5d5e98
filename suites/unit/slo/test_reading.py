from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.errors import UsageError
from seatrial.slo.definition import Indicator, Objective
from seatrial.slo.reading import objectives_of, read_objectives

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
OURS = ROOT / "infra" / "monitoring" / "objectives"

AVAILABILITY = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: catalog-availability
spec:
  service: catalog
  indicator:
    metadata: {name: catalog-answers}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: requests, spec: {outcome: succeeded}}}
        total: {metricSource: {type: requests, spec: {outcome: any}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.995}]
"""
LATENCY = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: catalog-latency
spec:
  service: catalog
  indicator:
    metadata: {name: catalog-waits}
    spec:
      thresholdMetric: {metricSource: {type: requests, spec: {measure: latency}}}
  timeWindow: [{duration: 90m, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.25, targetPercent: 99.9}]
"""
REFERRING = LATENCY.replace(
    """indicator:
    metadata: {name: catalog-waits}
    spec:
      thresholdMetric: {metricSource: {type: requests, spec: {measure: latency}}}""",
    "indicatorRef: age",
)
AGE = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: age}
spec:
  thresholdMetric: {metricSource: {type: events, spec: {measure: age}}}
"""


def test_the_objectives_of_the_reference_services_are_read() -> None:
    objectives = read_objectives(OURS)
    assert {objective.service for objective in objectives} == {"catalog", "orders", "gateway", "storefront"}
    for service in ("catalog", "orders", "gateway", "storefront"):
        kinds = {objective.indicator for objective in objectives if objective.service == service}
        assert kinds >= {Indicator.AVAILABILITY, Indicator.LATENCY}
    assert Indicator.FRESHNESS in {objective.indicator for objective in objectives}


def test_the_objectives_of_one_service_are_found_among_all() -> None:
    assert {objective.service for objective in objectives_of("orders")} == {"orders"}
    with pytest.raises(UsageError, match="no objective of payments: choose from catalog, gateway, orders, storefront"):
        objectives_of("payments")


def test_two_documents_of_one_file_are_two_objectives(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(f"---\n{AVAILABILITY}---\n{LATENCY}---\n")
    assert read_objectives(file) == (
        Objective("catalog-availability", "catalog", Indicator.AVAILABILITY, 0.995, timedelta(days=28)),
        Objective(
            "catalog-latency",
            "catalog",
            Indicator.LATENCY,
            0.999,
            timedelta(minutes=90),
            timedelta(milliseconds=250),
        ),
    )


def test_an_indicator_may_stand_in_another_file_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(REFERRING)
    (tmp_path / "two.yaml").write_text(AGE)
    assert [objective.indicator for objective in read_objectives(tmp_path)] == [Indicator.FRESHNESS]


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "nothing in it": (lambda _: "", "is empty"),
    "only a separator": (lambda _: "---\n---\n", "is empty"),
    "no YAML": (lambda _: "a: [", "is no YAML"),
    "a tag that makes objects": (lambda _: "!!python/object/apply:os.system [ls]", "is no YAML"),
    "nested beyond all measure": (lambda _: "[" * 5000, "is no YAML"),
    "a key twice": (lambda text: text.replace("service: catalog", "service: catalog\n  service: b"), "service stands"),
    "no mapping": (lambda _: "- a", "is no mapping but list"),
    "another version": (lambda text: text.replace("openslo/v1", "openslo/v1alpha"), "'openslo/v1alpha' and not"),
    "another kind": (lambda text: text.replace("kind: SLO", "kind: Service"), "'Service' and neither SLO nor SLI"),
    "an unknown key": (
        lambda text: text.replace("service:", "owner: x\n  service:"),
        "nobody knows the key spec.owner",
    ),
    "no service": (lambda text: text.replace("service: catalog", ""), "spec.service is missing"),
    "a name with a space": (lambda text: text.replace("name: catalog-availability", "name: a b"), "metadata.name does"),
    "a target above 1": (lambda text: text.replace("0.995", "99.5"), "the target 99.5 is not above 0 and below 1"),
    "a target of 1": (lambda text: text.replace("0.995", "1.0"), "the target 1 is not above 0 and below 1"),
    "a target that is a whole number": (lambda text: text.replace("0.995", "1"), "the target 1 is not above"),
    "a target of 0": (lambda text: text.replace("0.995", "0.0"), "the target 0 is not above 0 and below 1"),
    "a target that is no number": (lambda text: text.replace("0.995", ".nan"), "spec.objectives.0.target does not"),
    "a target that is true": (lambda text: text.replace("0.995", "true"), "spec.objectives.0.target does not"),
    "a percentage above 100": (lambda text: text.replace("target: 0.995", "targetPercent: 101"), "101% is not above"),
    "no target": (lambda text: text.replace("{target: 0.995}", "{}"), "one of target and targetPercent"),
    "two targets": (lambda text: text.replace("0.995", "0.9, targetPercent: 90"), "one of target and targetPercent"),
    "two objectives": (lambda text: text.replace("[{target: 0.995}]", "[{target: 0.9}, {target: 0.8}]"), "at most 1"),
    "a limit for a ratio": (lambda text: text.replace("0.995", "0.9, op: lte, value: 1"), "a ratio has no use for"),
    "a ratio turned over": (lambda text: text.replace("succeeded", "any"), "of any to any requests"),
    "a time slice": (lambda text: text.replace("Occurrences", "Timeslices"), "spec.budgetingMethod does not hold"),
    "a month": (lambda text: text.replace("28d", "1M"), "the window '1M' is not a number with one of"),
    "a window of nothing": (lambda text: text.replace("28d", "0d"), "the window '0d' is not"),
    "a window that is no rolling one": (
        lambda text: text.replace("isRolling: true", "isRolling: false"),
        "isRolling does",
    ),
    "an indicator of nobody": (lambda _: REFERRING, "and there is no SLI of that name"),
    "two indicators": (
        lambda text: text.replace("indicator:", "indicatorRef: b\n  indicator:"),
        "one of indicator and",
    ),
    "a measure without a limit": (lambda _: LATENCY.replace("op: lte, value: 0.25, ", ""), "has no op and value"),
    "a limit of nothing": (lambda _: LATENCY.replace("value: 0.25", "value: 0"), "value does not hold"),
    "a limit without end": (lambda _: LATENCY.replace("value: 0.25", "value: .inf"), "value does not hold"),
    "a limit turned over": (lambda _: LATENCY.replace("op: lte", "op: gte"), "spec.objectives.0.op does not hold"),
    "the age of a request": (lambda _: LATENCY.replace("measure: latency", "measure: age"), "requests have no age"),
    "no objective": (lambda _: AGE, "only indicators"),
    "a name twice": (lambda text: f"{text}---\n{text}", "holds the SLO catalog-availability 2 times"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_is_refused_in_one_sentence(fault: str, tmp_path: Path) -> None:
    change, said = WRONG[fault]
    file = tmp_path / "wrong.yaml"
    file.write_text(change(AVAILABILITY))
    assert file.read_text() != AVAILABILITY
    with pytest.raises(UsageError) as refused:
        read_objectives(file)
    sentence = str(refused.value)
    assert said in sentence
    assert str(file) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_a_name_that_two_files_hold_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(AVAILABILITY)
    with pytest.raises(UsageError, match=r"one\.yaml and .*two\.yaml hold the SLO catalog-availability 2 times"):
        read_objectives(tmp_path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "objectives.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        read_objectives(file)


def test_a_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no objective in"):
        read_objectives(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.floats(0, 1, exclude_min=True, exclude_max=True), minutes=st.integers(1, 9999))
def test_what_is_written_is_what_is_read(asked: float, minutes: int, tmp_path: Path) -> None:
    document = yaml.safe_load(AVAILABILITY)
    document["spec"]["objectives"][0]["target"] = asked
    document["spec"]["timeWindow"][0]["duration"] = f"{minutes}m"
    file = tmp_path / "objective.yaml"
    file.write_text(yaml.safe_dump(document))
    (objective,) = read_objectives(file)
    assert (objective.target, objective.window) == (asked, timedelta(minutes=minutes))
