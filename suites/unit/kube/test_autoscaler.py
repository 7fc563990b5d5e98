from __future__ import annotations

import pytest

from seatrial.kube.autoscaler import HeldMemory, decided_by, memory
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
