"""The ingress certificate: trusted through its authority, for its names alone."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from seatrial.cluster.authority import EdgeCertificate, issue, public_key_pin

if TYPE_CHECKING:
    from pathlib import Path


def _greet(certificate: EdgeCertificate, folder: Path, name: str, authority: str) -> str:
    (folder / "crt").write_text(certificate.certificate)
    (folder / "key").write_text(certificate.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "crt", folder / "key")
    client = ssl.create_default_context(cadata=authority)
    left, right = socket.socketpair()

    def serve() -> None:
        with right:
            try:
                with server.wrap_socket(right, server_side=True) as stream:
                    stream.sendall(b"hello")
            except ssl.SSLError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with left, client.wrap_socket(left, server_hostname=name) as stream:
            return stream.recv(5).decode()
    finally:
        thread.join()


def test_a_client_that_knows_the_authority_trusts_the_names(tmp_path: Path) -> None:
    made = issue("*.seatrial.test")
    assert _greet(made, tmp_path, "catalog.seatrial.test", made.authority) == "hello"


@pytest.mark.parametrize("name", ["seatrial.test", "catalog.example.org"])
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    made = issue("*.seatrial.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        _greet(made, tmp_path, name, made.authority)


def test_another_authority_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        _greet(issue("*.seatrial.test"), tmp_path, "catalog.seatrial.test", issue("*.seatrial.test").authority)


def test_the_one_that_has_run_out_is_refused_for_that_alone(tmp_path: Path) -> None:
    made = issue("*.seatrial.test")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        _greet(replace(made, certificate=made.expired), tmp_path, "catalog.seatrial.test", made.authority)


def test_the_pin_is_the_digest_of_the_public_key() -> None:
    made = issue("*.seatrial.test")
    key = x509.load_pem_x509_certificate(made.authority.encode()).public_key()
    expected = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    assert public_key_pin(made.authority) == f"sha256:{expected}"
