from __future__ import annotations

import pytest

from seatrial.kube import Document
from seatrial.kube.pod import PodPlan
from seatrial.kube.workload import ready_count, rolled_out, selector, summary


def pod(name: str, *, ready: bool, leaving: bool = False, waiting: str = "") -> Document:
    metadata = {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {})}
    states = [{"state": {"waiting": {"reason": waiting}}}] if waiting else []
    conditions = [{"type": "Ready", "status": str(ready)}]
    return Document(
        {
            "metadata": metadata,
            "spec": {"nodeName": "n1"},
            "status": {"phase": "Running", "conditions": conditions, "containerStatuses": states},
        }
    )


def test_a_pod_on_its_way_out_does_not_count_as_ready() -> None:
    pods = (pod("a", ready=True), pod("b", ready=False), pod("c", ready=True, leaving=True))
    assert ready_count(pods) == 1


def test_a_summary_says_what_each_pod_waits_for() -> None:
    pods = (pod("a", ready=True), pod("b", ready=False, waiting="ImagePullBackOff"), pod("c", ready=True, leaving=True))
    assert summary(pods) == "a ready on n1, b ImagePullBackOff on n1, c terminating on n1"
    assert summary(()) == "no pods"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, True),
        ({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, False),
        ({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}, False),
        ({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}, False),
        ({}, False),
    ],
)
def test_a_rollout_is_done_when_all_are_new_and_available_and_no_old_one_is_left(
    status: dict[str, object], *, expected: bool
) -> None:
    workload = Document({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": status})
    assert rolled_out(workload) is expected


def test_labels_become_a_selector_that_asks_for_all_of_them() -> None:
    assert selector({"app": "catalog", "tier": "web"}) == "app=catalog,tier=web"


def test_a_planned_pod_meets_the_restricted_standard_unless_it_is_privileged() -> None:
    restricted = Document(PodPlan("p", "toolbox", ("true",), {}).manifest("shop"))
    main = restricted.documents("spec.containers")[0]
    assert restricted.flag("spec.securityContext.runAsNonRoot")
    assert restricted.text("spec.securityContext.seccompProfile.type") == "RuntimeDefault"
    assert main.at("securityContext.allowPrivilegeEscalation") is False
    assert main.at("securityContext.capabilities.drop") == ["ALL"]
    privileged = Document(PodPlan("p", "toolbox", ("true",), {}, privileged=True).manifest("shop"))
    assert privileged.documents("spec.containers")[0].at("securityContext") == {"privileged": True}
