"""How an autoscaler came to add replicas: from when a load began to the first new replica that customers reach."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from seatrial.kube.pod import is_ready
from seatrial.scaling.clock import stamp, written
from seatrial.scaling.reaction import Reaction, Span
from seatrial.scaling.reason import Reason
from seatrial.scaling.seen import first_shown, routed

if TYPE_CHECKING:
    from seatrial.chaos.times import Instant
    from seatrial.kube.document import Document
    from seatrial.scaling.seen import Look, Seen

DOERS = {
    "measured": "the kubelet counts what its pods use",
    "published": "metrics-server fetches that",
    "decided": "the autoscaler looks at it",
    "created": "the controllers of the deployment make a pod",
    "scheduled": "the scheduler places it",
    "started": "the kubelet and the runtime start it",
    "ready": "the program begins, and its probe sees it",
    "routed": "its address goes to those who send customers",
}


def grown(seen: Seen) -> Reaction:
    """Return how the replicas first grew in what was *seen*. Raises Inconclusive, which names the part not seen."""
    before, after = seen.known(_decision(seen), "adding replicas")
    began = seen.known(seen.began, "when the load began")
    reason = Reason.of(after)
    decided = seen.known(stamp(after.text("status.lastScaleTime")), "when it was decided")
    sample = seen.known(_sample(seen, reason, decided), "which sample it decided by")
    published = seen.known(_published(seen, sample), "when that sample was published")
    uid = seen.known(_first_routed(seen, decided), "which new replica customers reached")
    outside = seen.known(first_shown(seen.routes, lambda look: uid in routed(look.objects)), "from outside")
    return Reaction(
        autoscaler=after.name,
        before=before.number("status.desiredReplicas"),
        after=after.number("status.desiredReplicas"),
        why=reason.words,
        cause="the load began",
        effect="Customers reached the first new replica",
        instants={
            "the load": seen.by_api(began),
            "measured": seen.known(_taken(sample), "when that sample was taken"),
            "published": seen.by_api(published),
            "decided": decided,
            **_of_pod(seen, uid),
            "routed": seen.known(_routed_since(seen, uid), "when customers were sent to it"),
        },
        doers=DOERS,
        whole=Span.between(began, outside),
        basis={"replica": uid, "samples": [_spoken(one) for one in sample.objects]},
    )


def _decision(seen: Seen) -> tuple[Document, Document] | None:
    """Return the autoscaler before and after it first wanted more."""
    wanted = "status.desiredReplicas"
    return next(((one, two) for one, two in pairwise(seen.autoscaler) if two.number(wanted) > one.number(wanted)), None)


def _sample(seen: Seen, reason: Reason, decided: Instant) -> Look | None:
    """Return the newest look at samples from which the autoscaler reckoned, and that can have been had by then."""
    for look in reversed(seen.samples):
        if reason.is_of(look.objects):
            published = _published(seen, look)
            if published is None or seen.by_api(published).earliest <= decided.latest:
                return look
    return None


def _published(seen: Seen, sample: Look) -> Instant | None:
    """Return when the samples of that look could first be had, by the looker's clock."""
    return first_shown(seen.samples, lambda look: _stamps(look) == _stamps(sample))


def _taken(look: Look) -> Instant | None:
    """Return when the newest of its samples ended: before, the look was not to be had."""
    return stamp(max((sample.text("timestamp") for sample in look.objects), default=""))


def _stamps(look: Look) -> frozenset[tuple[str, str]]:
    """Return what tells one set of samples from another: of which pods, and when they ended."""
    return frozenset((sample.name, sample.text("timestamp")) for sample in look.objects)


def _first_routed(seen: Seen, decided: Instant) -> str | None:
    """Return the uid of the new pod that customers first reached."""
    made = {pod.uid: stamp(pod.text("metadata.creationTimestamp")) for pods in seen.pods for pod in pods}
    old = {pod.uid for pod in seen.pods[0]} if seen.pods else set()
    # The replicas are asked for just before the decision is dated.
    new = {uid for uid, when in made.items() if uid not in old and when and when.latest >= decided.earliest}
    return next((uid for pieces in seen.slices for uid in sorted(routed(pieces) & new)), None)


def _of_pod(seen: Seen, uid: str) -> dict[str, Instant]:
    """Return when the pod was created, scheduled, started and ready."""
    versions = (pod for pods in seen.pods for pod in pods if pod.uid == uid)
    pod = seen.known(next(filter(is_ready, versions), None), "when the new replica was ready")
    running = [state.text("state.running.startedAt") for state in pod.documents("status.containerStatuses")]
    dates = {
        "created": pod.text("metadata.creationTimestamp"),
        "scheduled": _condition(pod, "PodScheduled"),
        "started": max(running) if running and all(running) else "",
        "ready": _condition(pod, "Ready"),
    }
    return {name: seen.known(stamp(date), f"when the new replica was {name}") for name, date in dates.items()}


def _condition(pod: Document, name: str) -> str:
    """Return since when the condition *name* is true; empty when it is not."""
    for condition in pod.documents("status.conditions"):
        if condition.text("type") == name and condition.text("status") == "True":
            return condition.text("lastTransitionTime")
    return ""


def _routed_since(seen: Seen, uid: str) -> Instant | None:
    for pieces in seen.slices:
        for piece in pieces:
            if uid in routed((piece,)):
                return written(piece)
    return None


def _spoken(sample: Document) -> dict[str, object]:
    return {
        "pod": sample.name,
        "ended": sample.text("timestamp"),
        "window": sample.text("window"),
        "usage": [dict(container.texts("usage")) for container in sample.documents("containers")],
    }
