"""Steps about services that are away, and what the others do meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import Catalogue
from seatrial.shop import File
from seatrial.shop.ordering import ORDERS
from seatrial.shop.visit import health
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from seatrial.kube import Namespace, Workload
    from seatrial.load import Answer, Customer
    from seatrial.shop import Visit

_SETTLES = timedelta(minutes=3)
_KILOBYTE = 1000


@dataclass(frozen=True)
class Timed:
    """An answer, and how long it took."""

    answer: Answer
    took: timedelta


def away(workload: Workload, recovery: ExitStack) -> Workload:
    """Take all replicas of *workload* away until *recovery* brings as many back."""
    before = workload.replicas
    recovery.callback(workload.scaled, before, within=_SETTLES)
    return workload.scaled(0, within=_SETTLES)


@given(parse("the {service} service is away"), target_fixture="missing")
@when(parse("the {service} service goes away"), target_fixture="missing")
def the_service_is_away(shop: Namespace, recovery: ExitStack, service: str) -> Workload:
    return away(shop.deployment(service), recovery)


@given("the cache is away")
def the_cache_is_away(shop: Namespace, recovery: ExitStack) -> None:
    away(shop.deployment("redis"), recovery)


@given(parse("a customer asked for orders {times:d} times"))
@when(parse("a customer asks for orders {times:d} times"), target_fixture="timed")
def asks_for_orders(customer: Customer, times: int) -> tuple[Timed, ...]:
    return tuple(_timed(lambda: customer.get(ORDERS)) for _ in range(times))


@given("the visitor left a picture in vain", target_fixture="timed")
@when("the visitor leaves a picture in vain", target_fixture="timed")
def leaves_a_picture_in_vain(visit: Visit) -> tuple[Timed, ...]:
    timed = _timed(lambda: visit.leave(File.picture(_KILOBYTE)))
    assert timed.answer.status != HTTPStatus.CREATED
    return (timed,)


def _timed(ask: Callable[[], Answer]) -> Timed:
    started = time.monotonic()
    return Timed(ask(), timedelta(seconds=time.monotonic() - started))


@then(parse("each answer is a problem with status {status:d}, given within {seconds:d} seconds"))
def each_answer_is_a_problem(timed: tuple[Timed, ...], status: int, seconds: int) -> None:
    assert {(one.answer.status, one.answer.media_type) for one in timed} == {(status, "application/problem+json")}
    assert max(one.took for one in timed) < timedelta(seconds=seconds)


@then("the catalogue still answers")
def the_catalogue_still_answers(customer: Customer) -> None:
    Catalogue(customer).counted()


@then("products and orders still come")
def products_and_orders_still_come(customer: Customer) -> None:
    Catalogue(customer).counted()
    assert customer.get(ORDERS).status == HTTPStatus.OK


@then(parse("the shop says of its parts that only {service} is down"))
def only_one_is_down(customer: Customer, service: str) -> None:
    said = health(customer)
    assert service in said
    assert {name: status for name, status in said.items() if status != "ok"} == {service: "down"}


@when(parse("the {service} service is back"))
def the_service_is_back(missing: Workload, recovery: ExitStack) -> None:
    recovery.pop_all().close()
    missing.wait_complete(within=_SETTLES)


@then(parse("orders are answered again within {seconds:d} seconds"))
def orders_are_answered(customer: Customer, seconds: int) -> None:
    eventually(
        lambda: customer.get(ORDERS).status,
        until=lambda status: status == HTTPStatus.OK,
        within=timedelta(seconds=seconds),
        what="orders are answered again",
    )
