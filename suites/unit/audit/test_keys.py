"""Keys: made once, for their owner alone; others' are trusted only when they were given."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from seatrial.audit import keys
from seatrial.errors import UsageError
from suites.unit.audit.forging import key_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv(keys.SETTING, raising=False)
    return tmp_path


def private_pem(number: int) -> bytes:
    return key_of(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def given(file: Path, content: bytes, mode: int = 0o600) -> Path:
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_key_is_made_on_first_use_and_kept(home: Path) -> None:
    assert keys.own_public_key() is None
    made = keys.signing_key()
    file = home / "settings" / "seatrial" / "signing-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert keys.signing_key().private_bytes_raw() == made.private_bytes_raw()
    assert [entry.name for entry in file.parent.iterdir()] == ["signing-key.pem"]
    assert keys.own_public_key() == made.public_key()


@pytest.mark.parametrize("setting", ["", "relative"])
def test_without_a_folder_for_settings_it_is_below_the_home(
    setting: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", setting)
    assert keys.signing_key_file() == home / ".config" / "seatrial" / "signing-key.pem"


def test_two_that_make_it_at_once_get_the_same() -> None:
    found: list[bytes] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        found.append(keys.signing_key().private_bytes_raw())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o601])
def test_a_key_that_others_can_read_is_refused(mode: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = given(home / "key.pem", private_pem(5), mode)
    monkeypatch.setenv(keys.SETTING, str(file))
    with pytest.raises(UsageError, match=f"mode 0{mode:o}"):
        keys.signing_key()


def test_a_key_of_ones_own_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.SETTING, str(given(home / "key.pem", private_pem(5), 0o400)))
    assert keys.signing_key().private_bytes_raw() == key_of(5).private_bytes_raw()
    assert list(keys.trusted_keys()) == [keys.key_id(key_of(5).public_key())]


def test_a_key_that_is_named_and_not_there_is_not_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.SETTING, str(home / "typo.pem"))
    for ask in (keys.signing_key, keys.own_public_key):
        with pytest.raises(UsageError, match=r"typo\.pem"):
            ask()
    assert not (home / "typo.pem").exists()


def test_what_is_no_ed25519_key_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = rsa.generate_private_key(65537, 2048)
    file = home / "key.pem"
    monkeypatch.setenv(keys.SETTING, str(file))
    secret = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"\xff", secret, keys.public_pem(key_of(5).public_key()).encode()):
        given(file, content)
        with pytest.raises(UsageError, match="no ed25519 private key"):
            keys.signing_key()
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (b"", public, private_pem(5)):
        with pytest.raises(UsageError, match="no public ed25519 key"):
            keys.trusted_keys([given(file, content)])
    with pytest.raises(UsageError, match="cannot be read"):
        keys.trusted_keys([home / "nowhere.pem"])


def test_a_folder_that_takes_no_key_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot be made"):
        keys.signing_key()
    monkeypatch.setenv(keys.SETTING, str(home))
    with pytest.raises(UsageError, match="cannot be read"):
        keys.signing_key()


def test_own_and_others_keys_are_trusted_unless_one_is_given(home: Path) -> None:
    own, friend, third = keys.signing_key().public_key(), key_of(6).public_key(), key_of(7).public_key()
    keys.trusted_folder().mkdir()
    (keys.trusted_folder() / "friend.pem").write_text(keys.public_pem(friend))
    (keys.trusted_folder() / "friend.txt").write_text(keys.public_pem(third))
    assert set(keys.trusted_keys()) == {keys.key_id(own), keys.key_id(friend)}
    # As `seatrial key` prints it, with its id before it.
    third_file = given(home / "third.pem", f"Key x\n{keys.public_pem(third)}".encode())
    assert set(keys.trusted_keys([third_file])) == {keys.key_id(third)}
