"""Steps about rights in the cloud: which service account gets which role, by what token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.account import EMULATED, Refused
from seatrial.cloud.account import Account as CloudAccount
from seatrial.cloud.emulator import REGION, Emulator
from seatrial.cloud.inspection import ServiceAccount
from seatrial.cloud.trust import Grant, TrustedRole
from seatrial.truth import TruthLabel
from seatrial.witness import tell_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seatrial.kube import Account, Namespace


@given(parse("a role in the cloud that trusts the {service} service alone"), target_fixture="role")
def role_that_trusts(shop: Namespace, service: str, tmp_path: Path) -> Iterator[TrustedRole]:
    with Emulator.running(tmp_path) as emulator:
        tell_label(TruthLabel.EMULATED)
        trusted = shop.account(shop.deployment(service).ready_pods[0].account)
        cloud = CloudAccount(REGION, emulator.url, EMULATED)
        yield TrustedRole.create(cloud, trusted.api, ServiceAccount(trusted.namespace, trusted.name))


@when("it asks the cloud for the role", target_fixture="answer")
def ask_for_the_role(role: TrustedRole, account: Account) -> Grant | Refused:
    return role.taken_by(account)


@when("it asks the cloud for the role with a token for the cluster", target_fixture="answer")
def ask_with_another_token(role: TrustedRole, account: Account) -> Grant | Refused:
    return role.taken_by(account, audience=None)


@then(parse("it gets credentials that end within {minutes:d} minutes"))
def gets_credentials(answer: Grant | Refused, account: Account, minutes: int) -> None:
    assert isinstance(answer, Grant)
    assert answer.subject == ServiceAccount(account.namespace, account.name).subject
    assert answer.temporary
    assert timedelta(0) < answer.lasting <= timedelta(minutes=minutes)


@then("the role is not given to it")
def role_is_not_given(answer: Grant | Refused) -> None:
    assert isinstance(answer, Refused)
    assert answer.code in ("AccessDenied", "InvalidIdentityToken")
