from __future__ import annotations

import pytest

from seatrial.kube.autoscaler import HeldMemory, calm, decided_by, memory
from seatrial.kube.document import Document
from seatrial.verdict import Inconclusive

MEBIBYTE = 1 << 20


def autoscaler(*, used: str | None = "104857600", allowed: str | None = "160Mi") -> Document:
    def metrics(where: str, value: str | None) -> list[object]:
        cpu = {"type": "Resource", "resource": {"name": "cpu", where: {"averageUtilization": 12, "averageValue": "9m"}}}
        held = {"type": "Resource", "resource": {"name": "memory", where: {"averageValue": value}}}
        return [cpu, held] if value else [cpu]

    return Document(
        {"spec": {"metrics": metrics("target", allowed)}, "status": {"currentMetrics": metrics("current", used)}}
    )


def test_memory_is_read_beside_the_processor() -> None:
    assert memory(autoscaler()) == HeldMemory(average=100 * MEBIBYTE, target=160 * MEBIBYTE)


@pytest.mark.parametrize(("used", "allowed"), [(None, "160Mi"), ("104857600", None)], ids=["unmeasured", "unlimited"])
def test_memory_that_is_not_measured_or_has_no_target_is_none(used: str | None, allowed: str | None) -> None:
    assert memory(autoscaler(used=used, allowed=allowed)) is None


def measured(cpu: int | None, memory: str | None) -> Document:
    """An autoscaler that aims at 60 % and 200Mi, and what it measured of them."""
    aims = [("cpu", {"averageUtilization": 60}), ("memory", {"averageValue": "200Mi"})]
    used: list[tuple[str, dict[str, object]]]
    used = [("cpu", {"averageUtilization": cpu, "averageValue": "9m"}), ("memory", {"averageValue": memory})]
    current = [{"resource": {"name": name, "current": one}} for name, one in used if None not in one.values()]
    wanted = [{"resource": {"name": name, "target": one}} for name, one in aims]
    return Document({"spec": {"metrics": wanted}, "status": {"currentMetrics": current}})


@pytest.mark.parametrize(
    ("cpu", "memory", "is_calm"),
    [
        pytest.param(30, "209715200", True, id="half of the processor and all of the memory"),
        pytest.param(31, "104857600", False, id="more of the processor"),
        pytest.param(10, "201Mi", False, id="more memory"),
        pytest.param(None, "104857600", False, id="processor unmeasured"),
        pytest.param(10, None, False, id="memory unmeasured"),
    ],
)
def test_it_is_calm_where_nothing_that_it_measures_speaks_for_more_replicas(
    cpu: int | None,
    memory: str | None,
    is_calm: bool,  # noqa: FBT001 (a case)
) -> None:
    assert calm(measured(cpu, memory)) is is_calm


def test_a_replica_is_filled_beyond_what_the_autoscaler_tolerates_and_below_its_limit() -> None:
    held = HeldMemory(average=100 * MEBIBYTE, target=160 * MEBIBYTE)
    added = held.to_add(256 * MEBIBYTE, "catalog") * MEBIBYTE
    assert held.target * 1.1 < held.average + added < 256 * MEBIBYTE


def test_without_room_below_the_limit_nothing_can_be_told() -> None:
    with pytest.raises(Inconclusive, match="catalog may use 256 MiB and it acts at 253 MiB"):
        HeldMemory(average=100 * MEBIBYTE, target=230 * MEBIBYTE).to_add(256 * MEBIBYTE, "catalog")


@pytest.mark.parametrize(
    ("status", "message", "metric"),
    [
        (
            "True",
            "the HPA was able to successfully calculate a replica count from memory resource",
            "memory resource",
        ),
        ("False", "the HPA was unable to compute the replica count from memory resource", ""),
    ],
    ids=["active", "not"],
)
def test_what_decided_is_what_the_count_was_reckoned_from(status: str, message: str, metric: str) -> None:
    condition = {"type": "ScalingActive", "status": status, "message": message}
    able = {"type": "AbleToScale", "status": "True", "message": "recommended size matches current size"}
    assert decided_by(Document({"status": {"conditions": [able, condition]}})) == metric
