"""Signed statements: the Dead Simple Signing Envelope (DSSE, version 1) with one ed25519 signature.

An envelope has one spelling only: canonical JSON, base64 as it is written by the encoder. Whoever changes a byte of it
changes what it says.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature

from seatrial.audit.keys import key_id
from seatrial.audit.refusal import NotVerified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def canonical(value: object) -> bytes:
    """Return the one spelling of *value* as JSON: keys sorted, no space, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def read_canonical(content: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object that *content* spells; raises NotVerified, naming *what*, for another spelling."""
    try:
        value = json.loads(content)
        known = canonical(value) == content
    except (ValueError, RecursionError) as error:
        raise NotVerified(f"{what} is no JSON") from error
    if not known or not isinstance(value, dict):
        raise NotVerified(f"{what} is not spelt as Seatrial spells it")
    return value


def authenticated(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed, DSSE's pre-authentication encoding (PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return an envelope around *payload*, an in-toto statement, signed by *key*."""
    signature = key.sign(authenticated(PAYLOAD_TYPE, payload))
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
        }
    )


def unseal(envelope: bytes, trusted: Mapping[str, Ed25519PublicKey]) -> tuple[bytes, str]:
    """Return the payload of *envelope* and the id of the key that signed it, which is one of *trusted* (by id).

    Raises NotVerified for any other envelope.
    """
    payload_type, payload, signer, signature = _parts(read_canonical(envelope, "the envelope"))
    if payload_type != PAYLOAD_TYPE:
        raise NotVerified(f"the envelope holds {payload_type!r}, not an in-toto statement")
    key = trusted.get(signer)
    if key is None:
        raise NotVerified(f"it is signed by the unknown key {signer!r}")
    check_signature(key, signature, authenticated(payload_type, payload))
    return payload, signer


def check_signature(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> None:
    """Raise NotVerified unless *signature* was made by *key* over *signed*."""
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        raise NotVerified(f"the signature is not one that the key {key_id(key)} made over this statement") from None


def _parts(envelope: Mapping[str, Any]) -> tuple[str, bytes, str, bytes]:
    match envelope:
        case {
            "payload": str(payload),
            "payloadType": str(payload_type),
            "signatures": [{"keyid": str(signer), "sig": str(signature), **beside}],
            **others,
        } if not beside and not others:
            return payload_type, _decoded(payload), signer, _decoded(signature)
    if envelope.get("signatures") == []:
        raise NotVerified("it is not signed")
    raise NotVerified("the envelope is not one statement with one signature")


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotVerified("the envelope holds what is no base64") from error
    if base64.b64encode(content).decode() != text:
        raise NotVerified("the envelope holds base64 that is not spelt as Seatrial spells it")
    return content
