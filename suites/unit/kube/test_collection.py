from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from seatrial.kube import Api, Document, Interrupted, Namespace, Refused, collect, kinds
from seatrial.kube.api import Listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from seatrial.kube import Kind, Selection

POD = Document(
    {
        "metadata": {"name": "one", "namespace": "shop", "managedFields": ["long"]},
        "spec": {"initContainers": [{"name": "wait"}], "containers": [{"name": "main"}]},
        "status": {"containerStatuses": [{"name": "main", "restartCount": 1}]},
    }
)


def event(moment: str, reason: str) -> Document:
    involved = {"kind": "Pod", "name": "one"}
    return Document({"lastTimestamp": moment, "type": "Warning", "reason": reason, "involvedObject": involved})


@dataclass(frozen=True)
class Shop:
    """An API that holds *held* and may fail to list *broken*."""

    held: Mapping[Kind, tuple[Document, ...]]
    broken: Kind | None = None

    def list(self, selection: Selection) -> Listing:
        if selection.kind == self.broken:
            raise Interrupted("the line went dead")
        return Listing(self.held.get(selection.kind, ()), "1")

    def path(self, kind: Kind, name: str | None = None, namespace: str | None = None) -> str:
        return f"/{namespace}/{kind}/{name}"

    def request(self, _: str, path: str, *, query: Mapping[str, str]) -> str:
        if query.get("container") == "wait":
            raise Refused(400, "BadRequest", "the container is waiting to start")
        return f"log of {path} {'before' if 'previous' in query else 'now'}\n"


def collected(shop: Shop, directory: Path) -> dict[str, str]:
    files = collect(Namespace(cast("Api", shop), "shop"), directory)
    return {str(file.relative_to(directory)): file.read_text() for file in files}


def test_events_logs_and_objects_are_written(tmp_path: Path) -> None:
    events = (event("2026-01-01T00:00:02Z", "BackOff"), event("2026-01-01T00:00:01Z", "Pulled"))
    files = collected(Shop({kinds.POD: (POD,), kinds.EVENT: events}), tmp_path)
    assert [line.split()[2] for line in files["events.txt"].splitlines()] == ["Pulled", "BackOff"]
    assert files["logs/one.main.log"].endswith("now\n")
    assert files["logs/one.main.previous.log"].endswith("before\n")
    assert "managedFields" not in files["objects/Pod.yaml"]


def test_what_cannot_be_read_leaves_its_reason_and_hides_nothing_else(tmp_path: Path) -> None:
    files = collected(Shop({kinds.POD: (POD,)}, broken=kinds.EVENT), tmp_path)
    assert files["events.txt"] == "could not be read: the line went dead\n"
    assert "waiting to start" in files["logs/one.wait.log"]
    assert files["logs/one.main.log"]


def test_secrets_are_never_written(tmp_path: Path) -> None:
    secret = Document({"metadata": {"name": "s"}, "data": {"password": "c2VjcmV0"}})
    files = collected(Shop({kinds.SECRET: (secret,), kinds.POD: (POD,)}), tmp_path)
    assert "c2VjcmV0" not in "".join(files.values())


def test_of_an_empty_namespace_nothing_is_written(tmp_path: Path) -> None:
    assert collected(Shop({}), tmp_path) == {}
