"""Keeping secrets out of what a run writes down.

What is known to be secret is found in whatever encoding it stands (`seatrial.evidence.known`), what is not known by
what it looks like (`seatrial.evidence.shapes`). Compressed files are looked into.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import re
import tarfile
import threading
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from seatrial.evidence.known import SHORTEST, KnownSecrets, merged
from seatrial.evidence.shapes import secret_name, shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

REDACTED = "[redacted]"
_MARK = REDACTED.encode()
REFUSED = b"[redacted] what was here is compressed in a way that cannot be looked into, so it was not kept\n"
_CACHED = 4096
_SHORT = 512
_LARGEST_UNPACKED = 256 * 2**20
_DEEPEST = 4

# In the name of a variable, one of these says that its value is a secret ...
_TELLING = re.compile(
    r"(?:TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|(?<!MON)KEY|CREDENTIALS?|AUTH|COOKIE|DSN|JWT|PAT)(?![A-Z])",
)
# ... unless it ends so: then the value is about a secret.
_ABOUT = re.compile(
    r"(?:FILE|PATH|DIR|SOCK|SOCKET|TYPE|TTL|HOST|PORT|USER|USERNAME|ENABLED|METHOD|MODE|VERSION|PROVIDER|PROMPT|ASKPASS)$"
)
_FOLDERS = re.compile(r"(?:OLD)?PWD")
# Words that some variable or Secret holds as its value, and that stand in any evidence.
_WORDS = frozenset(
    {"catalog", "database", "default", "disabled", "embedded", "enabled", "error", "failed"}
    | {"inconclusive", "kubernetes", "localhost", "not", "passed", "password", "postgres", "postgresql"}
    | {"production", "required", "run", "seatrial", "secret", "setup", "teardown", "testing"}
)
# What stands beside a secret in a kubeconfig or a Secret, and is none.
PUBLIC = frozenset(
    {
        "ca.crt",
        "certificate-authority",
        "certificate-authority-data",
        "client-certificate",
        "client-certificate-data",
        "database",
        "dbname",
        "host",
    }
    | {"hostname", "namespace", "port", "tls.crt", "user", "username"}
)
_CREDENTIALS = frozenset(
    {"access-token", "auth", "client-key-data", "client-secret", "id-token", "password", "refresh-token", "token"}
    | {"value"}
)
_CONFIGURATIONS = (
    "/etc/pip.conf",
    "~/.pip/pip.conf",
    "~/.config/pip/pip.conf",
    "~/.config/uv/uv.toml",
    "/etc/uv/uv.toml",
)
_PACKED_TEXT = re.compile(rb"(?:H4sI|SDRzS)[A-Za-z0-9+/_-]{20,}={0,2}")


class Redactor:
    """Takes the secrets that it knows or recognises out of texts and files before they are written."""

    def __init__(self) -> None:
        self._known = KnownSecrets()
        self._answers: dict[str, str] = {}
        self._lock = threading.RLock()

    @classmethod
    def for_run(cls, environ: Mapping[str, str], kubeconfig: Path | None = None) -> Redactor:
        """Return one that knows what *environ* and the file *kubeconfig* hold, and what pip and uv are set up with.

        A file that is missing or cannot be read teaches nothing.
        """
        redactor = cls()
        redactor.learn_environment(environ)
        for name in (*_CONFIGURATIONS, environ.get("PIP_CONFIG_FILE", ""), environ.get("UV_CONFIG_FILE", "")):
            redactor.learn_from(_read(Path(name).expanduser()) if name else "")
        if kubeconfig is not None:
            redactor.learn_kubeconfig(kubeconfig)
        return redactor

    def learn(self, value: str) -> None:
        """Know *value* as a secret from now on.

        What is too short to be one is passed over, and so is a word that stands in any evidence.
        """
        value = value.strip()
        if len(value) < SHORTEST or value.lower() in _WORDS or (value.isdigit() and len(value) < SHORTEST + 2):
            return
        with self._lock:
            if self._known.add(value):
                self._answers.clear()

    def learn_from(self, text: str) -> None:
        """Know each secret in *text* that is recognised by what it looks like."""
        content = text.encode("utf-8", errors="surrogatepass")
        for start, end in merged(shapes(content)):
            self.learn(content[start:end].decode("utf-8", errors="replace"))

    def learn_environment(self, environ: Mapping[str, str]) -> None:
        """Know the values of the variables whose names tell of a secret, and the credentials in those of all others."""
        for name, value in environ.items():
            self.learn_from(value)
            upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
            telling = _TELLING.search(upper) and not _ABOUT.search(upper) and not _FOLDERS.fullmatch(upper)
            # The place of a secret is none; a secret that begins with a slash is no place here.
            if telling and not (value.startswith("/") and _exists(value)):
                self.learn(value)
                self._learn_unpacked(value)

    def learn_kubeconfig(self, file: Path) -> None:
        """Know each credential that the kubeconfig *file* holds or refers to, in plain and as it is encoded there."""
        text = _read(file)
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError:
            document = None
        self.learn_from(text)
        self._learn_part(document, file.parent)

    def _learn_part(self, part: object, folder: Path) -> None:
        if isinstance(part, list):
            for inner in part:
                self._learn_part(inner, folder)
        if not isinstance(part, dict):
            return
        name = part.get("name")
        for key, value in part.items():
            if not isinstance(value, str):
                self._learn_part(value, folder)
                continue
            self.learn_from(value)
            if key in ("tokenFile", "client-key"):
                self.learn(_read(folder / value))
            elif key == "value" and isinstance(name, str):
                self.learn_environment({name: value})
            elif key in _CREDENTIALS or (key not in PUBLIC and secret_name(str(key))):
                self.learn(value)
                self._learn_unpacked(value)

    def _learn_unpacked(self, value: str) -> None:
        """Know what *value* stands for in base64 as well, if that is text."""
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        if text.isprintable() or "PRIVATE KEY" in text:
            self.learn(text)

    def text(self, text: str) -> str:
        """Return *text* without the secrets in it."""
        with self._lock:
            known = self._answers.get(text)
            if known is not None:
                return known
            content = text.encode("utf-8", errors="surrogatepass")
            clean = self._clean(content)
            answer = text if clean is content else clean.decode("utf-8", errors="surrogatepass")
            if len(text) <= _SHORT:
                if len(self._answers) >= _CACHED:
                    self._answers.clear()
                self._answers[text] = answer
            return answer

    def data(self, value: Any, *, besides: Collection[str] = ()) -> Any:  # noqa: ANN401 (whatever JSON can hold)
        """Return *value*, all that JSON can hold, without the secrets in it.

        Below the keys *besides* nothing is changed.
        """
        match value:
            case str():
                return self.text(value)
            case dict():
                return {
                    self.text(key): inner if key in besides else self._named(key, inner, besides)
                    for key, inner in value.items()
                }
            case list() | tuple():
                return self._words(value, besides)
            case _:
                return value

    def _named(self, key: str, value: Any, besides: Collection[str]) -> Any:  # noqa: ANN401 (the same)
        if isinstance(value, str) and value and secret_name(key):
            return REDACTED
        return self.data(value, besides=besides)

    def _words(self, words: Iterable[Any], besides: Collection[str]) -> list[Any]:
        """Of a command line, the word after ``--password`` is one."""
        result = []
        flag = ""
        for word in words:
            result.append(self._named(flag, word, besides) if flag else self.data(word, besides=besides))
            flag = word if isinstance(word, str) and word.startswith("-") and "=" not in word else ""
        return result

    def content(self, content: bytes) -> bytes:
        """Return the bytes of a file without the secrets in them; what is compressed, compressed again.

        What cannot be looked into is not kept: a sentence takes its place.
        """
        with self._lock:
            return self._content(content, _DEEPEST)

    def _content(self, content: bytes, deep: int) -> bytes:
        opened = next((opener for magic, opener in _PACKED.items() if content.startswith(magic)), None)
        if opened is not None or content[257:262] == b"ustar":
            try:
                return (opened or _tar)(content, lambda inner: self._content(inner, deep - 1)) if deep else REFUSED
            except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, *_BROKEN):
                return REFUSED
        for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
            if content.startswith(mark):
                try:
                    text = content[2:].decode(encoding)
                except UnicodeDecodeError:
                    break
                clean = self.text(text)
                return content if clean == text else mark + clean.encode(encoding)
        return self._clean(content)

    def _clean(self, content: bytes) -> bytes:
        spans = [*self._known.spans(content), *shapes(content)]
        if b"H4sI" in content or b"SDRzS" in content:
            spans += [match.span() for match in _PACKED_TEXT.finditer(content) if self._hides(match[0])]
        if not spans:
            return content
        parts = []
        at = 0
        for start, end in merged(spans):
            parts += [content[at:start], _MARK]
            at = end
        parts.append(content[at:])
        return b"".join(parts)

    def _hides(self, packed: bytes) -> bool:
        """Whether *packed*, gzip in base64 once or twice, hides a secret or cannot be looked into."""
        try:
            while not packed.startswith(b"\x1f\x8b"):
                packed = base64.b64decode(
                    packed + b"=" * (-len(packed) % 4), altchars=b"-_" if b"-" in packed else None
                )
            return self._content(packed, _DEEPEST - 1) != packed
        except (binascii.Error, ValueError):
            return False


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long, or with a zero byte in it: no name of a file
        return False


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


# Looking into what is compressed -------------------------------------------------------------------------------------

_BROKEN = (tarfile.TarError, zipfile.BadZipFile)


def _bounded(stream: io.BufferedIOBase | Any) -> bytes:  # noqa: ANN401 (any file)
    unpacked: bytes = stream.read(_LARGEST_UNPACKED + 1)
    if len(unpacked) > _LARGEST_UNPACKED:
        raise ValueError("it unpacks to more than can be looked at")
    return unpacked


def _gzip(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    inner = _bounded(gzip.GzipFile(fileobj=io.BytesIO(content)))
    cleaned = clean(inner)
    return content if cleaned == inner and not _comment(content) else gzip.compress(cleaned, mtime=0)


def _comment(content: bytes) -> bool:
    """Whether the header of a gzip file has room for more than numbers (RFC 1952)."""
    return content[3] & 0b11100 != 0


def _bz2(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    with bz2.open(io.BytesIO(content)) as file:
        inner = _bounded(file)
    cleaned = clean(inner)
    return content if cleaned == inner else bz2.compress(cleaned)


def _xz(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    with lzma.open(io.BytesIO(content)) as file:
        inner = _bounded(file)
    cleaned = clean(inner)
    return content if cleaned == inner else lzma.compress(cleaned)


def _zip(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    result = io.BytesIO()
    changed = False
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as made:
        changed = bool(archive.comment)
        if sum(member.file_size for member in archive.infolist()) > _LARGEST_UNPACKED:
            return REFUSED
        for member in archive.infolist():
            with archive.open(member) as file:
                inner = _bounded(file)
            cleaned, name = clean(inner), clean(member.filename.encode()).decode()
            changed |= cleaned != inner or name != member.filename or bool(member.comment)
            made.writestr(zipfile.ZipInfo(name, member.date_time), cleaned)
    return result.getvalue() if changed else content


def _tar(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    result = io.BytesIO()
    changed = False
    with tarfile.open(fileobj=io.BytesIO(content)) as archive, tarfile.open(fileobj=result, mode="w") as made:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            inner = _bounded(file) if file is not None else b""
            cleaned, name = clean(inner), clean(member.name.encode(errors="surrogateescape")).decode()
            changed |= cleaned != inner or name != member.name
            member.size, member.name = len(cleaned), name
            member.pax_headers = {}
            made.addfile(member, io.BytesIO(cleaned))
    return result.getvalue() if changed else content


def _sealed(content: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    del content, clean
    return REFUSED


_PACKED: dict[bytes, Callable[[bytes, Callable[[bytes], bytes]], bytes]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ\x00": _xz,
    b"PK\x03\x04": _zip,
    b"PK\x05\x06": _zip,
    # Zstandard and 7z, which the standard library cannot read.
    b"\x28\xb5\x2f\xfd": _sealed,
    b"7z\xbc\xaf\x27\x1c": _sealed,
}
