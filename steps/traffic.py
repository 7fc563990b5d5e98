"""Steps about traffic: customers who come at a steady rate, whatever happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from seatrial.chaos.following import followed
from seatrial.load import Traffic, customers
from seatrial.slo import samples_needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from seatrial.chaos.times import Timeline
    from seatrial.kube import Workload
    from seatrial.load import Customer


_FEWEST = 500


def _enough_for(share: float) -> int:
    """Return how many requests to judge a *share* by: so many that one failure takes a fifth of what may fail."""
    return max(_FEWEST, 5 * samples_needed(share))


@pytest.fixture
def traffic() -> Traffic | None:
    """No customers come unless a sentence says so."""
    return None


@pytest.fixture
def timeline(workload: Workload, traffic: Traffic | None, recovery: ExitStack) -> Iterator[Timeline]:  # noqa: ARG001 (it ends before the customers are sent home)
    """When what of the fault happens. Its course is told at the end if customers came."""
    with followed(workload, traffic) as found:
        yield found


@given(parse("customers send {rate:d} requests per second"), target_fixture="traffic")
def customers_send(customer: Customer, rate: int, tmp_path: Path, recovery: ExitStack) -> Traffic:
    return recovery.enter_context(customers(customer, rate, tmp_path / "requests.jsonl"))


@then(parse("at least {percent:g}% of the requests meanwhile succeed"))
def requests_succeed(traffic: Traffic, percent: float) -> None:
    record = traffic.judged_on(_enough_for(percent / 100), within=timedelta(minutes=2))
    judgement = record.judge_success(at_least=percent / 100)
    assert judgement.met, f"{judgement}; {record}"


@then("every request meanwhile succeeds")
def every_request_succeeds(traffic: Traffic) -> None:
    record = traffic.judged_on(_FEWEST, within=timedelta(minutes=2))
    judgement = record.judge_success(at_least=1)
    assert judgement.met, f"{judgement}; {record}"
