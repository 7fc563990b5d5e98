"""Manifests: rendered by kustomize, images filled in, applied in an order that the cluster can take."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from seatrial.errors import UsageError
from seatrial.kube import kinds
from seatrial.kube.api import Absent, Refused, Selection
from seatrial.kube.document import Document, Kind
from seatrial.kube.watching import watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from seatrial.kube.api import Api
    from seatrial.kube.document import JsonObject

IMAGE_PREFIX = "seatrial/"
PART_OF = "app.kubernetes.io/part-of"
_UNPROCESSABLE = 422
_FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount", "Role", "ClusterRole", "RoleBinding",
          "ClusterRoleBinding", "NetworkPolicy", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service")  # fmt: skip
_LAST = ("Job", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget")


@dataclass(frozen=True)
class Manifests:
    """The objects that a deployment consists of."""

    documents: tuple[Document, ...]

    @classmethod
    def render(cls, overlay: Path, kubectl: Path | None = None) -> Manifests:
        """Build the kustomization in the folder *overlay* with *kubectl* (the one on the path if None).

        Raises UsageError, with kustomize's own words, when it cannot be built.
        """
        program = kubectl or _kubectl()
        built = subprocess.run([str(program), "kustomize", str(overlay)], capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise UsageError(f"The kustomization {overlay} cannot be built: {' '.join(built.stderr.split())}")
        return cls.parse(built.stdout)

    @classmethod
    def parse(cls, text: str) -> Manifests:
        """Read YAML documents; empty ones are left out."""
        return cls(tuple(Document(item) for item in yaml.safe_load_all(text) if isinstance(item, dict)))

    @property
    def images(self) -> tuple[str, ...]:
        """The bare names (without ``seatrial/``) of the images that stand for this project's own, each once, sorted."""
        named = {name for document in self.documents for name in _images(document.raw)}
        return tuple(sorted(name.removeprefix(IMAGE_PREFIX) for name in named if name.startswith(IMAGE_PREFIX)))

    def with_images(self, references: Mapping[str, str]) -> Manifests:
        """Put the full reference from *references* in the place of each ``seatrial/<name>``.

        Raises UsageError for a name that *references* lacks.
        """
        return Manifests(tuple(Document(_with_images(document.raw, references)) for document in self.documents))

    def only(self, *names: str) -> Manifests:
        """Keep the objects of the kinds called *names*."""
        return Manifests(tuple(document for document in self.documents if document.kind.name in names))

    def without(self, *names: str) -> Manifests:
        """Leave out the objects of the kinds called *names*."""
        return Manifests(tuple(document for document in self.documents if document.kind.name not in names))

    @property
    def ordered(self) -> tuple[Document, ...]:
        """In an order in which each can be made: namespaces and definitions first, what acts on others last."""
        return tuple(sorted(self.documents, key=_rank))

    def apply(self, api: Api, *, within: timedelta) -> None:
        """Make the cluster hold these objects, by server-side apply; what holds already stays as it is.

        A definition is waited for before objects of its kind follow. A Job cannot be changed: one that differs is
        replaced. The replica count of what an autoscaler looks after is left to the autoscaler. Raises Refused,
        NotObserved.
        """
        scaled = self._scaled()
        for document in self.ordered:
            wanted = document.raw
            if (document.kind.name, document.name) in scaled and api.find(
                document.kind, document.name, document.namespace
            ):
                wanted = _without_replicas(wanted)
            _apply(api, wanted, within)

    def delete(self, api: Api, *, within: timedelta) -> None:
        """Remove these objects, in the opposite order, and return once all are gone. Raises NotObserved."""
        for document in reversed(self.ordered):
            api.delete(document.kind, document.name, document.namespace)
        for document in reversed(self.ordered):
            _wait_gone(api, document, within)

    def prune(self, api: Api, namespace: str, part_of: str, among: Iterable[Kind]) -> tuple[str, ...]:
        """Delete what an earlier version had and this one has not; return what that was, as kind/name.

        Looks at objects of the kinds *among* in *namespace* that carry ``app.kubernetes.io/part-of: <part_of>`` and
        that nothing else owns.
        """
        kept = {(document.kind.name, document.name) for document in self.documents}
        gone = []
        for kind in among:
            for found in api.list(Selection(kind, namespace, labels=f"{PART_OF}={part_of}")).items:
                if (kind.name, found.name) not in kept and not found.documents("metadata.ownerReferences"):
                    api.delete(kind, found.name, namespace)
                    gone.append(f"{kind.name}/{found.name}")
        return tuple(gone)

    def _scaled(self) -> set[tuple[str, str]]:
        target = "spec.scaleTargetRef"
        return {
            (document.text(f"{target}.kind"), document.text(f"{target}.name"))
            for document in self.documents
            if document.kind.name == "HorizontalPodAutoscaler"
        }


def _kubectl() -> Path:
    found = shutil.which("kubectl")
    if found is None:
        raise UsageError(
            "kubectl is not on the path: install it, or build it with `seatrial toolchain build kubernetes`."
        )
    return Path(found)


def _rank(document: Document) -> int:
    name = document.kind.name
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + (1 + _LAST.index(name) if name in _LAST else 0)


def _images(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["image"]] if isinstance(value.get("image"), str) else []
        return own + [name for item in value.values() for name in _images(item)]
    return [name for item in value for name in _images(item)] if isinstance(value, list) else []


def _with_images(raw: JsonObject, references: Mapping[str, str]) -> JsonObject:
    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {key: reference(item) if key == "image" else filled(item) for key, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, list) else value

    def reference(value: object) -> object:
        if not isinstance(value, str) or not value.startswith(IMAGE_PREFIX):
            return filled(value)
        name = value.removeprefix(IMAGE_PREFIX)
        if name not in references:
            raise UsageError(f"The manifests name the image {value}, and no such image was built: give it a recipe.")
        return references[name]

    return {key: filled(item) for key, item in raw.items()}


def _without_replicas(raw: JsonObject) -> JsonObject:
    spec = raw.get("spec")
    if not isinstance(spec, dict):
        return raw
    return {**raw, "spec": {key: value for key, value in spec.items() if key != "replicas"}}


def _apply(api: Api, wanted: JsonObject, within: timedelta) -> None:
    document = Document(wanted)
    try:
        api.apply(wanted)
    except Refused as error:
        if document.kind != kinds.JOB or error.status != _UNPROCESSABLE:
            raise
        api.delete(document.kind, document.name, document.namespace)
        _wait_gone(api, document, within)
        api.apply(wanted)
    if document.kind == kinds.DEFINITION:
        watched(
            api,
            Selection.one(kinds.DEFINITION, document.name),
            until=lambda objects: bool(objects) and objects[0].condition("Established"),
            within=within,
            what=f"the definition {document.name} is established",
        )


def _wait_gone(api: Api, document: Document, within: timedelta) -> None:
    def gone(objects: Sequence[Document]) -> bool:
        return not objects

    try:
        watched(
            api,
            Selection.one(document.kind, document.name, document.namespace),
            until=gone,
            within=within,
            what=f"{document} is gone",
        )
    except Absent:
        # Its very kind is gone, with the definition.
        return
