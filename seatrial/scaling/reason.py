"""Why an autoscaler wants another number of replicas: the metric that decided, what it was and what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.kube.autoscaler import decided_by
from seatrial.kube.quantity import amount
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from seatrial.kube.document import Document

# The autoscaler adds up thousandths: it rounds what each container uses up, and the average down.
_THOUSANDTH = 0.0011
_RELATIVE = 1e-3


@dataclass(frozen=True)
class Reason:
    """A resource such as cpu, its *average* in each pod in cores or bytes, and what was measured beside the target."""

    resource: str
    average: float
    words: str

    @classmethod
    def of(cls, autoscaler: Document) -> Reason:
        """Read it from a status. Raises Inconclusive when a metric decided that is none of the pods' resources."""
        resource = decided_by(autoscaler).partition(" ")[0]
        now = _metric(autoscaler, "status.currentMetrics", resource)
        aim = _metric(autoscaler, "spec.metrics", resource)
        if now is None or aim is None:
            said = decided_by(autoscaler) or "nothing that it names"
            raise Inconclusive(
                f"autoscaler {autoscaler.name} decided by {said}, which is not measured here", Missing.SAMPLE
            )
        average = float(amount(now.text("resource.current.averageValue")))
        if aim.at("resource.target.averageUtilization") is not None:
            used, wanted = (
                now.text("resource.current.averageUtilization"),
                aim.text("resource.target.averageUtilization"),
            )
            words = f"the {resource} in use was {used} % of what the replicas request and should be {wanted} %"
        else:
            target = float(amount(aim.text("resource.target.averageValue")))
            words = f"the {resource} in use was {_said(average)} in each replica and should be {_said(target)}"
        return cls(resource, average, words)

    def is_of(self, samples: tuple[Document, ...]) -> bool:
        """Whether it was reckoned from *samples*, one of the metrics API for each pod."""
        used = [
            sum(float(amount(container.text(f"usage.{self.resource}"))) for container in sample.documents("containers"))
            for sample in samples
        ]
        if not used:
            return False
        return abs(sum(used) / len(used) - self.average) <= max(_THOUSANDTH, _RELATIVE * self.average)


def _metric(autoscaler: Document, path: str, resource: str) -> Document | None:
    return next((one for one in autoscaler.documents(path) if one.text("resource.name") == resource), None)


def _said(value: float) -> str:
    return f"{value / (1 << 20):.0f} MiB" if value >= 1 << 20 else f"{value:g}"
