"""Steps about secrets: what can be read where they are kept."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when

if TYPE_CHECKING:
    from seatrial.kube import Namespace
    from seatrial.kube.capabilities import Capabilities
    from seatrial.kube.store import Store


@given("a secret and a setting that hold the same word", target_fixture="word")
def a_secret_and_a_setting(scenario_namespace: Namespace) -> str:
    word = secrets.token_hex(16)
    scenario_namespace.create_secret("spoken", {"word": word})
    scenario_namespace.create_config("spoken", {"word": word})
    return word


@when("the disk of the cluster's store is read", target_fixture="store")
def the_store_is_read(capabilities: Capabilities) -> Store:
    return capabilities.store


@then("the word stands there in the setting")
def the_word_stands_in_the_setting(store: Store, scenario_namespace: Namespace, word: str) -> None:
    assert word.encode() in store.value("configmaps", scenario_namespace.name, "spoken")


@then("the secret is there, and the word is not in it")
def the_word_is_not_in_the_secret(store: Store, scenario_namespace: Namespace, word: str) -> None:
    kept = store.value("secrets", scenario_namespace.name, "spoken")
    assert kept
    assert word.encode() not in kept
