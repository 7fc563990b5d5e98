"""What an experiment may do: the actions that its file may name, and no other.

Each is done under the limits that the experiment declares and under a lease, and is undone when the experiment ends,
however it ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from seatrial.chaos.network import Bandwidth, Flow, Impairment, Refusal, name_failure, partition
from seatrial.chaos.nodes import NodeCutOff, NodeDrain, NodePowerOff
from seatrial.chaos.pods import PodCannotStart, PodKill
from seatrial.chaos.session import current
from seatrial.chaos.stress import CpuStress, DiskFill, IoStress, MemoryStress
from seatrial.chaos.targets import component, node_space
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.chaos.session import Session
    from seatrial.chaos.targets import LocalPod
    from seatrial.kube import Pod

__all__ = [
    "crash_container",
    "cut_off_node",
    "delay_dependency",
    "delay_network",
    "delay_node_network",
    "drain_node",
    "duplicate_packets",
    "expire_certificate",
    "fail_names",
    "fill_disk",
    "hold",
    "keep_pods_from_starting",
    "kill_component",
    "kill_pods",
    "limit_bandwidth",
    "lose_packets",
    "partition_network",
    "pause_processes",
    "power_off_node",
    "power_off_zone",
    "refuse_dependency",
    "stress_cpu",
    "stress_disk",
    "stress_memory",
    "undo_all",
    "wreck_packets",
]


def _pods(namespace: str, deployment: str, pods: int) -> tuple[Pod, ...]:
    """Choose *pods* ready pods, and hold them against the limits of the experiment. Raises BeyondLimits."""
    session = current()
    with _kept(session):
        session.limits.allow_namespace(namespace)
        workload = session.ground.workload(namespace, deployment)
        chosen = session.ground.pods(namespace, deployment, pods)
        session.touched.touch(namespace, deployment, [pod.uid for pod in chosen], of=workload.replicas)
    return chosen


@contextmanager
def _kept(session: Session) -> Iterator[None]:
    """Keep why the block was refused: the engine turns what an action raises into text."""
    try:
        yield
    except UsageError as refusal:
        session.refused = refusal
        raise


def _local(namespace: str, deployment: str, pods: int) -> tuple[LocalPod, ...]:
    return tuple(current().ground.local(pod) for pod in _pods(namespace, deployment, pods))


def _impair(namespace: str, deployment: str, pods: int, **what: timedelta | float) -> list[str]:
    return [current().do(Impairment.best(one.space, Flow(), **what)) for one in _local(namespace, deployment, pods)]


def hold(seconds: float) -> None:
    """Let the faults last; breaks off at once when the steady state is left for longer than it may be."""
    current().hold(timedelta(seconds=max(0.0, seconds)))


def undo_all() -> None:
    """Undo all faults of the experiment, last first, and prove that nothing of them is left."""
    current().undo()


def delay_network(
    namespace: str, deployment: str, milliseconds: float, jitter_milliseconds: float = 0, pods: int = 1
) -> list[str]:
    """Let what the pods send come late."""
    delay, jitter = timedelta(milliseconds=milliseconds), timedelta(milliseconds=jitter_milliseconds)
    return _impair(namespace, deployment, pods, delay=delay, jitter=jitter)


def delay_dependency(namespace: str, deployment: str, service: str, milliseconds: float, pods: int = 1) -> list[str]:
    """Let what the pods send to a service of the same namespace come late, and nothing else."""
    flow = Flow("out", current().ground.addresses(namespace, service))
    fault = partial(Impairment.best, flow=flow, delay=timedelta(milliseconds=milliseconds))
    return [current().do(fault(one.space)) for one in _local(namespace, deployment, pods)]


def delay_node_network(node: str, milliseconds: float) -> str:
    """Let all that a node of the embedded cluster sends come late, its pods' traffic to other nodes included."""
    session = current()
    session.limits.allow_node(node)
    space = node_space(session.ground.node(node))
    return session.do(Impairment.best(space, Flow(), delay=timedelta(milliseconds=milliseconds)))


def lose_packets(namespace: str, deployment: str, share: float, pods: int = 1) -> list[str]:
    """Let a share (0 to 1) of the packets that the pods send be lost."""
    return _impair(namespace, deployment, pods, loss=share)


def duplicate_packets(namespace: str, deployment: str, share: float, pods: int = 1) -> list[str]:
    """Let a share (0 to 1) of the packets that the pods send arrive twice."""
    return _impair(namespace, deployment, pods, duplication=share)


def wreck_packets(
    namespace: str,
    deployment: str,
    corrupted: float = 0,
    reordered: float = 0,
    milliseconds: float = 0,
    pods: int = 1,
) -> list[str]:
    """Let shares (0 to 1) of the packets that the pods send arrive changed, or before others that are late."""
    delay = timedelta(milliseconds=milliseconds)
    return _impair(namespace, deployment, pods, corruption=corrupted, reordering=reordered, delay=delay)


def limit_bandwidth(namespace: str, deployment: str, kilobits_per_second: float, pods: int = 1) -> list[str]:
    """Let what the pods send pass at no more than so many kilobits per second."""
    rate = int(kilobits_per_second * 1000)
    return [current().do(Bandwidth(one.space, rate)) for one in _local(namespace, deployment, pods)]


def partition_network(
    namespace: str, deployment: str, service: str, direction: str = "both", pods: int = 1
) -> list[str]:
    """Let nothing pass between the pods and a service of the same namespace: ``out``, ``in`` or ``both`` ways."""
    peers = current().ground.addresses(namespace, service)
    flow = Flow.toward(direction, peers)
    return [current().do(partition(one.space, flow)) for one in _local(namespace, deployment, pods)]


def fail_names(namespace: str, deployment: str, pods: int = 1) -> list[str]:
    """Let the pods' questions for names get no answer."""
    return [current().do(name_failure(one.space)) for one in _local(namespace, deployment, pods)]


def refuse_dependency(namespace: str, deployment: str, service: str, pods: int = 1) -> list[str]:
    """Let the pods' connections to a service of the same namespace be refused at once."""
    peers = current().ground.addresses(namespace, service)
    return [current().do(Refusal(one.space, peers)) for one in _local(namespace, deployment, pods)]


def stress_cpu(
    namespace: str, deployment: str, workers: int = 2, container: str | None = None, pods: int = 1
) -> list[str]:
    """Compute without end in the control group of the pods' containers."""
    chosen = _local(namespace, deployment, pods)
    return [current().do(CpuStress(one.container(container).first, one.name, workers)) for one in chosen]


def stress_memory(
    namespace: str, deployment: str, mebibytes: int, container: str | None = None, pods: int = 1
) -> list[str]:
    """Take and hold memory in the control group of the pods' containers."""
    chosen = _local(namespace, deployment, pods)
    return [current().do(MemoryStress(one.container(container).first, one.name, mebibytes << 20)) for one in chosen]


def fill_disk(
    namespace: str, deployment: str, folder: str, mebibytes: int, container: str | None = None, pods: int = 1
) -> list[str]:
    """Take disk space where *folder* of the pods' containers lies."""
    chosen = _local(namespace, deployment, pods)
    return [current().do(DiskFill(one.container(container).first, one.name, folder, mebibytes << 20)) for one in chosen]


def stress_disk(namespace: str, deployment: str, folder: str, container: str | None = None, pods: int = 1) -> list[str]:
    """Write without end where *folder* of the pods' containers lies."""
    chosen = _local(namespace, deployment, pods)
    return [current().do(IoStress(one.container(container).first, one.name, folder)) for one in chosen]


def pause_processes(namespace: str, deployment: str, container: str | None = None, pods: int = 1) -> list[str]:
    """Stop the processes of the pods' containers; they keep their connections and answer nothing."""
    return [current().do(one.container(container).paused()) for one in _local(namespace, deployment, pods)]


def crash_container(namespace: str, deployment: str, container: str | None = None, pods: int = 1) -> list[str]:
    """Kill the first process of the pods' containers."""
    return [current().do(one.container(container).crashed()) for one in _local(namespace, deployment, pods)]


def kill_pods(namespace: str, deployment: str, pods: int = 1) -> str:
    """Kill pods at once, without grace."""
    chosen = tuple((pod.name, pod.uid) for pod in _pods(namespace, deployment, pods))
    return current().do(PodKill(current().ground.place(namespace, deployment), chosen))


def keep_pods_from_starting(namespace: str, deployment: str, container: str) -> str:
    """Let new pods of a Deployment have an image that nobody has; those that run go on."""
    session = current()
    session.limits.allow_namespace(namespace)
    containers = session.ground.workload(namespace, deployment).document.documents("spec.template.spec.containers")
    image = next(one.text("image") for one in containers if one.text("name") == container)
    return session.do(PodCannotStart(session.ground.place(namespace, deployment), container, image))


def expire_certificate(namespace: str, secret: str, host: str) -> str:
    """Let the certificate that a server of the embedded cluster shows under the name *host* be one that has run out."""
    session = current()
    with _kept(session):
        session.limits.allow_namespace(namespace)
        expiry = session.ground.expiry(namespace, secret, host)
    return session.do(expiry)


def power_off_node(node: str) -> str:
    """Cut the power of a node of the embedded cluster."""
    session = current()
    session.limits.allow_node(node)
    return session.do(NodePowerOff(session.ground.node(node).layout.name, node))


def power_off_zone(zone: str) -> str:
    """Cut the power of all nodes of a zone of the embedded cluster together, unless it is ruled from there alone."""
    session = current()
    with _kept(session):
        session.limits.allow_zone(zone)
        outage = session.ground.outage(zone)
    return session.do(outage)


def cut_off_node(node: str) -> str:
    """Cut a node of the embedded cluster off from the network."""
    session = current()
    session.limits.allow_node(node)
    return session.do(NodeCutOff(session.ground.node(node).layout.name, node))


def drain_node(node: str) -> str:
    """Drain a node, as for its maintenance."""
    session = current()
    session.limits.allow_node(node)
    return session.do(NodeDrain(session.ground.kubeconfig, session.ground.context, node))


def kill_component(node: str, program: str) -> str:
    """Kill a program of a node of the embedded cluster, such as kubelet, containerd, kube-apiserver or etcd."""
    session = current()
    session.limits.allow_node(node)
    return session.do(component(session.ground.node(node), program))
