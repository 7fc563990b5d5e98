"""Steps about traffic: customers who come at a steady rate, whatever happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from seatrial.load import Traffic, customers

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from seatrial.load import Customer


@given(parse("customers send {rate:d} requests per second"), target_fixture="traffic")
def customers_send(customer: Customer, rate: int, tmp_path: Path, recovery: ExitStack) -> Traffic:
    return recovery.enter_context(customers(customer, rate, tmp_path / "requests.jsonl"))


@then(parse("at least {percent:g}% of the requests meanwhile succeed"))
def requests_succeed(traffic: Traffic, percent: float) -> None:
    record = traffic.judged_on(1000, within=timedelta(minutes=2))
    judgement = record.judge_success(at_least=percent / 100)
    assert judgement.met, f"{judgement}; {record}"


@then("every request meanwhile succeeds")
def every_request_succeeds(traffic: Traffic) -> None:
    record = traffic.judged_on(500, within=timedelta(minutes=2))
    judgement = record.judge_success(at_least=1)
    assert judgement.met, f"{judgement}; {record}"
