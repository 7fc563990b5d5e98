"""What every fault is: something that can be done, seen, undone, and seen to be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import TypeAdapter, ValidationError

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State


class Fault(Protocol):
    """A fault as a value: what it is made from is written down, so that another process can make it again to undo it.

    *mark* is in all that a fault makes, and nowhere else: by it what is left is found without knowing what was done.
    """

    kind: ClassVar[str]

    @property
    def target(self) -> str:
        """What it is done to, in words."""

    def inject(self, mark: str) -> Injector | None:
        """Do it; return the process that it lives in, if it lives in one."""

    def effect(self, mark: str, injector: Injector | None) -> str:
        """Return what shows that it is in effect; empty as long as nothing does."""

    def undo(self, mark: str) -> None:
        """Take it back, from whatever state it is in; doing so again changes nothing."""

    def residue(self, mark: str) -> tuple[str, ...]:
        """Return, one line each, what of it is left."""

    def state(self) -> State:
        """Return how its target is, as far as it must be the same before and after."""


KINDS: dict[str, type[Fault]] = {}


def registered(cls: type[Fault]) -> type[Fault]:
    """Let leases name faults of *cls* by their kind."""
    if cls.kind in KINDS:
        raise ValueError(f"two faults are called {cls.kind}")
    KINDS[cls.kind] = cls
    return cls


def arguments_of(fault: Fault) -> dict[str, Any]:
    """Return, in the types of JSON, what `made_again` makes *fault* from."""
    written: dict[str, Any] = TypeAdapter(type(fault)).dump_python(fault, mode="json")
    return written


def made_again(kind: str, arguments: Mapping[str, Any]) -> Fault:
    """Return the fault of *kind*. Raises UsageError for an unknown kind, and for *arguments* that do not make one."""
    if kind not in KINDS:
        raise UsageError(f"There is no fault of the kind {kind}: known are {', '.join(sorted(KINDS))}.")
    try:
        made: Fault = TypeAdapter(KINDS[kind]).validate_python(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or kind
        raise UsageError(f"A fault of the kind {kind} cannot be made: {where}: {first['msg']}.") from error
    return made
