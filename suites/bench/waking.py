"""How long a waiting step sleeps on after the cluster has done what it waits for."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube import Api, Namespace, Selection, kinds
from seatrial.kube.api import settings_from
from seatrial.kube.watching import watched
from suites.bench.samples import Measurement

if TYPE_CHECKING:
    from pathlib import Path

RESUMED_WITHIN_MS = 100.0
_WITHIN = timedelta(seconds=30)


def measure(kubeconfig: Path, events: int) -> list[Measurement]:
    """Change an object *events* times while a step waits for each change; the clock starts before the change is sent.

    The time to write it is in the figure, so the truth is a little better.
    """
    waiter, writer = Api(settings_from(kubeconfig, None)), Api(settings_from(kubeconfig, None))
    try:
        with Namespace.passing(writer, "bench") as namespace:
            namespace.create_config("news", {"number": "-1"})
            selection = Selection.one(kinds.CONFIG_MAP, "news", namespace.name)
            samples = tuple(_once(waiter, writer, selection, number) for number in range(events))
    finally:
        waiter.close()
        writer.close()
    return [
        Measurement("from a cluster event to the step's resumption, p99", "ms", samples, RESUMED_WITHIN_MS, 0.99),
        Measurement("from a cluster event to the step's resumption, median", "ms", samples),
    ]


def _once(waiter: Api, writer: Api, selection: Selection, number: int) -> float:
    resumed: list[float] = []
    looking = threading.Event()

    def wait() -> None:
        def changed(objects: tuple[object, ...]) -> bool:
            looking.set()
            return any(item.text("data.number") == str(number) for item in objects)  # type: ignore[attr-defined]

        watched(waiter, selection, until=changed, within=_WITHIN, what="the change is seen")
        resumed.append(time.monotonic())

    step = threading.Thread(target=wait)
    step.start()
    looking.wait()
    sent = time.monotonic()
    writer.merge(kinds.CONFIG_MAP, "news", selection.namespace, {"data": {"number": str(number)}})
    step.join()
    return (resumed[0] - sent) * 1000
