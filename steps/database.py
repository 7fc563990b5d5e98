"""Steps about the database: where its schema comes from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when

from seatrial.load.catalogue import Catalogue

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.kube import Job, Namespace
    from seatrial.load import Customer

_MIGRATED = timedelta(minutes=3)


@given("the migrations were run by a job that ended well", target_fixture="migrations")
def migrations_ended_well(shop: Namespace) -> Job:
    return shop.only_job("catalog").wait_complete(within=_MIGRATED)


@given("the catalogue is full of products", target_fixture="catalogue")
def the_catalogue(customer: Customer) -> Catalogue:
    return Catalogue(customer).counted()


@when("the migrations are run once more", target_fixture="again")
def migrations_run_once_more(migrations: Job, recovery: ExitStack) -> Job:
    again = migrations.again(f"{migrations.name}-again", within=_MIGRATED)
    recovery.callback(again.delete)
    return again


@then("they end well")
def they_end_well(again: Job) -> None:
    assert again.complete


@then("the catalogue holds what it held before")
def holds_what_it_held(catalogue: Catalogue) -> None:
    assert Catalogue(catalogue.customer).counted() == catalogue
