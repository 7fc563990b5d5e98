"""Steps about faults of one replica: of its network, its processes, its share of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.chaos import feeling
from seatrial.chaos.ground import Ground
from seatrial.chaos.groups import groups_of
from seatrial.chaos.injection import inject
from seatrial.chaos.journal import Journal
from seatrial.chaos.network import Flow, Impairment, Refusal, name_failure, partition
from seatrial.chaos.stress import CpuStress, MemoryStress
from seatrial.chaos.trial import Trial, try_out
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from seatrial.chaos.targets import LocalPod
    from seatrial.chaos.times import Timeline
    from seatrial.kube import Namespace, Workload
    from seatrial.target import Target

# By what a service needs, where it is found: the name of the service and the number that it listens on.
_NEEDED = {"cache": ("redis", 6379), "database": ("postgresql", 5432), "file store": ("aws", 9000)}
_HAPPENS = {"is lost": "loss", "arrives twice": "duplication", "arrives damaged": "corruption"}
_NAME_SERVICE = ("kube-system", "kube-dns")
_NAME = "kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class Replica:
    """One ready replica of a workload, found on this machine, and what it needs."""

    workload: Workload
    local: LocalPod
    ground: Ground

    def needs(self, what: str) -> tuple[tuple[str, ...], int]:
        """Return all addresses of what it needs, the one that it uses first, and its number."""
        service, port = _NEEDED[what]
        return self.ground.addresses(self.workload.namespace, service), port

    def connects(self, what: str) -> feeling.Felt:
        """Try to reach what it needs from within its own network."""
        addresses, port = self.needs(what)
        return feeling.connect(self.local.space, addresses[0], port)


@pytest.fixture
def ground(target: Target) -> Iterator[Ground]:
    """The cluster under test, as faults find it."""
    found = Ground(target.kubeconfig, target.context)
    yield found
    found.close()


@given("one of its replicas", target_fixture="replica")
def one_of_its_replicas(workload: Workload, ground: Ground) -> Replica:
    return Replica(workload, ground.local(ground.pods(workload.namespace, workload.name, 1)[0]), ground)


@when(parse("what it sends comes {milliseconds:d} milliseconds late for {seconds:d} seconds"), target_fixture="trial")
def comes_late(replica: Replica, milliseconds: int, seconds: int, timeline: Timeline) -> Trial[feeling.Felt]:
    fault = Impairment.best(replica.local.space, Flow(), delay=timedelta(milliseconds=milliseconds))
    return _tried(replica, fault, "database", seconds, timeline)


@when(parse("{percent:d}% of what it sends {happens} for {seconds:d} seconds"), target_fixture="trial")
def a_part_of_it(replica: Replica, percent: int, happens: str, seconds: int, timeline: Timeline) -> Trial[feeling.Felt]:
    fault = Impairment.best(replica.local.space, Flow(), **{_HAPPENS[happens]: percent / 100})
    return _tried(replica, fault, "database", seconds, timeline)


@when(parse("it is cut off from the {what} for {seconds:d} seconds"), target_fixture="trial")
def is_cut_off(replica: Replica, what: str, seconds: int, timeline: Timeline) -> Trial[feeling.Felt]:
    fault = partition(replica.local.space, Flow("both", replica.needs(what)[0]))
    return _tried(replica, fault, what, seconds, timeline)


@when(parse("the {what} refuses it for {seconds:d} seconds"), target_fixture="trial")
def is_refused(replica: Replica, what: str, seconds: int, timeline: Timeline) -> Trial[feeling.Felt]:
    fault = Refusal(replica.local.space, *replica.needs(what))
    return _tried(replica, fault, what, seconds, timeline)


def _tried(
    replica: Replica, fault: Impairment | Refusal, what: str, seconds: int, timeline: Timeline
) -> Trial[feeling.Felt]:
    lasting = timedelta(seconds=seconds)
    return try_out(fault, replica.workload, lambda: replica.connects(what), lasting=lasting, timeline=timeline)


@when(parse("its questions for names get no answer for {seconds:d} seconds"), target_fixture="trial")
def no_names(replica: Replica, seconds: int, timeline: Timeline) -> Trial[feeling.Felt]:
    space, server = replica.local.space, replica.ground.addresses(*_NAME_SERVICE)[0]
    assert feeling.ask_name(space, server, _NAME).answered
    lasting = timedelta(seconds=seconds)
    return try_out(
        name_failure(space),
        replica.workload,
        lambda: feeling.ask_name(space, server, _NAME),
        lasting=lasting,
        timeline=timeline,
    )


@when(parse("its processes stand still for {seconds:d} seconds"), target_fixture="trial")
def stand_still(replica: Replica, seconds: int, timeline: Timeline) -> Trial[str]:
    first = replica.local.container().first
    lasting = timedelta(seconds=seconds)
    return try_out(
        replica.local.container().paused(), replica.workload, lambda: first.state, lasting=lasting, timeline=timeline
    )


@when(parse("others use up its share of the processor for {seconds:d} seconds"), target_fixture="trial")
def use_up_processor(replica: Replica, seconds: int, timeline: Timeline) -> Trial[int]:
    container = replica.local.container()
    groups = groups_of(container.first.number)
    before = feeling.throttled(groups)
    fault = CpuStress(container.first, replica.local.name, workers=2)

    def kept_back() -> int:
        return eventually(
            lambda: feeling.throttled(groups) - before,
            until=lambda times: times > 0,
            within=timedelta(seconds=seconds),
            what="it is kept from the processor",
        )

    return try_out(fault, replica.workload, kept_back, lasting=timedelta(seconds=seconds), timeline=timeline)


@when(parse("others use {mebibytes:d} mebibytes of its memory for {seconds:d} seconds"), target_fixture="trial")
def use_memory(replica: Replica, mebibytes: int, seconds: int, timeline: Timeline) -> Trial[int]:
    container = replica.local.container()
    groups = groups_of(container.first.number)
    before = feeling.held(groups)
    fault = MemoryStress(container.first, replica.local.name, mebibytes << 20)
    lasting = timedelta(seconds=seconds)
    return try_out(
        fault, replica.workload, lambda: (feeling.held(groups) - before) >> 20, lasting=lasting, timeline=timeline
    )


@given(parse("what the {service} sends to the {what} comes {seconds:d} seconds late"))
def all_comes_late(shop: Namespace, ground: Ground, recovery: ExitStack, service: str, what: str, seconds: int) -> None:
    for one in _replicas(shop.deployment(service), ground):
        flow, delay = Flow("out", one.needs(what)[0]), timedelta(seconds=seconds)
        recovery.callback(inject(Impairment.best(one.local.space, flow, delay=delay)).end)


@given(parse("the {what} refuses the {service}"))
def all_are_refused(shop: Namespace, ground: Ground, recovery: ExitStack, service: str, what: str) -> None:
    for one in _replicas(shop.deployment(service), ground):
        recovery.callback(inject(Refusal(one.local.space, *one.needs(what))).end)


def _replicas(workload: Workload, ground: Ground) -> tuple[Replica, ...]:
    return tuple(Replica(workload, ground.local(pod), ground) for pod in workload.ready_pods)


@when(parse("the {what} takes what it is sent"))
def it_takes_what_it_is_sent(recovery: ExitStack, what: str) -> None:
    assert what in _NEEDED
    recovery.pop_all().close()


@then(parse("its own requests take at least {milliseconds:d} milliseconds meanwhile"))
def requests_take(trial: Trial[feeling.Felt], milliseconds: int) -> None:
    assert trial.felt.took >= timedelta(milliseconds=milliseconds)


@then("its requests get no answer meanwhile")
def requests_get_no_answer(trial: Trial[feeling.Felt]) -> None:
    assert trial.felt.code == -1


@then("its requests are refused meanwhile")
def requests_are_refused(trial: Trial[feeling.Felt]) -> None:
    assert trial.felt.code == feeling.REFUSED


@then("it stood still meanwhile, and the platform noticed")
def it_stood_still(trial: Trial[str]) -> None:
    assert trial.felt == "T"
    assert "detected" in trial.timeline.instants


@then("it was kept from the processor meanwhile")
def it_was_kept_back(trial: Trial[int]) -> None:
    assert trial.felt > 0


@then(parse("at least {mebibytes:d} mebibytes more were held meanwhile"))
def more_was_held(trial: Trial[int], mebibytes: int) -> None:
    assert trial.felt >= mebibytes


@then(parse("all replicas are ready within {seconds:d} seconds of its end"))
def ready_after_its_end(trial: Trial[object], seconds: int) -> None:
    assert trial.recovery <= timedelta(seconds=seconds)


@then("no replica was lost meanwhile")
def no_replica_was_lost(trial: Trial[object], workload: Workload) -> None:
    assert trial.lowest >= workload.replicas


@then("nothing of the fault is left")
def nothing_is_left() -> None:
    assert Journal().leases() == ()
