"""A Kubernetes cluster as nouns: clusters, nodes, namespaces, workloads, pods, accounts, autoscalers."""

from seatrial.kube import kinds
from seatrial.kube.account import Account, Permission
from seatrial.kube.api import Absent, Api, Interrupted, Refused, Selection
from seatrial.kube.autoscaler import Autoscaler
from seatrial.kube.cluster import Cluster
from seatrial.kube.collection import collect
from seatrial.kube.document import Document, Kind
from seatrial.kube.execution import Completed
from seatrial.kube.namespace import Namespace
from seatrial.kube.node import Node
from seatrial.kube.pod import Identity, Mount, Pod, PodPlan
from seatrial.kube.quantity import amount
from seatrial.kube.watching import watched
from seatrial.kube.workload import Availability, Job, Workload

__all__ = [
    "Absent",
    "Account",
    "Api",
    "Autoscaler",
    "Availability",
    "Cluster",
    "Completed",
    "Document",
    "Identity",
    "Interrupted",
    "Job",
    "Kind",
    "Mount",
    "Namespace",
    "Node",
    "Permission",
    "Pod",
    "PodPlan",
    "Refused",
    "Selection",
    "Workload",
    "amount",
    "collect",
    "kinds",
    "watched",
]
