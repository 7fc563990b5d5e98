"""Policies, parsed: who may do what with which things, and under which conditions.

The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.cloud.account import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

_WILD = ("*", "?")


@dataclass(frozen=True)
class Condition:
    """What must hold of a request: *operator* of the value of *key* and one of *values*."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key} {', '.join(self.values)}"


@dataclass(frozen=True)
class Principal:
    """Who is meant: *kind* is ``AWS``, ``Service``, ``Federated`` or ``*``."""

    kind: str
    value: str

    @property
    def everybody(self) -> bool:
        """Whether that is anybody at all."""
        return self.value == "*" and self.kind in {"*", "AWS"}


@dataclass(frozen=True)
class Statement:
    """One statement. Names that it excludes (``NotAction``, ``NotResource``, ``NotPrincipal``) stand in ``all_but``."""

    allows: bool
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    principals: tuple[Principal, ...] = ()
    conditions: tuple[Condition, ...] = ()
    all_but: tuple[str, ...] = ()
    sid: str = ""

    @property
    def wild_actions(self) -> tuple[str, ...]:
        """The actions that are all of a service's, or all there are; ``s3:Get*`` is not, it names what it is about."""
        return tuple(each for each in self.actions if each == "*" or each.endswith(":*"))

    @property
    def everything(self) -> bool:
        """Whether it is about all things there are, of whatever kind."""
        return "*" in self.resources

    @property
    def unbounded(self) -> bool:
        """Whether it allows something with all things, whatever the circumstances; or all but a few things."""
        return self.allows and ((self.everything and not self.conditions) or bool(self.all_but))

    def condition(self, operator: str, key: str) -> tuple[str, ...]:
        """Return the values of a condition; empty if there is none. Operators and keys do not differ by case."""
        wanted = (operator.lower(), key.lower())
        return tuple(
            value
            for each in self.conditions
            if (each.operator.lower(), each.key.lower()) == wanted
            for value in each.values
        )


@dataclass(frozen=True)
class Policy:
    """A policy; *managed* by AWS means that AWS decides what stands in it."""

    name: str
    statements: tuple[Statement, ...]
    managed: bool = False

    @property
    def actions(self) -> frozenset[str]:
        """All actions that it allows, as they are written."""
        return frozenset(action for each in self.statements if each.allows for action in each.actions)

    @property
    def wild_actions(self) -> tuple[str, ...]:
        """The allowed actions that are all of a service's, or all there are."""
        return tuple(action for each in self.statements if each.allows for action in each.wild_actions)

    def reaching_everything(self, *, but: Iterable[str] = ()) -> frozenset[str]:
        """Return the actions that it allows with all things, unconditionally.

        *but* are those that cannot be had otherwise, such as ``ecr:GetAuthorizationToken``: the service authorization
        reference lists which actions know no resources.
        """
        wild = {action for each in self.statements if each.unbounded for action in (each.actions or ("*",))}
        return frozenset(wild - set(but))


def parse(name: str, document: Answer, *, managed: bool = False) -> Policy:
    """Return the policy that a JSON *document* is."""
    single = document.at("Statement")
    statements = (Answer(single),) if isinstance(single, dict) else document.parts("Statement")
    return Policy(name, tuple(_statement(each) for each in statements), managed)


def _statement(answer: Answer) -> Statement:
    return Statement(
        allows=answer.text("Effect") == "Allow",
        actions=_texts(answer.at("Action")),
        resources=_texts(answer.at("Resource")),
        principals=_principals(answer.at("Principal")),
        conditions=_conditions(answer.at("Condition")),
        all_but=(
            *_texts(answer.at("NotAction")),
            *_texts(answer.at("NotResource")),
            *(each.value for each in _principals(answer.at("NotPrincipal"))),
        ),
        sid=answer.text("Sid"),
    )


def _principals(value: object) -> tuple[Principal, ...]:
    if isinstance(value, str):
        return (Principal(value, value),)
    if not isinstance(value, dict):
        return ()
    return tuple(Principal(str(kind), each) for kind, names in value.items() for each in _texts(names))


def _conditions(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        return ()
    return tuple(
        Condition(str(operator), str(key), _texts(values))
        for operator, tests in value.items()
        if isinstance(tests, dict)
        for key, values in tests.items()
    )


def _texts(value: object) -> tuple[str, ...]:
    """Return the strings of a list, or of the one that stands for a list of one; true is written ``true``."""
    if isinstance(value, list):
        return tuple(text for each in value for text in _texts(each))
    if isinstance(value, bool):
        return (str(value).lower(),)
    return (str(value),) if isinstance(value, str | int) else ()


def is_wild(text: str) -> bool:
    """Return whether a name stands for more than itself."""
    return any(each in text for each in _WILD)
