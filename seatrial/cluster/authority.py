"""A certificate authority of the cluster's own, for the names under which its ingress answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=365)
# A clock a little behind must not find the certificate "not yet valid".
_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class EdgeCertificate:
    """PEM texts: the authority's certificate, the server's certificate and its private key.

    *expired* is a certificate for the same names and the same key, by the same authority, that has run out.
    """

    authority: str
    certificate: str
    key: str
    expired: str


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issue(*host_names: str, now: datetime | None = None) -> EdgeCertificate:
    """Make a new authority and let it sign a server certificate for *host_names* (wildcards allowed), valid for a year.

    It signs one, too, that was valid for the year before. The authority's key is forgotten: nothing else can be signed
    with it.
    """
    now = now or datetime.now(UTC)
    since = now - _SKEW
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Seatrial local authority")

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey, since: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + _LIFETIME)
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        builder(issuer, authority_key.public_key(), since)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )

    def server(since: datetime) -> x509.Certificate:
        return (
            builder(_name(host_names[0]), server_key.public_key(), since)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in host_names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )

    def pem(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return EdgeCertificate(
        authority=pem(authority), certificate=pem(server(since)), key=key, expired=pem(server(since - _LIFETIME))
    )


def public_key_pin(certificate: str) -> str:
    """Return the pin of *certificate*'s (PEM) public key for `kubeadm join`: ``sha256:`` and 64 hex digits."""
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return f"sha256:{digest.finalize().hex()}"
