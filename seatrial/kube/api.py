"""The Kubernetes API as documents: get, list, watch, create, apply, patch, delete."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import urllib3
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from seatrial.kube.document import Document, JsonObject, Kind
from seatrial.witness import tell_document, tell_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FIELD_MANAGER = "seatrial"
_ANSWER_WITHIN = timedelta(seconds=30)
_CONNECT_WITHIN = timedelta(seconds=5)
_NOWHERE = "/dev/null/none"
_GONE = 410
_NOT_FOUND = 404
_LONGEST_WATCH = timedelta(minutes=4)
_NO_SECRETS = frozenset(
    {"ca.crt", "database", "dbname", "expirationTimestamp", "host", "namespace", "port", "tls.crt", "user", "username"}
)


class Refused(Exception):
    """The API answered no.

    *status* is the HTTP status, *reason* Kubernetes' own word (such as Forbidden), *message* the sentence.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        super().__init__(f"{status} {reason}: {message}")


class Absent(Refused):
    """What was asked for does not exist (404)."""


class Expired(Exception):
    """The version that a watch wanted to go on from is no longer kept (410): list again."""


class Interrupted(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Selection:
    """Which objects of a kind: in one namespace or in all, by label and field selectors as kubectl writes them."""

    kind: Kind
    namespace: str | None = None
    labels: str | None = None
    fields: str | None = None

    @classmethod
    def one(cls, kind: Kind, name: str, namespace: str | None = None) -> Selection:
        """Select the one object called *name*."""
        return cls(kind, namespace, fields=f"metadata.name={name}")

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        which = " ".join(part for part in (self.labels, self.fields) if part)
        return f"{self.kind}{where} {which}".strip()


@dataclass(frozen=True)
class Listing:
    """The objects of a selection at one *version* of the cluster's state."""

    items: tuple[Document, ...]
    version: str


@dataclass(frozen=True)
class Event:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, and the object."""

    type: str
    object: Document


class Lists(Protocol):
    """What can be listed and watched."""

    def list(self, selection: Selection, *, within: timedelta = ...) -> Listing:
        """Return what the selection holds now."""

    def watch(self, selection: Selection, *, since: str, within: timedelta) -> Iterator[Event]:
        """Yield changes after the version *since*."""


def settings_from(kubeconfig: Path, context: str | None) -> client.Configuration:
    """Read connection settings from *kubeconfig*, without touching the client library's global ones."""
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), context=context, client_configuration=settings)
    for value in (settings.password, *settings.api_key.values()):
        # A plug-in may have fetched it just now.
        tell_secret(str(value or "").removeprefix("Bearer "))
    return settings


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        raise _refusal(error.status or 0, error.reason or "", error.body) from error
    except ResourceNotFoundError as error:
        raise Absent(_NOT_FOUND, "NotFound", f"the cluster does not know this kind: {error}") from error
    except urllib3.exceptions.HTTPError as error:
        raise Interrupted(str(error)) from error


def _refusal(status: int, reason: str, body: str | bytes | None) -> Exception:
    try:
        said = json.loads(body or "{}")
    except ValueError:
        said = {}
    said = Document(said if isinstance(said, dict) else {})
    kind = Absent if status == _NOT_FOUND else Refused
    if status == _GONE:
        return Expired(said.text("message"))
    return kind(status, said.text("reason") or reason, said.text("message") or str(body or ""))


@dataclass(frozen=True)
class Api:
    """A connection of its own to one cluster.

    Each method raises Refused (Absent for 404) when the API says no and Interrupted when the connection breaks.
    """

    settings: client.Configuration
    _dynamic: DynamicClient = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The library would share its discovery cache through a file in the temporary directory, keyed by the address
        # alone: another cluster at the same address would be read through it. A path that can never exist avoids that.
        with _translated():
            dynamic = DynamicClient(client.ApiClient(self.settings), cache_file=_NOWHERE)
        object.__setattr__(self, "_dynamic", dynamic)

    def close(self) -> None:
        """Close all connections."""
        self._dynamic.client.close()

    def acting_with(self, token: str) -> Api:
        """Return a connection to the same cluster that identifies itself by the bearer *token* alone."""
        tell_secret(token)
        other = client.Configuration()
        other.host = self.settings.host
        other.ssl_ca_cert = self.settings.ssl_ca_cert
        other.ca_cert_data = self.settings.ca_cert_data
        other.verify_ssl = self.settings.verify_ssl
        other.tls_server_name = self.settings.tls_server_name
        other.proxy = self.settings.proxy
        other.no_proxy = self.settings.no_proxy
        other.api_key = {"authorization": f"Bearer {token}"}
        return Api(other)

    def path(self, kind: Kind, name: str | None = None, namespace: str | None = None) -> str:
        """Return the URL path of a kind's collection, or of the one object called *name*.

        Raises Absent for an unknown kind.
        """
        group, _, version = kind.version.rpartition("/")
        with _translated():
            if group:
                resource = self._dynamic.resources.get(prefix="apis", group=group, api_version=version, kind=kind.name)
            else:
                resource = self._dynamic.resources.get(prefix="api", api_version=version, kind=kind.name)
            return str(resource.path(name=name, namespace=namespace if resource.namespaced else None))

    def request(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        within: timedelta = _ANSWER_WITHIN,
    ) -> str:
        """Send one request, return the body of the answer as text."""
        with _translated():
            answer = self._dynamic.request(
                method,
                path,
                body=body,
                query_params=list((query or {}).items()),
                content_type=content_type,
                header_params={"Accept": "application/json, */*"},
                serialize=False,
                _request_timeout=(_CONNECT_WITHIN.total_seconds(), within.total_seconds()),
            )
            data: bytes = answer.data
        return data.decode(errors="replace")

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        within: timedelta = _ANSWER_WITHIN,
    ) -> Document:
        """Send one request, return the object it was answered with."""
        answer = Document(
            json.loads(self.request(method, path, body=body, query=query, content_type=content_type, within=within))
        )
        _tell_secrets(answer.raw)
        return answer

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Document:
        """Return the object as it is now. Raises Absent."""
        return self.ask("GET", self.path(kind, name, namespace))

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Document | None:
        """Return the object as it is now, None when there is none."""
        try:
            return self.get(kind, name, namespace)
        except Absent:
            return None

    def list(self, selection: Selection, *, within: timedelta = _ANSWER_WITHIN) -> Listing:
        """Return what *selection* holds now."""
        answer = self.ask(
            "GET", self.path(selection.kind, namespace=selection.namespace), query=_query(selection), within=within
        )
        # The items of a list do not repeat what they are.
        own = {"apiVersion": selection.kind.version, "kind": selection.kind.name}
        return Listing(tuple(Document({**own, **item.raw}) for item in answer.documents("items")), answer.version)

    def watch(self, selection: Selection, *, since: str, within: timedelta) -> Iterator[Event]:
        """Yield the changes of *selection* after the version *since* as they happen.

        Ends when the server ends it or *within* has passed.

        Raises Expired when *since* is too old.
        """
        deadline = time.monotonic() + within.total_seconds()
        length = min(within, _LONGEST_WATCH)
        query = {
            **_query(selection),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(int(length.total_seconds()) + 1),
        }
        with _translated():
            answer: urllib3.HTTPResponse = self._dynamic.request(
                "GET",
                self.path(selection.kind, namespace=selection.namespace),
                query_params=list(query.items()),
                serialize=False,
                _request_timeout=(min(_CONNECT_WITHIN, within).total_seconds(), length.total_seconds()),
            )
            try:
                for line in _lines(answer, deadline):
                    yield _event(line)
            except urllib3.exceptions.ReadTimeoutError:
                return
            finally:
                # Not given back to the pool: the rest of the stream would be read by the next request.
                answer.close()

    def create(self, document: JsonObject) -> Document:
        """Create the object that *document* describes."""
        wanted = Document(document)
        _tell("created", document)
        return self.ask(
            "POST",
            self.path(wanted.kind, namespace=wanted.namespace),
            body=document,
            query={"fieldManager": FIELD_MANAGER},
        )

    def apply(self, document: JsonObject) -> Document:
        """Make the object be as *document* says, by server-side apply; take over fields that others had set."""
        wanted = Document(document)
        _tell("applied", document)
        return self.ask(
            "PATCH",
            self.path(wanted.kind, wanted.name, wanted.namespace),
            body=document,
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            content_type="application/apply-patch+yaml",
        )

    def merge(
        self, kind: Kind, name: str, namespace: str | None, change: JsonObject, *, part: str | None = None
    ) -> Document:
        """Merge *change* into the object (RFC 7386), or into its subresource *part*."""
        path = self.path(kind, name, namespace) + (f"/{part}" if part else "")
        return self.ask("PATCH", path, body=change, content_type="application/merge-patch+json")

    def delete(self, kind: Kind, name: str, namespace: str | None = None, *, grace: timedelta | None = None) -> None:
        """Ask for the deletion of the object and of what it owns; what is absent already is fine.

        *grace* is the time its processes get to stop; zero means none, and not waiting for the node's word.
        """
        options: dict[str, object] = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace.total_seconds())
        try:
            self.request("DELETE", self.path(kind, name, namespace), body=options)
        except Absent:
            return


def _tell(verb: str, document: JsonObject) -> None:
    """Tell of an object that is sent to the API, of a Secret without its values."""
    wanted = Document(document)
    shown = dict(document)
    if wanted.text("kind") == "Secret":
        _tell_secrets(document)
        for part in ("data", "stringData"):
            shown.pop(part, None)
    name = "/".join(part for part in (wanted.namespace, wanted.name or "unnamed") if part)
    tell_document(f"{verb} {wanted.text('kind')} {name}", json.dumps(shown, indent=2, ensure_ascii=False))


def _tell_secrets(document: Mapping[str, object]) -> None:
    """Tell of what is secret in an object of the API: the values of Secrets, the token of a TokenRequest."""
    found = Document(document)
    for item in found.documents("items") if found.text("kind") == "SecretList" else (found,):
        if item is found and found.text("kind") not in ("Secret", "TokenRequest"):
            continue
        for part in ("data", "stringData", "status"):
            values = item.at(part)
            for name, value in values.items() if isinstance(values, dict) else ():
                # A user's or a database's name stands in much that is worth keeping, and is no secret.
                if name not in _NO_SECRETS and isinstance(value, str):
                    tell_secret(value)
                    with suppress(ValueError):
                        tell_secret(base64.b64decode(value, validate=True).decode())


def _query(selection: Selection) -> dict[str, str]:
    wanted = {"labelSelector": selection.labels, "fieldSelector": selection.fields}
    return {key: value for key, value in wanted.items() if value}


def _lines(answer: urllib3.HTTPResponse, deadline: float) -> Iterator[bytes]:
    pending = b""
    for chunk in answer.stream(amt=None, decode_content=True):
        *lines, pending = (pending + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        sock = getattr(answer.connection, "sock", None)
        if sock is not None:
            sock.settimeout(remaining)


def _event(line: bytes) -> Event:
    said = Document(json.loads(line))
    body = said.at("object")
    document = Document(body if isinstance(body, dict) else {})
    if said.text("type") == "ERROR":
        if document.number("code") == _GONE:
            raise Expired(document.text("message"))
        raise Refused(document.number("code"), document.text("reason"), document.text("message"))
    return Event(said.text("type"), document)
