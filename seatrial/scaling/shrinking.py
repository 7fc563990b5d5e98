"""How an autoscaler came to remove a replica, from the end of a load to when no customer is sent to it any more."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from seatrial.chaos.times import Instant
from seatrial.scaling.clock import stamp, written
from seatrial.scaling.reaction import Reaction, Span
from seatrial.scaling.reason import Reason
from seatrial.scaling.seen import first_shown, routed

if TYPE_CHECKING:
    from seatrial.kube.document import Document
    from seatrial.scaling.seen import Look, Seen

DOERS = {
    "wished": "the kubelet counts, metrics-server fetches, the autoscaler looks",
    "decided": "the autoscaler holds back, in case the load returns",
    "told": "the controllers of the deployment choose a pod and tell it to end",
    "withdrawn": "its address is taken from those who send customers",
}
# The autoscaler's word for fewer replicas that it wants and does not ask for yet.
_HELD = "ScaleDownStabilized"
_WANTED = "status.desiredReplicas"
# --horizontal-pod-autoscaler-downscale-stabilization, where the object says nothing.
_STOCK_WINDOW = 300


def shrunk(seen: Seen) -> Reaction:
    """Return how the replicas first shrank after the load ended. Raises Inconclusive, which names the part not seen."""
    ended = seen.known(seen.ended, "when the load ended")
    by_api = seen.by_api(ended)
    place = seen.known(_decision(seen, by_api), "removing a replica")
    before, after = seen.autoscaler[place - 1], seen.autoscaler[place]
    wish = seen.known(_wish(seen, place, by_api), "wanting fewer replicas before it asked for them")
    decided = seen.known(stamp(after.text("status.lastScaleTime")), "when it was decided")
    uid, told = seen.known(_first_told(seen, decided), "which replica was told to end")
    outside = seen.known(
        first_shown(_looks_since(seen, uid), lambda look: uid not in routed(look.objects)), "from outside"
    )
    return Reaction(
        autoscaler=after.name,
        before=before.number(_WANTED),
        after=after.number(_WANTED),
        why=Reason.of(wish).words,
        cause="the load ended",
        effect="No customer was sent to the first replica to go",
        instants={
            "the end of the load": by_api,
            "wished": seen.known(written(wish, part="status"), "when it first wanted fewer"),
            "decided": decided,
            "told": told,
            "withdrawn": seen.known(_withdrawn(seen, uid), "when customers were no longer sent to it"),
        },
        doers=DOERS,
        whole=Span.between(ended, outside),
        basis={"replica": uid, "window": window(after)},
        remark=f"It waits until fewer were enough for {window(after)} s.",
    )


def window(autoscaler: Document) -> int:
    """Return for how many seconds fewer replicas must have been enough before one is removed."""
    said = autoscaler.at("spec.behavior.scaleDown.stabilizationWindowSeconds")
    return said if isinstance(said, int) else _STOCK_WINDOW


def _decision(seen: Seen, ended: Instant) -> int | None:
    """Return the place of the first state in which it wanted fewer than before, since the load had ended."""
    for place, (one, two) in enumerate(pairwise(seen.autoscaler), 1):
        dated = stamp(two.text("status.lastScaleTime"))
        if two.number(_WANTED) < one.number(_WANTED) and dated and dated.latest >= ended.earliest:
            return place
    return None


def _wish(seen: Seen, decision: int, ended: Instant) -> Document | None:
    """Return the first state since the load ended, and since it last grew, in which it held back."""
    grown = [place for place in range(1, decision) if _grew(seen.autoscaler[place - 1], seen.autoscaler[place])]
    for state in seen.autoscaler[max(grown, default=0) : decision]:
        when = written(state, part="status")
        if when and when.latest >= ended.earliest and _holds_back(state):
            return state
    return None


def _grew(one: Document, two: Document) -> bool:
    return two.number(_WANTED) > one.number(_WANTED)


def _holds_back(state: Document) -> bool:
    return any(condition.text("reason") == _HELD for condition in state.documents("status.conditions"))


def _first_told(seen: Seen, decided: Instant) -> tuple[str, Instant] | None:
    """Return the first pod that was told to end once that was *decided*, and when that was.

    Its deletion is dated with when its grace is over.
    """
    found: dict[str, Instant] = {}
    for pod in (pod for pods in seen.pods for pod in pods):
        ends = stamp(pod.text("metadata.deletionTimestamp"))
        if ends:
            grace = pod.number("metadata.deletionGracePeriodSeconds")
            found.setdefault(pod.uid, Instant(ends.earliest - grace, ends.latest - grace))
    # A replica is asked to go just before the decision is dated.
    since = {uid: told for uid, told in found.items() if told.latest >= decided.earliest}
    return min(since.items(), key=lambda entry: entry[1].earliest, default=None)


def _looks_since(seen: Seen, uid: str) -> list[Look]:
    """Return the looks at routes from the first on that had the pod."""
    places = [place for place, look in enumerate(seen.routes) if uid in routed(look.objects)]
    return seen.routes[places[0] :] if places else []


def _withdrawn(seen: Seen, uid: str) -> Instant | None:
    for one, two in pairwise(seen.slices):
        if uid in routed(one) and uid not in routed(two):
            left = {piece.uid for piece in one if uid in routed((piece,))}
            return next((written(piece) for piece in two if piece.uid in left), None)
    return None
