"""Steps about what services measure of themselves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube.metrics import Metrics
from seatrial.load.crowd import ask_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seatrial.kube import Namespace, Workload
    from seatrial.load import Answer, Customer
    from seatrial.load.catalogue import Product

# By service, something that it has: the path at the edge, and the route under which it counts.
_SOMETHING = {
    "catalog": ("/catalog/categories", "/categories"),
    "orders": ("/orders", "/orders"),
    "gateway": ("/api/session", "/api/session"),
    "storefront": ("/cart", "/cart"),
}
_NUMBERS = "http_requests_total"


@pytest.fixture
def counted_by(shop: Namespace) -> Callable[[str], Workload]:
    """The deployment of a service, by the service's name."""
    return shop.deployment


@given(parse("what the {service} service has counted so far"), target_fixture="before")
def counted_so_far(counted_by: Callable[[str], Workload], service: str) -> tuple[Workload, Metrics]:
    workload = counted_by(service)
    return workload, Metrics.of_replicas(workload)


@when(parse("a customer asks {times:d} times for what the {service} service has"), target_fixture="route")
def asks_for_something(customer: Customer, times: int, service: str) -> str:
    path, route = _SOMETHING[service]
    for _ in range(times):
        assert customer.get(path).status < HTTPStatus.INTERNAL_SERVER_ERROR
    return route


@then(parse("its replicas together have counted {times:d} more"))
def counted_more(before: tuple[Workload, Metrics], route: str, times: int) -> None:
    workload, then_counted = before
    now_counted = Metrics.of_replicas(workload)
    assert now_counted.total(_NUMBERS, route=route) - then_counted.total(_NUMBERS, route=route) == times


@then("the time that each took was measured")
def time_was_measured(before: tuple[Workload, Metrics], route: str) -> None:
    now_counted = Metrics.of_replicas(before[0])
    measured = now_counted.total("http_request_duration_seconds_count", route=route)
    assert measured == now_counted.total(_NUMBERS, route=route)
    assert now_counted.total("http_request_duration_seconds_sum", route=route) > 0


@when(parse("it is read {times:d} times"))
def it_is_read_times(product: Product, times: int) -> None:
    for _ in range(times):
        product.read()


@then(parse("its replicas together have counted {misses:d} read from the database and {hits:d} from the cache"))
def reads_by_origin(before: tuple[Workload, Metrics], misses: int, hits: int) -> None:
    now_counted = Metrics.of_replicas(before[0])
    grown = {
        origin: now_counted.total("catalog_cache_reads_total", origin=origin)
        - before[1].total("catalog_cache_reads_total", origin=origin)
        for origin in ("miss", "hit", "bypass")
    }
    assert grown == {"miss": misses, "hit": hits, "bypass": 0}


@when(parse("{customers:d} customers ask for it at once"), target_fixture="crowd")
def customers_ask_at_once(customer: Customer, product: Product, customers: int) -> Mapping[int | str, int]:
    return ask_at_once(customer, product.path, customers=customers)


@then("all of them get it")
def all_of_them_get_it(crowd: Mapping[int | str, int]) -> None:
    assert set(crowd) == {int(HTTPStatus.OK)}, crowd


@then(parse("its replicas together have loaded it from the database {times:d} time"))
def loaded_from_the_database(before: tuple[Workload, Metrics], times: int) -> None:
    name = "catalog_database_statements_total"
    assert Metrics.of_replicas(before[0]).total(name) - before[1].total(name) == times


@when(parse("a customer asks at the edge for the numbers of the {service} service"), target_fixture="numbers")
def asks_for_numbers(customer: Customer, service: str) -> str:
    prefix = {"gateway": "/api"}.get(service, f"/{service}")
    answers: list[Answer] = [customer.get(path) for path in ("/metrics", f"{prefix}/metrics", f"{prefix}/fault")]
    return "".join(answer.body for answer in answers if answer.status == HTTPStatus.OK)


@when(parse("the {service} service is asked for its numbers from inside"), target_fixture="numbers")
def asked_from_inside(counted_by: Callable[[str], Workload], service: str) -> str:
    metrics = Metrics.of_replicas(counted_by(service))
    return "\n".join(name for name, _ in metrics.samples)


@then("no numbers come back")
def no_numbers(numbers: str) -> None:
    assert _NUMBERS not in numbers


@then("numbers come back")
def numbers_come_back(numbers: str) -> None:
    assert _NUMBERS in numbers
