"""Keys to AWS that last, looked for in all that the API gives to pods: their environment, their files, and all secrets.

A key that lasts is called AKIA and more, or stands in the variables or the files that the tools of AWS read keys from:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html and
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html. What a pod was lent for its service
account's token is not one: it is in the memory of its processes alone, and ends by itself.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seatrial.kube import kinds
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seatrial.kube.document import Document
    from seatrial.kube.namespace import Namespace

_KEY: Final = re.compile(r"(?i:aws_(secret_)?access_key(_id)?)|\bAKIA[A-Z2-7]{16}\b")
_SOURCES = ("secret", "configMap")


@dataclass(frozen=True)
class Searched:
    """What was found in how many pods; *keys* says where each key lies, and never what it is."""

    pods: int
    keys: tuple[str, ...]


def search(namespace: Namespace) -> Searched:
    """Look through the pods and the secrets of *namespace*; raises Inconclusive where there is no pod."""
    pods = namespace.pods()
    if not pods:
        raise Inconclusive(f"{namespace.name} has no pod that could be looked into", Missing.SAMPLE)
    documents = [pod.document for pod in pods]
    keys = keys_among(documents, namespace.objects(kinds.SECRET), namespace.objects(kinds.CONFIG_MAP))
    return Searched(len(pods), keys)


def keys_among(pods: Sequence[Document], secrets: Sequence[Document], maps: Sequence[Document]) -> tuple[str, ...]:
    """Return where keys lie: in what *pods* are given of *secrets* and *maps* or by themselves, and in both as such."""
    held = {
        "secret": {item.name: _decoded(item) for item in secrets},
        "configMap": {item.name: item.texts("data") for item in maps},
    }
    found = [where for pod in pods for where, text in _given(pod, held) if _KEY.search(text)]
    for kind, objects in held.items():
        for name, values in objects.items():
            found += [f"{kind} {name}: {key}" for key, text in values.items() if _KEY.search(f"{key}={text}")]
    return tuple(dict.fromkeys(found))


def _given(pod: Document, held: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield where each thing lies that *pod* is given, and the thing as ``name=value``."""
    for part in ("initContainers", "containers"):
        for container in pod.documents(f"spec.{part}"):
            where = f"pod {pod.name}, environment of {container.text('name')}"
            for name, text in _environment(container, held):
                yield f"{where}: {name}", f"{name}={text}"
    for volume in pod.documents("spec.volumes"):
        for kind, name in _files(volume):
            for key, text in held[kind].get(name, {}).items():
                yield f"pod {pod.name}, files from {kind} {name}: {key}", f"{key}={text}"


def _environment(container: Document, held: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Iterator[tuple[str, str]]:
    for entry in container.documents("env"):
        value = entry.text("value")
        for kind in _SOURCES:
            source = f"valueFrom.{kind}KeyRef"
            value = value or held[kind].get(entry.text(f"{source}.name"), {}).get(entry.text(f"{source}.key"), "")
        yield entry.text("name"), value
    for entry in container.documents("envFrom"):
        for kind in _SOURCES:
            for key, text in held[kind].get(entry.text(f"{kind}Ref.name"), {}).items():
                yield f"{entry.text('prefix')}{key}", text


def _files(volume: Document) -> Sequence[tuple[str, str]]:
    sources = (volume, *volume.documents("projected.sources"))
    named = [("secret", each.text("secret.secretName") or each.text("secret.name")) for each in sources]
    named += [("configMap", each.text("configMap.name")) for each in sources]
    return [(kind, name) for kind, name in named if name]


def _decoded(secret: Document) -> Mapping[str, str]:
    def plain(text: str) -> str:
        try:
            return base64.b64decode(text).decode(errors="replace")
        except binascii.Error:
            return text

    return {key: plain(text) for key, text in secret.texts("data").items()}
