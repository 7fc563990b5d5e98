"""Steps about services that use the cloud: with whose rights, and without which keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, then, when

from seatrial.cloud.account import Refused
from seatrial.cloud.caller import Caller
from seatrial.kube import PodPlan
from seatrial.kube.keys import Searched, search
from seatrial.truth import TruthLabel
from seatrial.witness import tell_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube import Account, Namespace

# The example of the documentation of AWS, which is nobody's.
_PLANTED = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}


@when("something that runs under it keeps a file in the cloud", target_fixture="outcome")
def keeps_a_file(shop: Namespace, images: Mapping[str, str], account: Account) -> int | Refused:
    tell_label(TruthLabel.EMULATED)
    with Caller.started(shop, images["aws"], account.name, "gateway") as caller:
        try:
            return caller.keep_a_file()
        except Refused as refusal:
            return refusal


@then("the cloud has kept it")
def the_cloud_has_kept_it(outcome: int | Refused) -> None:
    assert outcome == len("kept")


@then("the cloud refuses it for want of rights")
def the_cloud_refuses_it(outcome: int | Refused) -> None:
    assert isinstance(outcome, Refused), outcome
    assert outcome.code == "AccessDenied"


@when("the cloud that the shop uses is started anew")
def the_cloud_is_started_anew(shop: Namespace) -> None:
    tell_label(TruthLabel.EMULATED)
    shop.deployment("aws").restart()


@given("a pod that is given a key to the cloud")
def a_pod_with_a_key(scenario_namespace: Namespace, toolbox: str) -> None:
    scenario_namespace.create_secret("planted", _PLANTED)
    scenario_namespace.start(PodPlan("holder", toolbox, ("sleep", "3600"), {"app": "holder"}, secrets="planted"))


@when("all that the shop's pods are given is searched for keys to the cloud", target_fixture="searched")
def the_shop_is_searched(shop: Namespace) -> Searched:
    return search(shop)


@when("all that it is given is searched for keys to the cloud", target_fixture="searched")
def it_is_searched(scenario_namespace: Namespace) -> Searched:
    return search(scenario_namespace)


@then("there is none")
def there_is_none(searched: Searched) -> None:
    assert searched.keys == ()


@then("the key is found in its environment and in its secret")
def the_key_is_found(searched: Searched) -> None:
    name = next(iter(_PLANTED))
    assert set(searched.keys) == {f"pod holder, environment of main: {name}", f"secret planted: {name}"}
