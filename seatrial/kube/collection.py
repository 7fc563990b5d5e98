"""What a namespace can tell about a failure, written down before it is removed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import yaml

from seatrial.kube import kinds
from seatrial.kube.api import Expired, Interrupted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.kube.document import Document, Kind
    from seatrial.kube.namespace import Namespace
    from seatrial.kube.pod import Pod

_DESCRIBED = (
    kinds.POD,
    kinds.SERVICE,
    kinds.CONFIG_MAP,
    kinds.CLAIM,
    kinds.DEPLOYMENT,
    kinds.REPLICA_SET,
    kinds.STATEFUL_SET,
    kinds.JOB,
    kinds.AUTOSCALER,
    kinds.DISRUPTION_BUDGET,
    kinds.INGRESS,
    kinds.NETWORK_POLICY,
)


def collect(namespace: Namespace, directory: Path) -> tuple[Path, ...]:
    """Write what *namespace* can tell into *directory*; return the files.

    ``events.txt`` holds its events in order of time, ``logs/<pod>.<container>.log`` what each container wrote (and
    ``.previous.log`` what it wrote before its last restart), ``objects/<kind>.yaml`` its objects, Secrets never among
    them. What cannot be read leaves the sentence of its error instead, so that collecting never hides the failure it is
    about.
    """
    written = [
        _write(directory / "events.txt", partial(_events, namespace)),
        *(
            _write(directory / "objects" / f"{kind.name}.yaml", partial(_objects, namespace, kind))
            for kind in _DESCRIBED
        ),
    ]
    try:
        pods = namespace.pods()
    except (Refused, Interrupted, Expired):
        pods = ()
    for pod in pods:
        written.extend(_logs(pod, directory / "logs"))
    return tuple(file for file in written if file is not None)


def _write(file: Path, content: Callable[[], str]) -> Path | None:
    try:
        text = content()
    except (Refused, Interrupted, Expired) as error:
        text = f"could not be read: {error}\n"
    if not text:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def _events(namespace: Namespace) -> str:
    events = sorted(namespace.objects(kinds.EVENT), key=_time_of)
    return "".join(
        f"{_time_of(event)} {event.text('type')} {event.text('reason')} "
        f"{event.text('involvedObject.kind')}/{event.text('involvedObject.name')}: {event.text('message')}\n"
        for event in events
    )


def _time_of(event: Document) -> str:
    return event.text("lastTimestamp") or event.text("eventTime") or event.text("metadata.creationTimestamp")


def _objects(namespace: Namespace, kind: Kind) -> str:
    items = [_without_bookkeeping(item) for item in namespace.objects(kind)]
    return yaml.safe_dump_all(items, sort_keys=False, allow_unicode=True) if items else ""


def _without_bookkeeping(document: Document) -> dict[str, object]:
    metadata = document.at("metadata")
    kept = (
        {key: value for key, value in metadata.items() if key != "managedFields"} if isinstance(metadata, dict) else {}
    )
    return {**document.raw, "metadata": kept}


def _logs(pod: Pod, directory: Path) -> list[Path | None]:
    restarted = {
        state.text("name")
        for part in ("initContainerStatuses", "containerStatuses")
        for state in pod.document.documents(f"status.{part}")
        if state.number("restartCount")
    }
    written = []
    for container in pod.containers:
        written.append(_write(directory / f"{pod.name}.{container}.log", partial(pod.logs, container)))
        if container in restarted:
            file = directory / f"{pod.name}.{container}.previous.log"
            written.append(_write(file, partial(pod.logs, container, previous=True)))
    return written
