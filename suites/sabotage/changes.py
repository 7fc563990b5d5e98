"""The few verbs of which changes to the manifests are made; one that finds nothing to change is refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from seatrial.kube.document import Document
from seatrial.kube.manifests import PART_OF, Manifests

if TYPE_CHECKING:
    from pathlib import Path

    from suites.sabotage.declaration import Change

# Works on an object of the API, as JSON, in place.
Edit = Callable[[dict[str, Any]], None]

_MARK = "seatrial.dev/sabotage"
_FOLDER = "/srv/sabotage"
# Loaded by Python before the service. What cannot be planted ends the process: it must not run soundly instead.
_PLANTING = """\
import os
import traceback

try:
    import planted

    planted.BUGS[{bug!r}]()
except BaseException:
    traceback.print_exc()
    os._exit(70)
"""


def all_of(*changes: Change) -> Change:
    """Make *changes* one after the other."""

    def change(manifests: Manifests) -> Manifests:
        for each in changes:
            manifests = each(manifests)
        return manifests

    return change


def without(kind: str, name: str | None = None) -> Change:
    """Leave out the object *name* of that *kind*, or all of the kind."""

    def change(manifests: Manifests) -> Manifests:
        _require(manifests, kind, name)
        return Manifests(tuple(one for one in manifests.documents if not _is(one, kind, name)))

    return change


def edited(kind: str, name: str, edit: Edit) -> Change:
    """Do *edit* to the object *name* of that *kind*; a name that ends with a dash stands for one that goes on."""

    def change(manifests: Manifests) -> Manifests:
        _require(manifests, kind, name)
        return Manifests(tuple(_edited(one, edit) if _is(one, kind, name) else one for one in manifests.documents))

    return change


def added(*objects: dict[str, Any]) -> Change:
    """Deploy *objects* too, in the namespace of the others; by their label the next deployment removes them."""

    def change(manifests: Manifests) -> Manifests:
        namespace = next(one.namespace for one in manifests.documents if one.namespace)
        more = []
        for each in objects:
            raw = deepcopy(each)
            labels = raw["metadata"].get("labels", {})
            raw["metadata"] |= {"namespace": namespace, "labels": {**labels, PART_OF: "seatrial"}}
            more.append(Document(raw))
        return Manifests((*manifests.documents, *more))

    return change


def pods_of(kind: str, name: str, edit: Edit) -> Change:
    """Do *edit* to the specification of the pods of a workload."""
    return edited(kind, name, lambda raw: edit(raw["spec"]["template"]["spec"]))


def told(service: str, *deployments: str, **values: str) -> Change:
    """Let the settings of *service* say *values*, and have the *deployments* that read them started anew."""
    settings = edited("ConfigMap", service, lambda raw: raw["data"].update(values))
    why = ".".join(f"{key}-{value}" for key, value in sorted(values.items()))
    return all_of(settings, *(started_anew(name, why) for name in deployments))


def started_anew(deployment: str, why: str) -> Change:
    """Have the pods of *deployment* replaced, for what they read only when they start; *why* is another each time."""

    def edit(raw: dict[str, Any]) -> None:
        raw["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})[_MARK] = why

    return edited("Deployment", deployment, edit)


def planted(kind: str, name: str, bugs: Path, bug: str) -> Change:
    """Run the workload with *bug* in it, one of the functions that the module *bugs* lists in ``BUGS``."""
    files = {"sitecustomize.py": _PLANTING.format(bug=bug), "planted.py": bugs.read_text(encoding="utf-8")}
    # Another bug has another name, so that the pods of the one before do not stay.
    label = f"sabotage-{name}-{bug.replace('_', '-')}"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": label}, "data": files}

    def edit(pods: dict[str, Any]) -> None:
        path = {"name": "PYTHONPATH", "value": f"{_FOLDER}:/srv/packages:/srv/service"}
        mount = {"name": "sabotage", "mountPath": _FOLDER, "readOnly": True}
        for container in pods["containers"]:
            container["env"] = [*container.get("env", ()), path]
            container["volumeMounts"] = [*container.get("volumeMounts", ()), mount]
        volume = {"name": "sabotage", "configMap": {"name": label}}
        pods["volumes"] = [*pods.get("volumes", ()), volume]

    return all_of(added(config), pods_of(kind, name, edit))


def _require(manifests: Manifests, kind: str, name: str | None) -> None:
    if not any(_is(one, kind, name) for one in manifests.documents):
        raise LookupError(f"nothing is sabotaged: the manifests hold no {kind} {name or ''}".rstrip())


def _is(document: Document, kind: str, name: str | None) -> bool:
    if document.kind.name != kind:
        return False
    return name is None or document.name == name or (name.endswith("-") and document.name.startswith(name))


def _edited(document: Document, edit: Edit) -> Document:
    raw = deepcopy(dict(document.raw))
    edit(raw)
    if raw == document.raw:
        raise LookupError(f"nothing is sabotaged: {document} was that way already")
    return Document(raw)
