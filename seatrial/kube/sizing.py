"""Advice on what a service should ask for, made from what it uses: Kubernetes' own recommender, and what it says."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.kube.api import Selection
from seatrial.kube.document import Kind
from seatrial.kube.manifests import Manifests
from seatrial.kube.namespace import Namespace
from seatrial.kube.quantity import amount
from seatrial.kube.watching import watched
from seatrial.verdict import Inconclusive
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document
    from seatrial.kube.workload import Workload

ADVISED = Kind("autoscaling.k8s.io/v1", "VerticalPodAutoscaler")
_MANIFESTS = Path(__file__).resolve().parents[2] / "infra" / "kubernetes" / "bases" / "sizing"
_THERE = timedelta(minutes=3)


@dataclass(frozen=True)
class Advice:
    """What a container should ask for, by resource, as Kubernetes writes amounts, and within which bounds."""

    container: str
    target: Mapping[str, str]
    lower: Mapping[str, str]
    upper: Mapping[str, str]

    @classmethod
    def of(cls, said: Document) -> Advice:
        """Read one container's recommendation."""

        def amounts(where: str) -> Mapping[str, str]:
            return {resource: said.text(f"{where}.{resource}") for resource in ("cpu", "memory")}

        return cls(said.text("containerName"), amounts("target"), amounts("lowerBound"), amounts("upperBound"))

    @property
    def consistent(self) -> bool:
        """Whether it is above nothing, and each target lies within its bounds."""
        return all(
            0 < amount(self.lower[resource]) <= amount(target) <= amount(self.upper[resource])
            for resource, target in self.target.items()
        )


@dataclass(frozen=True)
class Advised:
    """A workload that advice is asked for, and the uids of its *replicas* when it was: nothing is changed by advice."""

    workload: Workload
    replicas: frozenset[str]

    def wait_advice(self, *, within: timedelta) -> tuple[Advice, ...]:
        """Return the advice on each container, once there is some; tell it beside what is asked for now.

        Raises NotObserved when there is none *within* that time.
        """

        def given(objects: tuple[Document, ...]) -> bool:
            return bool(objects) and bool(objects[0].documents("status.recommendation.containerRecommendations"))

        objects = watched(
            self.workload.api,
            Selection.one(ADVISED, self.workload.name, self.workload.namespace),
            until=given,
            within=within,
            what=f"there is advice on {self.workload.name}",
        )
        found = objects[0].documents("status.recommendation.containerRecommendations")
        advice = tuple(Advice.of(said) for said in found)
        tell_document(f"advice on the size of {self.workload.name}", self.table(advice))
        return advice

    def table(self, advice: tuple[Advice, ...]) -> str:
        """Return *advice* beside what the containers ask for now, a line each."""
        containers = self.workload.document.documents("spec.template.spec.containers")
        asked = {container.text("name"): container for container in containers}
        lines = ["container resource asked-for advised lower-bound upper-bound"]
        for one in advice:
            for resource, target in one.target.items():
                now = asked[one.container].text(f"resources.requests.{resource}") if one.container in asked else ""
                bounds = f"{one.lower[resource]} {one.upper[resource]}"
                lines.append(f"{one.container} {resource} {now or '-'} {target} {bounds}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Adviser:
    """The recommender, under way on the cluster."""

    api: Api

    def asked_about(self, workload: Workload) -> Advised:
        """Ask for advice on *workload*, which is not acted on."""
        replicas = frozenset(pod.uid for pod in workload.ready_pods)
        self.api.apply(
            {
                "apiVersion": ADVISED.version,
                "kind": ADVISED.name,
                "metadata": {"name": workload.name, "namespace": workload.namespace},
                "spec": {
                    "targetRef": {"apiVersion": "apps/v1", "kind": workload.kind.name, "name": workload.name},
                    "updatePolicy": {"updateMode": "Off"},
                },
            }
        )
        return Advised(workload, replicas)


def manifests() -> Manifests:
    """Return what the recommender consists of. Raises UsageError when it cannot be rendered."""
    return Manifests.render(_MANIFESTS)


@contextmanager
def adviser(api: Api, images: Mapping[str, str], *, within: timedelta = _THERE) -> Iterator[Adviser]:
    """Have the recommender on the cluster until the block ends; what it was asked and what it said go with it.

    Raises Inconclusive where the cluster has an own one that this would replace.
    """
    wanted = manifests().with_images(images)
    if any(api.find(one.kind, one.name) for one in wanted.only("CustomResourceDefinition").documents):
        own = Namespace(api, "sizing")
        if not own.exists:
            raise Inconclusive("the cluster has a vertical autoscaler of its own, which is left alone")
    try:
        wanted.apply(api, within=within)
        Namespace(api, "sizing").deployment("recommender").wait_rolled_out(within=within)
        yield Adviser(api)
    finally:
        wanted.delete(api, within=within)
