"""Kubernetes objects as they come from the API, read by path with types that are checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonObject: TypeAlias = "Mapping[str, object]"

_STEP = re.compile(r"[^.\[\]]+|\[[^\]]+\]")


@dataclass(frozen=True)
class Kind:
    """An API version and a kind, such as ``apps/v1`` and ``Deployment``."""

    version: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Document:
    """One JSON object of the API.

    Paths are written with dots; a key that itself holds dots stands in brackets, as in
    ``metadata.labels[app.kubernetes.io/name]``. What is absent reads as an empty value, as in the API's own
    conventions.
    """

    raw: JsonObject

    def at(self, path: str) -> object:
        """Return what lies at *path*, None where nothing does."""
        value: object = self.raw
        for step in _STEP.findall(path):
            if not isinstance(value, dict):
                return None
            value = value.get(step.strip("[]"))
        return value

    def text(self, path: str) -> str:
        """Return the string (or number, written out) at *path*; empty when absent."""
        value = self.at(path)
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def number(self, path: str) -> int:
        """Return the whole number at *path*; 0 when absent."""
        value = self.at(path)
        return value if isinstance(value, int) else 0

    def flag(self, path: str) -> bool:
        """Return whether true lies at *path*."""
        return self.at(path) is True

    def documents(self, path: str) -> tuple[Document, ...]:
        """Return the objects of the list at *path*; empty when absent."""
        value = self.at(path)
        return tuple(Document(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()

    def texts(self, path: str) -> Mapping[str, str]:
        """Return the string mapping at *path*, such as labels; empty when absent."""
        value = self.at(path)
        return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else {}

    @property
    def kind(self) -> Kind:
        """Its API version and kind."""
        return Kind(self.text("apiVersion"), self.text("kind"))

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.text("metadata.name")

    @property
    def namespace(self) -> str | None:
        """``metadata.namespace``; None for what belongs to the whole cluster."""
        return self.text("metadata.namespace") or None

    @property
    def uid(self) -> str:
        """The identity that no other object ever has, also not one of the same name."""
        return self.text("metadata.uid")

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``."""
        return self.texts("metadata.labels")

    @property
    def annotations(self) -> Mapping[str, str]:
        """``metadata.annotations``."""
        return self.texts("metadata.annotations")

    @property
    def version(self) -> str:
        """``metadata.resourceVersion``: of the object, or of the list when this is a list."""
        return self.text("metadata.resourceVersion")

    def condition(self, name: str) -> bool:
        """Return whether the status condition *name* is true."""
        conditions = self.documents("status.conditions")
        return any(item.text("type") == name and item.text("status") == "True" for item in conditions)

    def moment(self, path: str) -> datetime | None:
        """Return the time at *path*, None when absent."""
        text = self.text(path)
        return datetime.fromisoformat(text) if text else None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
