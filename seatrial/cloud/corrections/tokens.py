"""Tokens of identity providers: who signed them, for whom, about whom, until when.

JSON Web Token (RFC 7519), its signature (RFC 7515) and the keys it is checked with (RFC 7517), as far as clusters use
them: RS256 and ES256.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARTS = 3
_HALF: Final = 32  # bytes of each of the two numbers that an ES256 signature is (RFC 7518, 3.4)


class NotAToken(Exception):
    """The text is no token that could be believed; the sentence says why."""


@dataclass(frozen=True)
class Token:
    """What a token says; *signed* is what its signature is of."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires: float
    algorithm: str
    key: str
    signed: bytes
    signature: bytes


def read(text: str) -> Token:
    """Read a token without believing it; raises NotAToken."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise NotAToken("The ID Token provided is not a valid JWT.")
    try:
        header, claims = (json.loads(_decoded(each)) for each in parts[:2])
        audience = claims["aud"]
        return Token(
            issuer=str(claims["iss"]),
            subject=str(claims["sub"]),
            audiences=tuple(audience) if isinstance(audience, list) else (str(audience),),
            expires=float(claims["exp"]),
            algorithm=str(header["alg"]),
            key=str(header.get("kid", "")),
            signed=f"{parts[0]}.{parts[1]}".encode(),
            signature=_decoded(parts[2]),
        )
    except (ValueError, KeyError, TypeError) as wrong:
        raise NotAToken("The ID Token provided is not a valid JWT.") from wrong


def verify(token: Token, keys: Sequence[Mapping[str, str]]) -> None:
    """Raise NotAToken unless one of *keys* (a JWK set's) has signed the token."""
    for key in keys:
        if token.key and key.get("kid") and key["kid"] != token.key:
            continue
        try:
            if _signed_by(token, key):
                return
        except (KeyError, ValueError):
            continue
    raise NotAToken("The ID Token provided was not signed by a key of its issuer.")


def _signed_by(token: Token, key: Mapping[str, str]) -> bool:
    try:
        if (token.algorithm, key["kty"]) == ("RS256", "RSA"):
            public = rsa.RSAPublicNumbers(e=_number(key["e"]), n=_number(key["n"])).public_key()
            public.verify(token.signature, token.signed, padding.PKCS1v15(), SHA256())
            return True
        if (token.algorithm, key["kty"], key.get("crv")) == ("ES256", "EC", "P-256"):
            numbers = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1())
            r, s = (int.from_bytes(each) for each in (token.signature[:_HALF], token.signature[_HALF:]))
            signature = utils.encode_dss_signature(r, s)
            numbers.public_key().verify(signature, token.signed, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        return False
    return False


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as wrong:
        raise ValueError(str(wrong)) from wrong
