"""Credentials are drawn anew each time, and composed ones name what was drawn with them."""

from __future__ import annotations

from seatrial.kube.subject import CREDENTIALS, Credential

_COMPOSED = Credential("store", {"region": "eu"}, ("key", "secret"), {"file": "[{region}]\nk={key}\ns={secret}\n"})


def test_a_composed_value_names_those_drawn_with_it() -> None:
    values = _COMPOSED.values()

    assert values["file"] == f"[eu]\nk={values['key']}\ns={values['secret']}\n"


def test_no_two_secrets_are_alike() -> None:
    first, second = _COMPOSED.values(), _COMPOSED.values()

    assert len({first["key"], first["secret"], second["key"], second["secret"]}) == 4


def test_every_credential_has_something_that_was_drawn() -> None:
    assert all(credential.drawn for credential in CREDENTIALS)
