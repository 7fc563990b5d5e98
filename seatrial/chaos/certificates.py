"""The fault that a server's certificate has run out.

Only the certificate is exchanged, by another for the same key, and both are public: the key stays where it is, and what
is written down to undo the fault holds nothing that is secret.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 (leases are read by these annotations)
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.connection import connected
from seatrial.chaos.entrance import Entrance
from seatrial.chaos.fault import registered
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from cryptography import x509

    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State
    from seatrial.kube import Document

_CERTIFICATE = "tls.crt"


@dataclass(frozen=True)
class Keeping:
    """A Secret of the type kubernetes.io/tls, and the kubeconfig by which it is reached, as long as the fault is."""

    kubeconfig: Path
    context: str | None
    namespace: str
    secret: str

    def certificate(self) -> str:
        """Return the certificate that it holds, as PEM; empty when it is gone, or its cluster is."""
        document = self._document()
        return "" if document is None else base64.b64decode(document.text(f"data.[{_CERTIFICATE}]")).decode()

    def parts(self) -> tuple[str, ...]:
        """Return the names of all that it holds."""
        document = self._document()
        held = None if document is None else document.at("data")
        return tuple(sorted(held)) if isinstance(held, dict) else ()

    def hold(self, certificate: str) -> None:
        """Put *certificate* in the place of the one that it holds; all else in it stays."""
        from seatrial.kube import kinds  # noqa: PLC0415 (as in connected)

        change = {"data": {_CERTIFICATE: base64.b64encode(certificate.encode()).decode()}}
        with connected(self.kubeconfig, self.context) as api:
            api.merge(kinds.SECRET, self.secret, self.namespace, change)

    def _document(self) -> Document | None:
        from seatrial.kube import kinds  # noqa: PLC0415 (as in connected)

        if not self.kubeconfig.exists():
            return None
        with connected(self.kubeconfig, self.context) as api:
            return api.find(kinds.SECRET, self.secret, self.namespace)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.secret}"


@registered
@dataclass(frozen=True)
class CertificateExpiry:
    """The server at *entrance* shows *expired* in the place of *good* (both PEM), which it takes from *keeping*."""

    kind: ClassVar[str] = "certificate-expiry"
    keeping: Keeping
    entrance: Entrance
    good: str
    expired: str

    @classmethod
    def planned(cls, keeping: Keeping, entrance: Entrance, expired: str) -> CertificateExpiry:
        """Return the fault that *expired* takes the place of what *keeping* holds now.

        Raises Inconclusive where that would be no such fault: there is no certificate, it has run out by itself, or
        *expired* has not, or is not for the same key and the same names.
        """
        good = keeping.certificate()
        if not good:
            raise Inconclusive(f"{keeping} holds no certificate that could run out", Missing.ABILITY)
        old, new = _read(good), _read(expired)
        now = datetime.now(UTC)
        if old.not_valid_after_utc <= now:
            raise Inconclusive(f"the certificate of {keeping} has run out already", Missing.ABILITY)
        if new.not_valid_after_utc > now:
            raise Inconclusive(f"the certificate meant for {keeping} has not run out", Missing.ABILITY)
        if (old.public_key(), _names(old), old.issuer) != (new.public_key(), _names(new), new.issuer):
            raise Inconclusive(
                f"no expired certificate is for the key, the names and the authority of {keeping}",
                Missing.ABILITY,
            )
        return cls(keeping, entrance, good, expired)

    @property
    def target(self) -> str:
        return f"certificate {self.keeping} of {self.entrance}"

    def inject(self, mark: str) -> Injector | None:
        del mark
        self.keeping.hold(self.expired)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del mark, injector
        try:
            code, said = self.entrance.refusal()
            shown = self.entrance.certificate()
        except OSError:
            return ""
        over = shown.not_valid_after_utc
        if code != Entrance.EXPIRED or shown != _read(self.expired) or over >= datetime.now(UTC):
            return ""
        return f"{said}: certificate {shown.serial_number:x} ran out at {over:%Y-%m-%d %H:%M:%S} UTC"

    def undo(self, mark: str) -> None:
        """Put the certificate back, unless somebody has put another there meanwhile, which is then the one to keep."""
        del mark
        if self.keeping.certificate() == self.expired:
            self.keeping.hold(self.good)

    def residue(self, mark: str) -> tuple[str, ...]:
        """Return in what the server does not show the certificate that is kept for it, or that it has run out."""
        del mark
        held = self.keeping.certificate()
        if not held:
            return ()
        if held == self.expired:
            return (f"{self.keeping} holds the certificate that has run out",)
        try:
            shown = self.entrance.certificate().serial_number
        except OSError as error:
            return (f"{self.entrance} shows no certificate: {error}",)
        wanted = _read(held).serial_number
        return () if shown == wanted else (f"{self.entrance} shows certificate {shown:x}, not {wanted:x}",)

    def state(self) -> State:
        """Return which certificate is kept, and beside what; nothing when it is gone or was renewed by somebody."""
        held = self.keeping.certificate()
        if held not in (self.good, self.expired):
            return {}
        return {"certificate": (f"{_read(held).serial_number:x}",), "parts": self.keeping.parts()}


def _read(text: str) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415 (as in Entrance)

    return x509.load_pem_x509_certificate(text.encode())


def _names(certificate: x509.Certificate) -> frozenset[str]:
    from cryptography import x509  # noqa: PLC0415 (as in Entrance)

    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset(found.get_values_for_type(x509.DNSName))
