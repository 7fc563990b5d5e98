"""The keys that sign bundles and those that are trusted: ed25519, in PEM files of the person's own."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SETTING = "SEATRIAL_SIGNING_KEY"
_OTHERS = 0o077


def folder() -> Path:
    """Return the folder of the person's own settings for Seatrial."""
    # A relative path in XDG_CONFIG_HOME is to be passed over (XDG Base Directory Specification).
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".config") / "seatrial"


def trusted_folder() -> Path:
    """Return the folder whose ``*.pem`` files are the public keys of others that the person trusts."""
    return folder() / "trusted"


def signing_key_file() -> Path:
    """Return where the signing key is: what SEATRIAL_SIGNING_KEY names, or signing-key.pem in the person's folder."""
    given = os.environ.get(SETTING)
    return Path(given) if given else folder() / "signing-key.pem"


def signing_key() -> Ed25519PrivateKey:
    """Return the person's signing key; make one if there is none yet, which only its owner can read.

    Raises UsageError for a key that others can read, that is no ed25519 key, or that SEATRIAL_SIGNING_KEY names and is
    not there.
    """
    file = signing_key_file()
    if not file.exists():
        if os.environ.get(SETTING):
            raise UsageError(f"There is no signing key in {file}: correct {SETTING}, or unset it to have one made.")
        _make(file)
    return _read_private(file)


def own_public_key() -> Ed25519PublicKey | None:
    """Return the public half of the person's signing key, None if there is none yet; raises as `signing_key`."""
    file = signing_key_file()
    return _read_private(file).public_key() if file.exists() or os.environ.get(SETTING) else None


def public_pem(key: Ed25519PublicKey) -> str:
    """Return *key* as the text of a PEM file."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id of *key*: the SHA-256, in hexadecimal digits, of its DER form (SubjectPublicKeyInfo)."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def trusted_keys(given: Iterable[Path] = ()) -> Mapping[str, Ed25519PublicKey]:
    """Return the keys whose signature counts, by id: those in the files *given* and no others, if any is given.

    Else they are the person's own and those in the folder of trusted keys. Raises UsageError for a file that is no
    public ed25519 key.
    """
    files = tuple(given)
    keys = [_read_public(file) for file in files or sorted(trusted_folder().glob("*.pem"))]
    own = None if files else own_public_key()
    return {key_id(key): key for key in (*keys, *([own] if own else []))}


def _make(file: Path) -> None:
    """Write a new key to *file* in one step, or leave the one that somebody else made meanwhile."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made for its owner alone from the first moment, and given its name only when it is whole.
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as temporary:
                temporary.write(pem)
                temporary.flush()
                os.fsync(temporary.fileno())
            with suppress(FileExistsError):
                os.link(name, file)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise UsageError(
            f"The signing key {file} cannot be made ({error.strerror}): give one of your own with {SETTING}."
        ) from error


def _read_private(file: Path) -> Ed25519PrivateKey:
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            pem = opened.read()
    except OSError as error:
        raise UsageError(
            f"The signing key {file} cannot be read ({error.strerror}): correct its path, or {SETTING}."
        ) from error
    if mode & _OTHERS:
        raise UsageError(
            f"The signing key {file} can be read by others (mode {mode:04o}): run chmod 600 on it, or, if others may"
            " have read it, remove it to have a new one made."
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"The signing key {file} is no ed25519 private key without a passphrase: make one with"
            " openssl genpkey -algorithm ed25519, or remove the file to have one made."
        )
    return key


def _read_public(file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise UsageError(f"The public key {file} cannot be read ({error.strerror}): correct its path.") from error
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{file} is no public ed25519 key: give what `seatrial key` printed for the signer.")
    return key
