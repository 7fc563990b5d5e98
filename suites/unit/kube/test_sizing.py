from __future__ import annotations

import pytest

from seatrial.kube.document import Document
from seatrial.kube.sizing import Advice


def said(**amounts: str) -> Document:
    bounds = {"target": "25m", "lowerBound": "10m", "upperBound": "1", **amounts}
    return Document(
        {"containerName": "catalog", **{where: {"cpu": cpu, "memory": "100Mi"} for where, cpu in bounds.items()}}
    )


def test_advice_is_read_by_container_and_resource() -> None:
    advice = Advice.of(said())
    assert (advice.container, advice.target) == ("catalog", {"cpu": "25m", "memory": "100Mi"})
    assert advice.consistent


@pytest.mark.parametrize(
    "amounts",
    [{"target": "5m"}, {"target": "2"}, {"target": "0", "lowerBound": "0"}],
    ids=["below", "above", "nothing"],
)
def test_advice_outside_of_its_bounds_is_not_consistent(amounts: dict[str, str]) -> None:
    assert not Advice.of(said(**amounts)).consistent
