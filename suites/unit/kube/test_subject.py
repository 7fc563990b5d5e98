"""Credentials are drawn anew each time."""

from __future__ import annotations

from seatrial.kube.subject import CREDENTIALS, Credential

_STORE = Credential("store", {"region": "eu"}, ("key", "secret"))


def test_no_two_secrets_are_alike() -> None:
    first, second = _STORE.values(), _STORE.values()

    assert len({first["key"], first["secret"], second["key"], second["secret"]}) == 4


def test_every_credential_has_something_that_was_drawn() -> None:
    assert all(credential.drawn for credential in CREDENTIALS)
