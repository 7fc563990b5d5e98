"""What a TLS server shows to those who come: its certificate, and whether one who knows the authority accepts it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path  # noqa: TC003 (leases are read by these annotations)
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from cryptography import x509

_PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class Entrance:
    """A TLS server at *address* and *port*, met under the name *host*.

    *ca* is the PEM file of the authority that is trusted, None for the machine's own.
    """

    EXPIRED: ClassVar[int] = 10  # X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL
    address: str
    port: int
    host: str
    ca: Path | None = None

    def certificate(self) -> x509.Certificate:
        """Return what it shows, whether that is good or not. Raises OSError when nothing is shown."""
        from cryptography import x509  # noqa: PLC0415 (only this fault waits for it to be loaded)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return x509.load_der_x509_certificate(self._greeted(context))

    def refusal(self) -> tuple[int, str]:
        """Return why one who verifies what it shows goes away, as OpenSSL's code and words; 0 and nothing if it stays.

        Raises OSError when nothing is shown.
        """
        try:
            self._greeted(ssl.create_default_context(cafile=self.ca))
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message
        return 0, ""

    def _greeted(self, context: ssl.SSLContext) -> bytes:
        with (
            socket.create_connection((self.address, self.port), _PATIENCE.total_seconds()) as plain,
            context.wrap_socket(plain, server_hostname=self.host) as stream,
        ):
            shown = stream.getpeercert(binary_form=True)
        if shown is None:
            raise ConnectionError(f"{self.host} shows no certificate")
        return shown

    def __str__(self) -> str:
        return f"{self.host} at {self.address}:{self.port}"
