"""Steps about right-sizing: advice on what a service should ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.cluster import images_for
from seatrial.kube.sizing import Adviser, adviser, manifests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.kube import Autoscaler, Cluster
    from seatrial.kube.capabilities import Capabilities
    from seatrial.kube.sizing import Advised
    from seatrial.progress import Progress
    from seatrial.target import Target


@pytest.fixture
def advising(cluster: Cluster, capabilities: Capabilities, target: Target, progress: Progress) -> Iterator[Adviser]:
    """The recommender, which is on the cluster for one scenario."""
    capabilities.metrics.require()
    with adviser(cluster.api, images_for(target, manifests().images, progress=progress)) as found:
        yield found


@given("advice on sizes can be had")
def advice_can_be_had(advising: Adviser) -> Adviser:
    return advising


@when("advice is asked for on the size of its replicas", target_fixture="advised")
def advice_is_asked_for(advising: Adviser, autoscaler: Autoscaler) -> Advised:
    return advising.asked_about(autoscaler.workload)


@then(parse("there is advice on their cpu and memory within {seconds:d} seconds, and it lies within its bounds"))
def there_is_advice(advised: Advised, seconds: int) -> None:
    advice = advised.wait_advice(within=timedelta(seconds=seconds))
    assert all(one.consistent for one in advice), advice


@then("no replica was replaced for it")
def none_was_replaced(advised: Advised) -> None:
    assert advised.replicas <= {pod.uid for pod in advised.workload.pods}
