"""No secret is written down, in whatever encoding it stands, and no evidence is lost to the search for them."""

from __future__ import annotations

import base64
import bz2
import codecs
import contextlib
import gzip
import hashlib
import html
import io
import json
import lzma
import random
import re
import shlex
import string
import tarfile
import time
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
import yaml

from seatrial import witness
from seatrial.evidence import RunDirectory, load_run
from seatrial.evidence.recording import Recording
from seatrial.evidence.redaction import REDACTED, REFUSED, Redactor
from seatrial.target import Target
from seatrial.truth import TruthLabel
from suites.yard import CONFTEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suites.yard import Yard

SECRET = "h2/Xq \"w\\é'&<k>%7"  # noqa: S105 (made up to be hard to find)
PLAIN = "s3cr3tCanary0001"
PEM_BODY = "\n".join("MIIEpAIBAAKCAQEA" + string.ascii_letters[i : i + 40] + "+/3x" for i in range(6))
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_BODY}\nq7Zr==\n-----END RSA PRIVATE KEY-----\n"
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{PEM_BODY.swapcase()[::-1]}\nq7Zr==\n-----END CERTIFICATE-----\n"


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for value in values:
        redactor.learn(value)
    return redactor


def b64(text: str | bytes, before: str = "") -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(before.encode() + raw).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda value: json.dumps({"a": value}),
    "JSON as UTF-8": lambda value: json.dumps({"a": value}, ensure_ascii=False),
    "JSON in JSON": lambda value: json.dumps({"a": json.dumps({"b": value})}),
    "JSON by Go": lambda value: (
        json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")
    ),
    "only escapes": lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    "Python": repr,
    "Python bytes": lambda value: repr(value.encode()),
    "URL": lambda value: quote(value, safe=""),
    "URL path": quote,
    "URL form": quote_plus,
    "URL in lower case": lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
    "URL in URL": lambda value: quote(quote(value, safe=""), safe=""),
    "URL, each byte": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "HTML": html.escape,
    "HTML by Go": lambda value: html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "HTML, each letter": lambda value: "".join(f"&#{ord(letter)};" for letter in value),
    "shell": shlex.quote,
    "shell, other way": lambda value: "'" + value.replace("'", "'\\''") + "'",
    "YAML": lambda value: yaml.safe_dump({"a": value}),
    "YAML folded": lambda value: yaml.safe_dump({"a": f"word {value} word"}, width=4),
    "YAML double quotes": lambda value: yaml.safe_dump({"a": value}, default_style='"', width=4),
    "YAML block": lambda value: yaml.safe_dump({"a": {"b": f"one\n{value}\ntwo\n"}}, default_style="|"),
    "hex": lambda value: value.encode().hex(),
    "hex, upper case": lambda value: value.encode().hex().upper(),
    "hex with colons": lambda value: value.encode().hex(":"),
    "hex dump": lambda value: "\n".join(re.findall(".{1,32}", value.encode().hex(" "))),
    "base64 0": b64,
    "base64 1": lambda value: b64(value + "tail", "x"),
    "base64 2": lambda value: b64(value + "t", "xy"),
    "base64 without padding": lambda value: b64(value).rstrip("="),
    "base64url": lambda value: base64.urlsafe_b64encode(b"?>" + value.encode()).decode(),
    "base64 in lines": lambda value: base64.encodebytes(
        b"some words before " * 3 + value.encode() + b"x" * 60
    ).decode(),
    "base64 in short lines": lambda value: "\n".join(re.findall(".{1,7}", b64(value))),
    "base64 twice": lambda value: b64(b64(value)),
    "base64 twice, moved": lambda value: b64("a" + b64("b" + value)),
    "base64 of UTF-16": lambda value: b64(value.encode("utf-16-le")),
    "UTF-16": lambda value: value.encode("utf-16-le").decode("latin-1"),
    "UTF-32": lambda value: value.encode("utf-32-le").decode("latin-1"),
}


@pytest.mark.parametrize("value", [SECRET, PLAIN, "two words 77"], ids=["odd", "plain", "words"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_what_is_known_is_found_in_each_encoding(name: str, value: str) -> None:
    written = ENCODINGS[name](value)
    content = b"before " + (written.encode("latin-1") if name.startswith("UTF") else written.encode()) + b" after"
    clean = knowing(value).content(content)
    assert value not in seen(clean)
    assert b"before" in clean
    assert b"after" in clean
    assert REDACTED.encode() in clean


def seen(content: bytes) -> str:
    """All that can be read in *content* in one go or another."""
    return "\n".join(view.decode("utf-8", errors="ignore") for view in views(content))


def views(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """*content* as whoever looks for secrets would read it: decoded by each means, again and again."""
    yield content
    if depth == 0:
        return
    for inner in {decoded for decoded in decodings(content) if decoded and decoded != content}:
        yield from views(inner, depth - 1)


def decodings(content: bytes) -> Iterator[bytes]:
    yield re.sub(rb"\s+", b" ", content)
    yield content.replace(b"\0", b"")
    if b"%" in content:
        yield unquote_to_bytes(content.replace(b"+", b" "))
        yield unquote_to_bytes(content)
    if b"&" in content:
        yield html.unescape(content.decode("utf-8", errors="ignore")).encode("utf-8", errors="ignore")
    if b"\\" in content:
        yield re.sub(rb"\\\s*\n\s*\\?|\\(['\" /\\])", rb"\1", content)
        # Each escape by itself: what is none stands for itself.
        text = content.decode("utf-8", errors="ignore")
        escape = r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\\'\"nrt])"
        yield re.sub(escape, lambda found: codecs.decode(found[0], "unicode_escape"), text).encode(errors="ignore")
        of_bytes = re.sub(escape, lambda found: codecs.decode(found[0], "unicode_escape"), content.decode("latin-1"))
        yield of_bytes.encode("latin-1", errors="ignore")
    yield content.replace(b"'\"'\"'", b"'").replace(b"'\\''", b"'")
    for packed in re.findall(rb"(?:[0-9a-fA-F]{2}[:\s-]?){6,}", content):
        yield bytes.fromhex(re.sub(rb"[:\s-]", b"", packed).decode())
    for joined in (content, re.sub(rb"\s", b"", content)):
        for run in re.findall(rb"[A-Za-z0-9+/_-]{8,}", joined):
            for start in range(4):
                part = run[start:].translate(bytes.maketrans(b"-_", b"+/"))
                whole = part[: len(part) - (len(part) % 4 == 1)]
                yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
    yield from unpacked(content)


def unpacked(content: bytes) -> Iterator[bytes]:
    for opener in (gzip.decompress, bz2.decompress, lzma.decompress):
        try:
            yield opener(content)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
            continue
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name.encode()
            yield archive.read(name)


def test_the_search_for_leaks_finds_each_encoding_itself() -> None:
    for name, encode in ENCODINGS.items():
        written = encode(PLAIN)
        content = written.encode("latin-1") if name.startswith("UTF") else written.encode()
        assert PLAIN in seen(b"before " + content + b" after"), name


@pytest.mark.parametrize("cut", [slice(0, 60), slice(40, 110), slice(-50, None)])
def test_a_part_of_a_long_secret_is_found(cut: slice) -> None:
    value = "".join(random.Random(1).choices(string.ascii_letters, k=200))  # noqa: S311 (the same each time)
    text = knowing(value).text(f"Bearer... '{value[cut]}...'")
    assert text == f"Bearer... '{REDACTED}...'"


def test_a_key_is_found_without_its_frame_and_with_a_time_before_each_line() -> None:
    logged = "".join(f"2031-05-04T03:02:01Z {line}\n" for line in PEM_BODY.splitlines())
    assert "MIIEpAIBAAKCAQEA" not in knowing(PRIVATE_KEY).text(logged)
    assert "2031-05-04" in knowing(PRIVATE_KEY).text(logged)


@pytest.mark.parametrize("value", ["", "short", "passed", "postgres", "123456", "   ", "catalog"])
def test_what_can_be_no_secret_is_not_learned(value: str) -> None:
    text = f"a run that passed: postgres, catalog, {value} and 123456"
    assert knowing(value).text(text) == text


def test_what_is_learned_later_counts_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.text(f"saw {PLAIN}") == f"saw {PLAIN}"
    redactor.learn(PLAIN)
    assert redactor.text(f"saw {PLAIN}") == f"saw {REDACTED}"


S = "Xk9canary" + "Zq4mW7vT2bN8"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl-" + S
AWS_SECRET = "canary9/" + "Ab3dEf6hIj" * 3 + "Kl"
# A text that holds a secret, and the secret in it.
SHAPES = [
    (f"Authorization: Bearer {S}", S),
    (f"authorization: Basic {b64('user:' + S)}", b64("user:" + S)),
    (f"{{'Authorization': 'Token {S}'}}", S),
    (f"curl -H 'Authorization: {S}' https://a.example", S),
    (f"map[Authorization:[Bearer {S}] Accept:[*/*]]", S),
    (f"Proxy-Authorization: Digest username=x, response={S}", S),
    (f"sent Bearer {S} to it", S),
    (f"> Cookie: session={S}; theme=dark", S),
    (f"Set-Cookie: sid={S}; HttpOnly", S),
    (f'{{"set-cookie": "sid={S}; Path=/"}}', S),
    (f"X-Api-Key: {S}", S),
    (f"curl -H 'X-Api-Key: {S}' https://a.example", S),
    (f"PRIVATE-TOKEN: {S}", S),
    (f"X-Vault-Token: {S}", S),
    (f'{{"X-Auth-Token": ["{S}"]}}', S),
    (f"Ocp-Apim-Subscription-Key: {S}", S),
    (f"got {JWT} back", JWT),
    (b64(JWT), b64(JWT)),
    ("id AKIAIOSFODNN7EXAMPLE there", "AKIAIOSFODNN7EXAMPLE"),
    (f"AKIAIOSFODNN7EXAMPLE {AWS_SECRET}", AWS_SECRET),
    (f"aws_secret_access_key = {AWS_SECRET}", AWS_SECRET),
    (f'"SecretAccessKey": "{AWS_SECRET}"', AWS_SECRET),
    (f"ghp_{'aB3' * 12}", "aB3aB3aB3"),
    (f"github_pat_{'aB3_' * 20}", "aB3_aB3_"),
    (f"glpat-{S[:20]}", S[:20]),
    (f"xoxb-1234567890-{S}", S),
    (f"https://hooks.slack.com/services/T0000/B0000/{S}", S),
    (f"AIza{(S + S)[:35]}", S[:20]),
    (f"ya29.{S}", S),
    (f"hvs.{S}", S),
    (f"sk_live_{S}", S),
    (f"npm_{'aB3d' * 9}", "aB3daB3d"),
    (f"https://me:{S}@host.example/path", S),
    (f"https://{S}@host.example/path", S),
    (f"postgresql+psycopg://shop:{S}@db:5432/shop", S),
    (f"redis://:{S}@cache:6379/0", S),
    (f"me:{S}@tcp(db:3306)/shop", S),
    (f"GET /file?expires=3&sig={S} HTTP/1.1", S),
    (f"https://s3.example/a?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2031&X-Amz-Signature={S}", S),
    (f"https://a.example/?access_token={S}&x=1", S),
    (f"https://a.example/?key={S}", S),
    (f"proxy=http%3A%2F%2Fme%3A{S}%40proxy", S),
    (f"password: {S}", S),
    ("password: correct horse battery", "correct horse battery"),
    (f"  db-password: '{S}'  # not for you", S),
    (f"spec: {{password: {S}, user: me}}", S),
    (f'{{"user":"me","password":"{S}"}}', S),
    (f'{{"log":"{{\\"password\\":\\"{S}\\"}}"}}', S),
    (f"DB_PASSWORD={S}\nDB_USER=me", S),
    (f'export DB_PASSWORD="{S} and more"', f"{S} and more"),
    (f"env: DB_PASSWORD={S} USER=me", S),
    ("[client]\npassword = swordfish\n", "swordfish"),
    (f"<password>{S}</password>", S),
    (f"&quot;password&quot;: &quot;{S}&quot;", S),
    (f"password   = '{S}'", S),
    (f"mysql --password {S} --host db", S),
    (f"kubeadm join --token={S}", S),
    (f"['mysql', '--password', '{S}']", S),
    (f"curl -u me:{S} https://a.example", S),
    (f"- name: DB_PASSWORD\n  value: {S}\n", S),
    (f'{{"name":"API_TOKEN","value":"{S}"}}', S),
    (f"client_secret={S}", S),
    (f"AccountName=a;AccountKey={S}==;EndpointSuffix=x", S),
    (f"password: |\n  {S}\n  more\nuser: me\n", S),
    (PRIVATE_KEY, "MIIEpAIBAAKCAQEA"),
    (json.dumps({"key": PRIVATE_KEY}), "MIIEpAIBAAKCAQEA"),
    (PRIVATE_KEY[:200], "MIIEpAIBAAKCAQEA"),
    ("..." + PRIVATE_KEY[90:], PEM_BODY.splitlines()[3]),
    (f"client-key-data: {b64(PRIVATE_KEY)}", b64(PRIVATE_KEY)[40:90]),
    (f"tls.key: {b64(PRIVATE_KEY)}", b64(PRIVATE_KEY)[40:90]),
    (f'{{"auths":{{"r.example":{{"auth":"{b64("me:" + S)}"}}}}}}', b64("me:" + S)),
    (f".dockerconfigjson: {b64('x' + S)}", b64("x" + S)),
    (f"kind: Secret\napiVersion: v1\ndata:\n  word: {b64(S)}\n", b64(S)),
    (f'{{"apiVersion": "v1", "kind": "Secret", "stringData": {{"word": "{S}"}}}}', S),
    (
        json.dumps({"terraform_version": "1", "outputs": {"dsn": {"value": S, "type": "string", "sensitive": True}}}),
        S,
    ),
    (
        json.dumps(
            {
                "terraform_version": "1",
                "resources": [
                    {
                        "instances": [
                            {
                                "attributes": {"id": "a-1", "word": S},
                                "sensitive_attributes": [[{"type": "get_attr", "value": "word"}]],
                            }
                        ]
                    }
                ],
            }
        ),
        S,
    ),
    (
        json.dumps({"format_version": "1", "values": {"word": [S], "id": "a-1"}, "sensitive_values": {"word": [True]}}),
        S,
    ),
]


@pytest.mark.parametrize(("text", "secret"), SHAPES, ids=range(len(SHAPES)))
def test_what_looks_like_a_secret_is_found(text: str, secret: str) -> None:
    assert secret in text
    clean = Redactor().text(f"one line\n{text}" if text.startswith("PRIVATE-") else text)
    assert secret not in clean
    assert REDACTED in clean
    assert Redactor().text(clean) == clean


def test_what_stands_around_a_secret_stays() -> None:
    text = Redactor().text(f'{{"user":"me","password":"{S}","host":"db"}}\nhttps://me:{S}@host/path?sig={S}&b=2')
    assert text == (
        f'{{"user":"me","password":"{REDACTED}","host":"db"}}\nhttps://me:{REDACTED}@host/path?sig={REDACTED}&b=2'
    )


DIGEST = hashlib.sha256(b"x").hexdigest()
COMMIT = hashlib.sha1(b"x", usedforsecurity=False).hexdigest()
EVIDENCE = [
    f"image: registry.k8s.io/etcd@sha256:{DIGEST}",
    f"containerID: containerd://{DIGEST}",
    f'resourceVersion: "48213"\nuid: 0f5c4b9a-7d0e-4f7e-9d7c-0a1b2c3d4e5f\ncommit: {COMMIT}',
    f"AKIDs are not told: {COMMIT}",
    CERTIFICATE,
    f"certificate-authority-data: {b64(CERTIFICATE)}\nclient-certificate-data: {b64(CERTIFICATE)}",
    f"caBundle: {b64(CERTIFICATE)}\ntls.crt: {b64(CERTIFICATE)}",
    "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      key: password\n      name: postgresql\n",
    "volumes:\n- name: tls\n  secret:\n    secretName: orders-tls\n- name: kube-api-access-x2x4z\n  projected:",
    "    - serviceAccountToken:\n        expirationSeconds: 3607\n        path: token\n",
    "automountServiceAccountToken: false\nimagePullSecrets:\n- name: regcred\ntokenExpirationSeconds: 600",
    "--service-account-signing-key-file=/etc/kubernetes/pki/sa.key --authorization-mode=Node,RBAC --secure-port=6443",
    "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key --enable-bootstrap-token-auth=true",
    'secrets "orders-db" is forbidden: User "system:serviceaccount:a:b" cannot list resource "secrets"',
    "invalid bearer token, token lookup failed: Bearer authentication is required",
    "the token is refused; no password was given; basic authentication is off; the secret is out",
    "topologyKey: kubernetes.io/hostname\nkey: node-role.kubernetes.io/control-plane\nkey = value",
    "nginx.ingress.kubernetes.io/session-cookie-name: route\naffinity: cookie",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 somebody@host",
    "git clone ssh://git@github.com/a/b.git; https://packages.example.org:443/@types/node; see https://a.example/b@2",
    '{"intended": 12.5, "started": 12.5001, "ended": 12.61, "status": 200, "error": null, "held": false}',
    "    token = api.ask('POST', path).text('status.token')\n    password = os.environ['DB_PASSWORD']\n",
    "def sign_in(user: str, password: str, *, token: str | None = None) -> None: ...",
    "signed_in(token=token, password=settings.password)",
    'password: "" \ntoken: null\nsecret: {}\npassword: ${DB_PASSWORD}\npassword: <password>\ntoken: ********',
    "max_tokens=4096 tokens: 17 passwords: 3 secretName=x PWD=/root/work OLDPWD=/tmp",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7 traceparent: 00-4bf92f3577b34da6-01",
    "2031-05-04T03:02:01.123456Z stderr F orders-6d4cf56db6-x7k2p ready, 3 of 3, 12.5 ms",
]


@pytest.mark.parametrize("text", EVIDENCE, ids=range(len(EVIDENCE)))
def test_evidence_stays_as_it_is(text: str) -> None:
    assert knowing(SECRET, PLAIN, PRIVATE_KEY).text(text) == text


def test_the_same_holds_in_a_long_text_and_for_signs_of_all_scripts() -> None:
    text = "\n".join(EVIDENCE) + " 주문 \N{SNOWMAN} \ud800 \udcff é"
    assert Redactor().text(text) == text
    assert Redactor().text(f"password: 주문{PLAIN}\n주문") == f"password: {REDACTED}\n주문"


def test_data_is_looked_through_by_its_names_as_well() -> None:
    data = {
        "password": "x",
        "words": ["mysql", "--password", "abc", "--host", "db"],
        "n": 3,
        "sha256": "s3cr3tCanary0001",
    }
    clean = knowing(PLAIN).data(data, besides={"sha256"})
    assert clean == {
        "password": REDACTED,
        "words": ["mysql", "--password", REDACTED, "--host", "db"],
        "n": 3,
        "sha256": "s3cr3tCanary0001",
    }


def packed_zip(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("pod.log", content)
        archive.writestr("other.log", b"nothing here")
    return made.getvalue()


def packed_tar(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("pod.log")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def unpack_tar(content: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = archive.extractfile("pod.log")
        assert file is not None
        return file.read()


PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (gzip.compress, gzip.decompress),
    "bz2": (bz2.compress, bz2.decompress),
    "xz": (lzma.compress, lzma.decompress),
    "zip": (packed_zip, lambda found: zipfile.ZipFile(io.BytesIO(found)).read("pod.log")),
    "tar": (packed_tar, unpack_tar),
    "tar.gz": (lambda content: gzip.compress(packed_tar(content)), lambda found: unpack_tar(gzip.decompress(found))),
    "gzip twice": (lambda c: gzip.compress(gzip.compress(c)), lambda c: gzip.decompress(gzip.decompress(c))),
}


@pytest.mark.parametrize("name", PACKED)
def test_what_is_compressed_is_looked_into(name: str) -> None:
    pack, unpack = PACKED[name]
    assert unpack(knowing(PLAIN).content(pack(f"saw {PLAIN}".encode()))) == f"saw {REDACTED}".encode()
    harmless = pack(b"saw nothing")
    assert knowing(PLAIN).content(harmless) == harmless


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"x" * 5000 + PLAIN.encode())[:-12],
        b"PK\x03\x04 broken",
        b"\x28\xb5\x2f\xfd" + PLAIN.encode(),
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"deep"))))),
    ],
    ids=["gzip cut short", "broken zip", "zstd", "too deep"],
)
def test_what_cannot_be_looked_into_is_not_kept(content: bytes) -> None:
    clean = knowing(PLAIN).content(content)
    while clean.startswith(b"\x1f\x8b"):
        clean = gzip.decompress(clean)
    assert clean == REFUSED


def test_what_is_compressed_within_a_text_is_looked_into() -> None:
    hidden = b64(gzip.compress(f"saw {PLAIN}".encode(), mtime=0))
    assert knowing(PLAIN).text(f"release: {hidden}!") == f"release: {REDACTED}!"
    assert knowing(PLAIN).text(f"release: {b64(hidden)}!") == f"release: {REDACTED}!"
    harmless = f"release: {b64(gzip.compress(b'saw nothing', mtime=0))}!"
    assert knowing(PLAIN).text(harmless) == harmless


def test_utf_16_is_read_by_what_it_looks_like_too() -> None:
    content = f"password: {PLAIN}\nuser: me".encode("utf-16")
    assert Redactor().content(content).decode("utf-16") == f"password: {REDACTED}\nuser: me"


def test_the_environment_teaches() -> None:
    environ = {
        "GITHUB_TOKEN": "tok-11111111",
        "DB_PASSWORD": "pw-22222222",
        "MY_APIKEY": "key-3333333",
        "SENTRY_DSN": "dsn-4444444",
        "PGPASSWORD": "pg-55555555",
        "HTTPS_PROXY": "http://me:proxy-6666666@proxy:3128",
        "UV_INDEX_URL": "https://me:index-7777777@index.example/simple",
        "CONFIG": '{"client_secret": "json-88888888"}',
        "ENCODED_SECRET": b64("inner-99999999"),
    }
    secrets = ["tok-1", "pw-2", "key-3", "dsn-4", "pg-5", "proxy-6", "index-7", "json-8", "inner-9"]
    text = Redactor.for_run(environ).text(" ".join([*environ.values(), "and inner-99999999"]))
    assert [secret for secret in secrets if secret in text] == []
    plain = {
        "PWD": "/root/work",
        "HOME": "/root",
        "SSH_AUTH_SOCK": "/run/agent.1",
        "KEYBOARD": "dvorak-layout",
        "SHLVL": "2",
    }
    sentence = " ".join(plain.values())
    assert Redactor.for_run(plain).text(sentence) == sentence


def test_the_configuration_of_pip_teaches(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://me:index-7777777@index.example/simple\n")
    redactor = Redactor.for_run({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    assert redactor.text(b64("me:index-7777777")) != b64("me:index-7777777")


def kubeconfig(folder: Path) -> tuple[Path, list[str]]:
    """A kubeconfig, and all that is secret in it."""
    secrets = [f"kubeCanary{number}w{'xyz'[number % 3]}Q7" for number in range(10)]
    (folder / "token").write_text(secrets[0])
    users = [
        {"name": "a", "user": {"tokenFile": "token", "token": secrets[1]}},
        {"name": "b", "user": {"username": "me", "password": secrets[2]}},
        {"name": "c", "user": {"client-key-data": b64(PRIVATE_KEY), "client-certificate-data": b64(CERTIFICATE)}},
        {
            "name": "d",
            "user": {
                "exec": {
                    "command": "login",
                    "args": ["--region=eu", f"--token={secrets[3]}"],
                    "env": [{"name": "LOGIN_SECRET", "value": secrets[4]}, {"name": "LANG", "value": "de_DE.UTF-8"}],
                }
            },
        },
        {
            "name": "e",
            "user": {
                "auth-provider": {
                    "name": "oidc",
                    "config": {"id-token": secrets[5], "refresh-token": secrets[6], "client-secret": secrets[7]},
                }
            },
        },
    ]
    clusters = [
        {"name": "a", "cluster": {"server": "https://a.example", "proxy-url": f"http://me:{secrets[8]}@proxy:3128"}}
    ]
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "clusters": clusters, "users": users}))
    return file, [*secrets[:9], PEM_BODY.splitlines()[2]]


def test_a_kubeconfig_teaches(tmp_path: Path) -> None:
    file, secrets = kubeconfig(tmp_path)
    redactor = Redactor.for_run({}, file)
    for secret in secrets:
        for encode in (str, b64, lambda value: value.encode().hex()):
            assert secret not in seen(redactor.text(encode(f"saw {secret} there")).encode())
    text = f"me a.example login --region=eu de_DE.UTF-8 {CERTIFICATE}"
    assert redactor.text(text) == text


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"a: [", b"- 1", b"users: 3"])
def test_a_kubeconfig_that_cannot_be_read_teaches_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "config").write_bytes(content)
    assert Redactor.for_run({}, tmp_path / "config").text("a text") == "a text"


def test_a_long_log_is_looked_through_in_no_time() -> None:
    line = '2031-05-04T03:02:01Z {"level":"info","msg":"GET /orders/8123","status":200,"trace":"4bf92f3577b34da6a3"}\n'
    log = (line * (10_000_000 // len(line))).encode()
    redactor = knowing(SECRET, PRIVATE_KEY, *(f"{PLAIN}-{number}" for number in range(30)))
    best = min(timed(lambda: redactor.content(log)) for _ in range(2))
    assert best < 5, f"10 MB took {best:.1f} s"


def test_a_short_text_is_looked_through_in_no_time() -> None:
    redactor = knowing(SECRET, PRIVATE_KEY, *(f"{PLAIN}-{number}" for number in range(30)))
    took = min(timed(lambda: [redactor.text(f"it makes {number} knots") for number in range(1000)]) for _ in range(3))
    assert took / 1000 < 0.0005


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


# Canaries ----------------------------------------------------------------------------------------------------------


def canaries() -> dict[str, str]:
    """Secrets, each by where it is planted."""
    drawn = random.Random(20310504)  # noqa: S311 (the same each time)

    def letters(count: int) -> str:
        return "".join(drawn.choices(string.ascii_letters + string.digits, k=count))

    known = {f"known, as {name}": f"cnry{letters(12)}7" for name in ENCODINGS}
    shaped = {f"unknown {number}": f"cnry{letters(20)}7" for number in range(14)}
    return known | shaped


SPILL = """
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from seatrial import witness
from pytest_bdd import parsers, when

THINGS = json.loads(Path(__file__).with_name("things.json").read_text())


@when("everything is spilled")
def spilled():
    for number, thing in enumerate(THINGS):
        match number % 4:
            case 0:
                witness.tell_document(f"document {thing}", f"before\\n{thing}\\nafter")
            case 1:
                witness.tell_command(["program", thing, f"--flag={thing}"], 1, timedelta(0))
            case 2:
                witness.tell_document("list", json.dumps({"items": [thing]}))
    everything = "\\n".join(THINGS)
    raise RuntimeError("first line: " + " | ".join(THINGS) + "\\n" + everything)


@when(parsers.parse("the word is {word}"))
def the_word(word):
    held = {"word": word}
    assert not held, f"it should not be {word}"
"""


def spilled(canary: str, where: str) -> str:
    """*canary* as it gets into the evidence."""
    if where.startswith("known"):
        return ENCODINGS[where.removeprefix("known, as ")](canary)
    number = int(where.removeprefix("unknown "))
    return (
        f"Authorization: Bearer {canary}",
        f"https://me:{canary}@host.example/a",
        f"Cookie: session={canary}",
        f"X-Api-Key: {canary}",
        f"https://a.example/a?sig={canary}",
        f"password: {canary}",
        json.dumps({"password": canary}),
        f"DB_PASSWORD={canary}",
        f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIi{canary}.{canary}",
        f"-----BEGIN PRIVATE KEY-----\n{canary}{canary}\n-----END PRIVATE KEY-----",
        f"- name: API_TOKEN\n  value: {canary}",
        json.dumps({"terraform_version": "1", "outputs": {"a": {"value": canary, "sensitive": True}}}),
        f"apiVersion: v1\nkind: Secret\nstringData:\n  word: {canary}\n",
        f"mysql --password {canary} db",
    )[number]


def leaked(directory: Path, secrets: dict[str, str]) -> set[str]:
    """Where the secrets were planted that stand in any file of *directory*, or in its name."""
    found: set[str] = set()
    for file in [file for file in directory.rglob("*") if file.is_file()]:
        readable = seen(file.read_bytes()) + str(file.relative_to(directory))
        found |= {where for where, secret in secrets.items() if secret in readable or secret.lower() in file.name}
    return found


@pytest.fixture
def spilling(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A project whose steps tell all they know; its secrets, by where they are planted."""
    planted = canaries()
    file, of_kubeconfig = kubeconfig(yard.path)
    things = [spilled(canary, where) for where, canary in planted.items()]
    things += [f"kubeconfig {secret}" for secret in of_kubeconfig]
    (yard.path / "things.json").write_text(json.dumps(things))
    for number, (where, canary) in enumerate(planted.items()):
        if where.startswith("known"):
            if number % 3:
                monkeypatch.setenv(f"CANARY_{number}_{('TOKEN', 'PASSWORD', 'DSN')[number % 3]}", canary)
            else:
                monkeypatch.setenv(f"CANARY_{number}", f"https://me:{canary}@host.example/")
    in_row = "cnryInARowOfExamples77"
    in_name = "cnryInANameOfAStep88"
    monkeypatch.setenv("ROW_SECRET", in_row)
    monkeypatch.setenv("NAME_SECRET", in_name)
    conftest = CONFTEST.replace('Path("/nonexistent")', repr(file).replace("PosixPath", "Path")) + SPILL
    yard.pytester.makeconftest(conftest)
    yard.write(
        f"Feature: Spilling {in_name}\n"
        f"  Scenario: Everything\n    When everything is spilled\n    Then it makes 12 knots\n"
        f"  Scenario Outline: Words\n    When the word is <word>\n    Then it makes 12 knots\n"
        f"    Examples:\n      | word |\n      | {in_row} |\n"
    )
    of_files = {f"kubeconfig {number}": secret for number, secret in enumerate(of_kubeconfig)}
    return planted | of_files | {"a row of examples": in_row, "a name": in_name}


def test_no_canary_is_found_in_a_run_directory(yard: Yard, spilling: dict[str, str]) -> None:
    assert len(spilling) >= 50
    done = yard.run("--features", "features", "--showlocals", f"--junitxml={yard.path / 'x.xml'}")
    assert done.returncode == 1
    record = load_run(yard.latest)
    assert [scenario.verdict for scenario in record.scenarios] == ["error", "failed"]
    assert leaked(yard.latest, spilling) == set()
    # What is no secret is still there.
    assert len(list(yard.latest.rglob("*.txt"))) > len(spilling) // 4
    assert "first line: " in (record.scenarios[0].reason or "")
    assert REDACTED in (yard.latest / "events.jsonl").read_text()
    assert "cnryInARowOfExamples77" not in done.stdout.partition("short test summary")[0]


def test_each_canary_is_found_when_nothing_is_redacted(
    yard: Yard, spilling: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Redactor, "text", lambda _, text: text)
    monkeypatch.setattr(Redactor, "content", lambda _, content: content)
    monkeypatch.setattr(Redactor, "data", lambda _, data, **__: data)
    yard.run("--features", "features", "--showlocals")
    assert leaked(yard.latest, spilling) == spilling.keys()


def test_what_the_library_tells_keeps_no_canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Straight through a recording: logs of pods, compressed files, file names, raw records, set-up and clean-up."""
    step = SimpleNamespace(keyword="When", name="it sails", line_number=4)
    described = {"feature": "F", "file": "f", "rule": None, "name": f"Log in as {PLAIN}", "line": 3, "test": "one"}
    monkeypatch.setattr(
        "seatrial.evidence.recording._described", lambda *_: {**described, "tags": [PLAIN], "requirements": []}
    )
    item = cast("pytest.Item", SimpleNamespace(nodeid="one"))
    directory = RunDirectory.create(tmp_path, load_time())
    recording = Recording.start(
        directory,
        Target(f"cluster {PLAIN}", TruthLabel.EMBEDDED, Path("k"), None, None, None),
        [item],
        [],
        tmp_path,
        environment={"command line": f"pytest --x={PLAIN}", "API_TOKEN": "x"},
        redactor=knowing(PLAIN),
    )
    recording.begin(item)
    recording.phase(item, "setup", None, "", lambda _: ())
    recording.begin_steps(item, SimpleNamespace(steps=[step]))  # type: ignore[arg-type]
    recording.begin_step(item, SimpleNamespace(steps=[step]), step)  # type: ignore[arg-type]
    raw = tmp_path / f"{PLAIN}.jsonl"
    raw.write_text(json.dumps({"error": f"https://a:{PLAIN}@b"}))

    def collect(folder: Path) -> list[Path]:
        (folder / "logs").mkdir()
        made = [folder / "logs" / f"{PLAIN}.log", folder / "dump.json.gz", folder / "dump.zip"]
        made[0].write_text(f"2031-05-04 saw {PLAIN}")
        made[1].write_bytes(gzip.compress(PLAIN.encode()))
        made[2].write_bytes(packed_zip(b64(PLAIN).encode()))
        return made

    with witness.listening(recording):
        witness.tell_command(["login", f"{PLAIN}x", b64(PLAIN)], None, timedelta(0))
        witness.tell_judged(witness.Judged("success", None, 0.5, 1.0, 2, met=True, record=raw))
        witness.tell_document(f"title {PLAIN}", ENCODINGS["YAML folded"](PLAIN))
        witness.tell_secret("toldCanary99")
        witness.tell_document("title", "toldCanary99")
    recording.phase(item, "call", RuntimeError(f"saw {PLAIN}"), f"trace of {PLAIN}", collect)
    recording.phase(item, "teardown", RuntimeError(f"left {PLAIN} behind"), f"trace of {PLAIN}", lambda _: ())
    recording.finish(item)
    recording.end()
    assert leaked(directory.path, {"known": PLAIN, "told": "toldCanary99"}) == set()
    kept = load_run(directory.path).scenarios[0].artefacts
    assert len(kept) == 8
    for artefact in kept:
        content = (directory.path / artefact.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == artefact.sha256


def load_time() -> datetime:
    return datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
