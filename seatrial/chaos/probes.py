"""What an experiment may look at: the probes that its file may name, and no other."""

from __future__ import annotations

from datetime import timedelta

from seatrial.chaos.session import current
from seatrial.kube.api import Interrupted, Refused
from seatrial.kube.node import Node

__all__ = ["api_answers", "node_is_ready", "ready_pods", "services_are_ready"]

_PATIENCE = timedelta(seconds=2)


def ready_pods(namespace: str, deployment: str) -> int:
    """Return how many pods of a Deployment are ready to serve."""
    return len(current().ground.workload(namespace, deployment).ready_pods)


def services_are_ready(namespace: str, deployments: list[str], at_least: int = 1) -> bool:
    """Return whether each of the Deployments has at least so many pods that are ready to serve."""
    return all(ready_pods(namespace, deployment) >= at_least for deployment in deployments)


def node_is_ready(node: str) -> bool:
    """Return whether a node's kubelet reports that pods can run on it."""
    return Node(current().ground.api, node).ready


def api_answers() -> bool:
    """Return whether the cluster's API answers."""
    try:
        current().ground.api.request("GET", "/readyz/ping", within=_PATIENCE)
    except (Refused, Interrupted):
        return False
    return True
