"""What the scenarios share: the deployed subject, its images, its customers, and what the cluster can do."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given
from pytest_bdd.parsers import parse

from seatrial.cluster import images_for
from seatrial.kube.capabilities import Capabilities
from seatrial.kube.subject import Subject
from seatrial.load import Customer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.kube import Cluster, Namespace, Workload
    from seatrial.plugin import ObservedNamespaces
    from seatrial.progress import Progress
    from seatrial.target import Target

_SETTLES = timedelta(minutes=5)
_HOST = "shop.seatrial.test"


@pytest.fixture(scope="session")
def subject() -> Subject:
    """The manifests of the reference services."""
    return Subject.read("embedded")


@pytest.fixture(scope="session")
def images(target: Target, subject: Subject, progress: Progress) -> Mapping[str, str]:
    """The images of the subject and of the probes, built and pushed where the cluster pulls from."""
    return images_for(target, sorted({*subject.manifests.images, "toolbox"}), progress=progress)


@pytest.fixture(scope="session")
def toolbox(images: Mapping[str, str]) -> str:
    """The image that probes run."""
    return images["toolbox"]


@pytest.fixture(scope="session")
def capabilities(cluster: Cluster, toolbox: str) -> Capabilities:
    """What the cluster can do, each tried once."""
    return Capabilities(cluster, toolbox)


@pytest.fixture(scope="session")
def shop(
    cluster: Cluster, subject: Subject, images: Mapping[str, str], progress: Progress, observed: ObservedNamespaces
) -> Namespace:
    """The namespace of the deployed subject."""
    observed.add(cluster.namespace(subject.namespace))
    with progress.phase("Deploying the reference services"):
        return subject.deploy(cluster.api, images)


@pytest.fixture(scope="session")
def customer(capabilities: Capabilities, shop: Namespace) -> Customer:  # noqa: ARG001 (it must be deployed)
    """One who reaches the deployed subject through the edge; inconclusive where there is none."""
    return Customer(capabilities.edge, _HOST)


@pytest.fixture
def recovery() -> Iterator[ExitStack]:
    """What undoes the faults of a scenario, last first, however the scenario ends."""
    with ExitStack() as stack:
        yield stack


@given(parse("the {service} service runs with {replicas:d} ready replicas"), target_fixture="workload")
def workload_with_ready_replicas(shop: Namespace, service: str, replicas: int) -> Workload:
    return shop.deployment(service).wait_ready(replicas, within=_SETTLES)


@given(parse("the {service} service is held at {replicas:d} replicas"), target_fixture="workload")
def held_at_replicas(shop: Namespace, recovery: ExitStack, service: str, replicas: int) -> Workload:
    return recovery.enter_context(shop.autoscaler(service).held(replicas, within=_SETTLES))


@given(parse("the {service} service is held at {replicas:d} replicas on as many nodes"), target_fixture="workload")
def held_on_nodes(shop: Namespace, recovery: ExitStack, service: str, replicas: int) -> Workload:
    return held_at_replicas(shop, recovery, service, replicas).spread_over(replicas, within=_SETTLES)


@given(parse("the {service} service is ready on {count:d} nodes"), target_fixture="workload")
def workload_on_nodes(shop: Namespace, service: str, count: int) -> Workload:
    return shop.deployment(service).spread_over(count, within=_SETTLES)


@given(parse("so is the {service} service before it"))
def front_on_nodes(shop: Namespace, workload: Workload, service: str) -> None:
    shop.deployment(service).spread_over(len({pod.node for pod in workload.ready_pods}), within=_SETTLES)
