from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.kube import Document, Kind, amount

POD = Document(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": "shop", "uid": "u1", "labels": {"app.kubernetes.io/name": "catalog"}},
        "spec": {"hostNetwork": True, "containers": [{"name": "main"}, "not an object"]},
        "status": {
            "startTime": "2026-01-02T03:04:05Z",
            "restarts": 3,
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "False"}],
        },
    }
)


def test_paths_read_through_objects_and_keys_with_dots() -> None:
    assert POD.text("metadata.name") == "one"
    assert POD.text("metadata.labels[app.kubernetes.io/name]") == "catalog"
    assert POD.number("status.restarts") == 3
    assert POD.flag("spec.hostNetwork")
    assert [item.text("name") for item in POD.documents("spec.containers")] == ["main"]


def test_what_is_absent_reads_as_empty() -> None:
    assert POD.at("metadata.name.of.nothing") is None
    assert POD.text("metadata.generateName") == ""
    assert POD.number("metadata.generation") == 0
    assert not POD.flag("spec.hostPID")
    assert POD.documents("spec.volumes") == ()
    assert POD.annotations == {}
    assert POD.moment("metadata.deletionTimestamp") is None


def test_an_object_is_no_text() -> None:
    assert POD.text("metadata.labels") == ""


def test_what_it_is_and_how_it_is() -> None:
    assert POD.kind == Kind("v1", "Pod")
    assert (POD.name, POD.namespace, POD.uid, str(POD)) == ("one", "shop", "u1", "Pod one")
    assert POD.condition("Ready")
    assert not POD.condition("Initialized")
    assert not POD.condition("Unheard")
    assert POD.moment("status.startTime") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"), [("250m", 0.25), ("2", 2), ("64Mi", 64 * 1024**2), ("1k", 1000), ("1500000n", 0.0015)]
)
def test_amounts_are_exact(text: str, expected: float) -> None:
    assert float(amount(text)) == expected


@pytest.mark.parametrize("text", ["", "much", "1Xi", "Mi"])
def test_what_is_no_amount_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        amount(text)
