"""Steps about objectives: what was promised, what customers saw, and what the service says of itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube.metrics import count_replicas
from seatrial.load.indicators import judge_all, judge_counts
from seatrial.slo.counters import increase
from seatrial.slo.reading import objectives_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube import Workload
    from seatrial.load import Traffic
    from seatrial.slo.counters import ReplicaCount

_SENT_WITHIN = timedelta(minutes=2)
_ENOUGH = 1000


@given("what each of its replicas has counted so far", target_fixture="counted_before")
def counted_by_each_replica(workload: Workload) -> Mapping[str, ReplicaCount]:
    return count_replicas(workload)


@when(parse("{requests:d} of their requests have been answered"))
def requests_have_been_answered(traffic: Traffic, requests: int) -> None:
    traffic.run_on(requests, within=_SENT_WITHIN)


@then(parse("the {service} service keeps its objectives meanwhile"))
def service_keeps_its_objectives(traffic: Traffic, service: str) -> None:
    record = traffic.judged_on(_ENOUGH, within=_SENT_WITHIN)
    missed = [str(judgement) for judgement in judge_all(record, objectives_of(service)) if not judgement.met]
    assert not missed, f"{'; '.join(missed)}; {record}"


@then("its replicas have counted what the customers saw")
def replicas_counted_what_customers_saw(
    traffic: Traffic, workload: Workload, counted_before: Mapping[str, ReplicaCount]
) -> None:
    record = traffic.stop()
    judgement = judge_counts(record, increase(counted_before, count_replicas(workload)))
    assert judgement.met, str(judgement)
