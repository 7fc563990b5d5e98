"""How far an experiment may go: what it declares before it begins, and is held to while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

EXTENSION = "seatrial"


class BeyondLimits(UsageError):
    """An experiment was about to touch more than it declared."""


class Limits(BaseModel):
    """What an experiment declares in its extension *seatrial*.

    *namespaces* are those whose pods it may touch, *share* (above 0, at most 1) is how many of one workload's pods at
    most, over the whole experiment. *nodes* are those it may touch as a whole, or whose parts, *zones* those whose
    nodes it may touch all together. *lasting* is how many seconds a fault lasts at most, *deviation* how many seconds
    the steady state may be left in one go before all is undone at once, *every* how many seconds are between two looks
    at it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespaces: tuple[str, ...]
    share: Annotated[float, Field(gt=0, le=1)]
    nodes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    lasting: Annotated[float, Field(gt=0, le=600)] = 120
    deviation: Annotated[float, Field(ge=0, le=600)] = 0
    every: Annotated[float, Field(ge=0.1, le=60)] = 1

    @classmethod
    def of(cls, experiment: dict[str, object]) -> Limits:
        """Return those that *experiment* declares. Raises UsageError when it declares none, or none that hold."""
        extensions = experiment.get("extensions")
        for one in extensions if isinstance(extensions, list) else ():
            if isinstance(one, dict) and one.get("name") == EXTENSION:
                try:
                    return cls.model_validate({key: value for key, value in one.items() if key != "name"})
                except ValidationError as error:
                    first = error.errors()[0]
                    where = ".".join(map(str, first["loc"]))
                    raise UsageError(f"The limits of the experiment are not right: {where}: {first['msg']}.") from error
        raise UsageError(
            "The experiment declares no limits: add an extension named seatrial with namespaces and a share of pods."
        )

    def allow_namespace(self, namespace: str) -> None:
        """Raise BeyondLimits unless pods of *namespace* may be touched."""
        if namespace not in self.namespaces:
            declared = ", ".join(self.namespaces) or "none"
            raise BeyondLimits(
                f"The experiment would touch pods of the namespace {namespace}, but declares {declared}: "
                "declare it, or choose another."
            )

    def allow_node(self, node: str) -> None:
        """Raise BeyondLimits unless *node* may be touched."""
        if node not in self.nodes:
            declared = ", ".join(self.nodes) or "none"
            raise BeyondLimits(
                f"The experiment would touch the node {node}, but declares {declared}: declare it, or choose another."
            )

    def allow_zone(self, zone: str) -> None:
        """Raise BeyondLimits unless all nodes of *zone* may be touched together."""
        if zone not in self.zones:
            declared = ", ".join(self.zones) or "none"
            raise BeyondLimits(
                f"The experiment would touch the zone {zone}, but declares {declared}: declare it, or choose another."
            )

    @property
    def longest(self) -> timedelta:
        """How long a fault lasts at most."""
        return timedelta(seconds=self.lasting)


@dataclass
class Touched:
    """The pods that an experiment has touched so far, by workload."""

    limits: Limits
    pods: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def touch(self, namespace: str, workload: str, pods: Iterable[str], of: int) -> None:
        """Note that *pods* (identities) of *workload*, which has *of* pods, are touched.

        Raises BeyondLimits, and notes nothing, when that is more than the experiment declares.
        """
        self.limits.allow_namespace(namespace)
        known = self.pods.setdefault((namespace, workload), set())
        together = known | set(pods)
        if len(together) > self.limits.share * of:
            raise BeyondLimits(
                f"The experiment would touch {len(together)} of {of} pods of {namespace}/{workload}, "
                f"but declares a share of {self.limits.share:g}: touch fewer, or declare more."
            )
        known |= together
