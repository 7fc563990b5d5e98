"""Reaching a cluster for as long as a fault takes to be done or undone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seatrial.kube import Api


@contextmanager
def connected(kubeconfig: Path, context: str | None) -> Iterator[Api]:
    """Connect to the cluster behind *kubeconfig* until the block ends."""
    # Loading it takes longer than most faults: only those that need the API wait for it.
    from seatrial.kube.api import Api, settings_from  # noqa: PLC0415

    api = Api(settings_from(kubeconfig, context))
    try:
        yield api
    finally:
        api.close()
