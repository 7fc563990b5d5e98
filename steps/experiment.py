"""Steps about experiments: files that say what is done, how far it may go, and what must hold meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.chaos import engine
from seatrial.chaos.experiment import changed, known_experiments, read_experiment
from seatrial.chaos.limits import BeyondLimits

if TYPE_CHECKING:
    from seatrial.chaos.ground import Ground
    from seatrial.kube import Pod, Workload

_SETTLES = timedelta(minutes=3)


@dataclass(frozen=True)
class Run:
    """How an experiment ended: what it came to, or why it was refused, and how long it took."""

    outcome: engine.Outcome | None
    refusal: str
    took: timedelta


@given(parse('the experiment "{title}"'), target_fixture="experiment")
def the_experiment(title: str) -> dict[str, Any]:
    return read_experiment(known_experiments()[title])


@given("all its replicas as they are now", target_fixture="known")
def all_its_replicas(workload: Workload) -> tuple[Pod, ...]:
    return workload.ready_pods


@when("it is run", target_fixture="run")
def it_is_run(experiment: dict[str, Any], ground: Ground) -> Run:
    return _run(experiment, ground)


@when(parse("it is run on {count:d} of them"), target_fixture="run")
def it_is_run_on(experiment: dict[str, Any], ground: Ground, count: int) -> Run:
    return _run(changed(experiment, "pods", count), ground)


def _run(experiment: dict[str, Any], ground: Ground) -> Run:
    began = time.monotonic()
    try:
        outcome, refusal = engine.run(experiment, lambda: ground), ""
    except BeyondLimits as error:
        outcome, refusal = None, str(error)
    return Run(outcome, refusal, timedelta(seconds=time.monotonic() - began))


@then("the steady state held all the time")
def the_steady_state_held(run: Run) -> None:
    assert run.outcome is not None
    assert run.outcome.held, str(run.outcome)


@then(parse("it was broken off and all was undone within {seconds:d} seconds"))
def it_was_broken_off(run: Run, seconds: int) -> None:
    assert run.outcome is not None
    assert run.outcome.broken_off, str(run.outcome)
    assert run.outcome.undone == ()
    assert run.took <= timedelta(seconds=seconds)


@then("it is refused, because it would touch more than it declares")
def it_is_refused(run: Run) -> None:
    assert "declares a share of 0.5" in run.refusal


@then("it is not refused")
def it_is_not_refused(run: Run) -> None:
    assert run.refusal == ""


@then("all its replicas are still the same")
def still_the_same(workload: Workload, known: tuple[Pod, ...]) -> None:
    left = {pod.uid for pod in workload.ready_pods}
    assert [pod.name for pod in known if pod.uid not in left] == []


@then("one of its replicas is another one")
def one_is_another(workload: Workload, known: tuple[Pod, ...]) -> None:
    workload.wait_complete(within=_SETTLES)
    assert len({pod.uid for pod in known} - {pod.uid for pod in workload.ready_pods}) == 1


@then(parse("all replicas are ready within {seconds:d} seconds"))
def replicas_are_ready(workload: Workload, seconds: int) -> None:
    workload.wait_complete(within=timedelta(seconds=seconds))
