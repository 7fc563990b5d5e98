"""An issuer of tokens, such as a cluster is."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER = "https://cluster.example.org"


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(content: Mapping[str, object]) -> str:
    return encoded(json.dumps(content).encode())


@dataclass(frozen=True)
class Signer:
    """Signs by ES256 with a key of its own."""

    name: str = "first"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> dict[str, str]:
        """Its key as a JWK set has it."""
        numbers = self.key.public_key().public_numbers()
        x, y = (encoded(each.to_bytes(32)) for each in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "kid": self.name, "x": x, "y": y}

    def token(self, subject: str, **changes: object) -> str:
        """Return a token about *subject* for AWS, good for an hour."""
        claims: dict[str, object] = {"iss": ISSUER, "sub": subject, "aud": ["sts.amazonaws.com"]}
        told = {**claims, "exp": int(time.time()) + 3600, **changes}
        signed = f"{_part({'alg': 'ES256', 'kid': self.name})}.{_part(told)}"
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"
