"""The embedded cluster: real Kubernetes from its sources, on this machine, in Linux namespaces."""

from seatrial.cluster.images import images_for, look_into, made_twice, strangers_in
from seatrial.cluster.leftovers import leftovers
from seatrial.cluster.lifecycle import ClusterStatus, NodeStatus, down, status, up
from seatrial.cluster.lock import lock
from seatrial.cluster.nodes import EmbeddedNode, RunningCluster

__all__ = [
    "ClusterStatus",
    "EmbeddedNode",
    "NodeStatus",
    "RunningCluster",
    "down",
    "images_for",
    "leftovers",
    "lock",
    "look_into",
    "made_twice",
    "status",
    "strangers_in",
    "up",
]
