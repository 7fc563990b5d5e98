"""Envelopes: the standard's own example, and one spelling only."""

from __future__ import annotations

import base64
import json

import pytest

from seatrial.audit.dsse import PAYLOAD_TYPE, authenticated, canonical, seal, unseal
from seatrial.audit.refusal import NotVerified
from suites.unit.audit.forging import KEY, TRUSTED

SEALED = seal(b'{"a":1}', KEY)


def test_what_is_signed_is_as_the_standard_has_it() -> None:
    # The example of the DSSE protocol, version 1.
    signed = authenticated("http://example.com/HelloWorld", b"hello world")
    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_what_was_sealed_is_unsealed() -> None:
    assert unseal(SEALED, TRUSTED) == (b'{"a":1}', next(iter(TRUSTED)))


def test_any_reader_of_dsse_can_check_the_signature() -> None:
    envelope = json.loads(SEALED)
    payload = base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    signed = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    KEY.public_key().verify(signature, signed)


@pytest.mark.parametrize(
    "spelling",
    [
        SEALED + b"\n",
        b" " + SEALED,
        SEALED.replace(b'":"', b'": "'),
        SEALED.replace(b"payloadType", b"payload\\u0054ype"),
        SEALED.replace(b'{"payload"', b'{"payload":"","payload"'),
        SEALED.replace(b"{", b'{"more":1,', 1),
        SEALED.replace(b"eyJhIjoxfQ==", b"eyJhIjoxfR=="),
        SEALED.replace(b"eyJhIjoxfQ==", b"eyJhIjoxfQ"),
        SEALED.replace(b"eyJhIjoxfQ==", b"eyJh IjoxfQ=="),
        SEALED.decode().encode("utf-16"),
        b"[]",
        b"[" * 100_000,
        b"",
    ],
)
def test_another_spelling_is_refused(spelling: bytes) -> None:
    assert spelling != SEALED
    with pytest.raises(NotVerified):
        unseal(spelling, TRUSTED)


def test_a_key_under_another_keys_name_is_of_no_use() -> None:
    envelope = json.loads(SEALED)
    [known] = TRUSTED
    with pytest.raises(NotVerified, match="unknown key"):
        unseal(canonical(envelope), {"another": TRUSTED[known]})
