"""Steps about service accounts: what the API lets a workload do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.kube import Permission, kinds

if TYPE_CHECKING:
    from seatrial.kube import Account, Namespace


@given(parse("the account that the {service} service runs under"), target_fixture="account")
def account_of(shop: Namespace, service: str) -> Account:
    return shop.account(shop.deployment(service).ready_pods[0].account)


@given("an account that was granted the reading of secrets", target_fixture="account")
def account_with_leave(scenario_namespace: Namespace) -> Account:
    return scenario_namespace.create_account("reader", Permission(("list",), ("secrets",)))


@given("the API knows it by its token")
def the_api_knows_it(account: Account) -> None:
    account.require_recognised()


@when("it asks for the secrets around it", target_fixture="objection")
def it_asks_for_secrets(account: Account) -> str | None:
    return account.refusal(kinds.SECRET, account.namespace)


@then("it is refused for want of rights")
def it_is_refused(objection: str | None) -> None:
    assert objection is not None
    assert "cannot list resource" in objection


@then("it gets them")
def it_gets_them(objection: str | None) -> None:
    assert objection is None
