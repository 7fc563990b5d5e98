"""Steps about the databases: where their schemas come from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.catalogue import Catalogue
from seatrial.shop.ordering import Book

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from seatrial.kube import Job, Namespace
    from seatrial.load import Customer

_MIGRATED = timedelta(minutes=3)
_HOLDINGS: dict[str, Callable[[Customer], Catalogue | Book]] = {
    "catalog": lambda customer: Catalogue(customer).counted(),
    "orders": lambda customer: Book(customer).counted(),
}


@given(parse("the migrations of {service} were run by a job that ended well"), target_fixture="migrations")
def migrations_ended_well(shop: Namespace, service: str) -> Job:
    return shop.only_job(f"{service}-migration").wait_complete(within=_MIGRATED)


@given(parse("what {service} holds was counted"), target_fixture="held")
def what_it_holds(customer: Customer, service: str) -> Catalogue | Book:
    return _HOLDINGS[service](customer)


@when("the migrations are run once more", target_fixture="again")
def migrations_run_once_more(migrations: Job, recovery: ExitStack) -> Job:
    again = migrations.again(f"{migrations.name}-again", within=_MIGRATED)
    recovery.callback(again.delete)
    return again


@when("the schema goes back one step and forward again", target_fixture="steps_taken")
def back_and_forward(shop: Namespace, migrations: Job, recovery: ExitStack) -> tuple[Job, Job]:
    def go(where: str) -> Job:
        job = migrations.again(f"{migrations.name}-{where}", within=_MIGRATED, arguments=("migrate", where))
        recovery.callback(job.delete)
        return job

    back, forward = go("previous"), go("head")
    # Replicas turned traffic away while the schema was not the one they need.
    shop.deployment(migrations.name.partition("-")[0]).wait_complete(within=_MIGRATED)
    return back, forward


@then("they end well")
def they_end_well(again: Job) -> None:
    assert again.complete


@then("both ended well")
def both_ended_well(steps_taken: tuple[Job, Job]) -> None:
    assert [job.complete for job in steps_taken] == [True, True]


@then(parse("{service} holds what it held before"))
def holds_what_it_held(customer: Customer, held: Catalogue | Book, service: str) -> None:
    assert _HOLDINGS[service](customer) == held
