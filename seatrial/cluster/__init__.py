"""The embedded cluster: real Kubernetes from its sources, on this machine, in Linux namespaces."""

from seatrial.cluster.lifecycle import (
    ClusterStatus,
    EmbeddedNode,
    NodeStatus,
    RunningCluster,
    down,
    images_for,
    leftovers,
    status,
    up,
)
from seatrial.cluster.lock import lock

__all__ = [
    "ClusterStatus",
    "EmbeddedNode",
    "NodeStatus",
    "RunningCluster",
    "down",
    "images_for",
    "leftovers",
    "lock",
    "status",
    "up",
]
