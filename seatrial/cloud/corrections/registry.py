"""How an answer of the emulator is corrected: a method of moto's is put in place of another, and can be put back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moto.core.responses import BaseResponse

_ABSENT = object()

F = TypeVar("F", bound="Callable[..., object]")


def asked(response: BaseResponse, name: str, default: object = None) -> Any:  # noqa: ANN401 - as typed as moto has it
    """Return what the request that *response* answers says under *name*, *default* if nothing."""
    return response._get_param(name, default)  # noqa: SLF001 - how moto's own operations read


@dataclass(frozen=True)
class Correction:
    """One name of a class or module of moto's, what takes its place, and the *reference* that says so."""

    owner: object
    name: str
    reference: str
    replacement: object
    original: object

    def __str__(self) -> str:
        return f"{getattr(self.owner, '__name__', self.owner)}.{self.name}"

    def apply(self) -> None:
        """Put the replacement in place."""
        setattr(self.owner, self.name, self.replacement)

    def undo(self) -> None:
        """Put back what moto had, which may be nothing."""
        if self.original is _ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.original)


class Corrections:
    """The corrections of one service, in the order in which they were written down."""

    def __init__(self) -> None:
        self._all: list[Correction] = []

    @property
    def all(self) -> Sequence[Correction]:
        """All of them."""
        return tuple(self._all)

    def around(self, owner: type, name: str, *, reference: str) -> Callable[[F], F]:
        """Let the decorated function answer instead of ``owner.name``; its first argument is the method it replaces."""
        original: Callable[..., object] = getattr(owner, name)

        def decorate(change: F) -> F:
            @wraps(original)
            def replacement(*arguments: object, **named: object) -> object:
                return change(original, *arguments, **named)

            self._add(owner, name, reference, replacement)
            return change

        return decorate

    def adding(self, owner: type, name: str, *, reference: str) -> Callable[[F], F]:
        """Let the decorated function be the method ``owner.name``, an operation that moto does not have.

        Raises ValueError once moto has it.
        """
        if hasattr(owner, name):
            raise ValueError(f"moto has {owner.__name__}.{name} itself now: look whether its answer is right")

        def decorate(operation: F) -> F:
            self._add(owner, name, reference, operation)
            return operation

        return decorate

    def instead(self, owner: object, name: str, *, reference: str) -> Callable[[type], type]:
        """Let the decorated class take the place of ``owner.name``, a model that moto makes its things of."""

        def decorate(model: type) -> type:
            self._add(owner, name, reference, model)
            return model

        return decorate

    def value(self, owner: object, name: str, value: object, *, reference: str) -> None:
        """Let *value* take the place of ``owner.name``."""
        self._add(owner, name, reference, value)

    def _add(self, owner: object, name: str, reference: str, replacement: object) -> None:
        # What an owner inherits is not its own: putting that back would leave a copy behind.
        own: object = vars(owner).get(name, _ABSENT)
        self._all.append(Correction(owner, name, reference, replacement, own))
