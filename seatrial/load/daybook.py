"""The customers' own record of the orders they placed: written before each try and after it, so that it is evidence.

Each line is a JSON object: an ``intent`` (who wants what), a ``try`` (a request about to be sent) or what was ``told``
(its answer, or why there is none). An intent is known by its customer, who has no other; a key stands for it in the
service. Moves of orders (``cancel``, ``ship``, ``deliver``) are tried and told likewise. The closing line says how many
orders the rate called for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from seatrial.kube.document import Document
from seatrial.load.orders import CANCELLED, Item, Order
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

    from seatrial.load.edge import Answer

_OK, _CREATED = 200, 201
_CONFLICT, _TOO_MANY, _FIRST_SERVER_ERROR = 409, 429, 500
_IN_FLIGHT = "idempotency-key-in-flight"
REUSED = "idempotency-key-reused"
_PROBLEM = "urn:seatrial:problem:"


class Act(StrEnum):
    """What a try is for: to place the order, to ask for the same answer again, or to misuse its key for another."""

    PLACE = "place"
    REPEAT = "repeat"
    REUSE = "reuse"


class Move(StrEnum):
    """What a customer, or the warehouse, does with an order that is there."""

    CANCEL = "cancel"
    SHIP = "ship"
    DELIVER = "deliver"

    @property
    def status(self) -> str:
        """The status that it leads to."""
        return {Move.CANCEL: CANCELLED, Move.SHIP: "shipped", Move.DELIVER: "delivered"}[self]


class Outcome(StrEnum):
    """What a customer knows of an order in the end."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Told:
    """The answer to one try; *status* None when none came, then *error* says why. *kind* is that of a problem."""

    act: Act
    key: str
    status: int | None
    kind: str = ""
    error: str = ""
    replayed: bool = False
    order: Order | None = None

    @classmethod
    def of(cls, act: Act, key: str, answer: Answer) -> Told:
        """Read it from an answer; an order without a readable body is none."""
        document = said(answer)
        order = Order.read(document) if answer.status == _CREATED and document.text("id") else None
        replayed = answer.headers.get("idempotent-replayed") == "true"
        return cls(act, key, answer.status, kind_of(document), replayed=replayed, order=order)

    @property
    def final(self) -> bool:
        """Whether asking again under the same key would be of no use."""
        return is_final(self.status, self.kind)


def is_final(status: int | None, kind: str) -> bool:
    """Whether an answer with *status* and a problem of *kind* decides the matter."""
    if status is None or status == _TOO_MANY or status >= _FIRST_SERVER_ERROR:
        return False
    return not (status == _CONFLICT and kind == _IN_FLIGHT)


def said(answer: Answer) -> Document:
    """Return the body of *answer*; an empty document where it is no JSON object."""
    try:
        return answer.document
    except (ValueError, TypeError):
        return Document({})


def kind_of(document: Document) -> str:
    """Return the kind of a problem; empty where there is none."""
    return document.text("type").removeprefix(_PROBLEM) if document.text("type").startswith(_PROBLEM) else ""


@dataclass(frozen=True)
class Placement:
    """One intent: who wanted what, and all that the customer was told."""

    customer: str
    items: tuple[Item, ...]
    told: tuple[Told, ...] = ()

    @property
    def acknowledgements(self) -> tuple[Told, ...]:
        """The answers that said that the order is placed, in the order in which they came."""
        return tuple(one for one in self.told if one.act is not Act.REUSE and one.status == _CREATED)

    @property
    def order(self) -> Order | None:
        """The order as it was acknowledged first; None when it was not, or the answer did not show one."""
        return next((one.order for one in self.acknowledgements), None)

    @property
    def outcome(self) -> Outcome:
        """What the customer knows."""
        if self.acknowledgements:
            return Outcome.ACKNOWLEDGED
        final = any(one.final for one in self.told if one.act is Act.PLACE)
        return Outcome.REFUSED if final else Outcome.UNKNOWN

    @property
    def last_words(self) -> str:
        """What the last try to place it brought."""
        tries = [one for one in self.told if one.act is Act.PLACE]
        if not tries:
            return "no try was answered before the record ends"
        last = tries[-1]
        return last.error or f"status {last.status} {last.kind}".rstrip()


@dataclass(frozen=True)
class Moved:
    """The last answer to a move of an order; *status* None when none came."""

    order: str
    move: Move
    status: int | None

    @property
    def acknowledged(self) -> bool:
        """Whether the service said that the order is there now."""
        return self.status == _OK


@dataclass(frozen=True)
class Daybook:
    """All intents of one stretch of traffic by customer, and all moves; *planned* is how many the rate called for."""

    placements: Mapping[str, Placement]
    moves: tuple[Moved, ...]
    planned: int
    file: Path

    @classmethod
    def read(cls, file: Path) -> Daybook:
        """Read what the customers wrote.

        Raises Inconclusive when it has no closing line: its writer did not live to the end.
        """
        intents: dict[str, tuple[Item, ...]] = {}
        told: dict[str, list[Told]] = {}
        moves: dict[tuple[str, str], Moved] = {}
        planned: int | None = None
        with file.open(encoding="utf-8") as lines:
            for text in lines:
                # A line that its writer did not live to end says nothing.
                line = Document(json.loads(text)) if text.endswith("}\n") else Document({})
                match line.text("line"):
                    case "intent":
                        intents[line.text("customer")] = tuple(sorted(map(Item.read, line.documents("items"))))
                    case "told":
                        told.setdefault(line.text("customer"), []).append(_read_told(line))
                    case "moved":
                        moved = Moved(line.text("order"), Move(line.text("move")), line.number("status") or None)
                        moves[moved.order, moved.move] = moved
                    case "closing":
                        planned = line.number("planned")
        if planned is None:
            raise Inconclusive(
                f"the customers did not live to close their record of {len(intents)} orders", Missing.SAMPLES
            )
        placements = {
            customer: Placement(customer, items, tuple(told.get(customer, ()))) for customer, items in intents.items()
        }
        return cls(placements, tuple(moves.values()), planned, file)

    def outcomes(self, outcome: Outcome) -> tuple[Placement, ...]:
        """Return the placements that ended in *outcome*."""
        return tuple(one for one in self.placements.values() if one.outcome is outcome)


def _read_told(line: Document) -> Told:
    order = line.at("order")
    return Told(
        act=Act(line.text("act")),
        key=line.text("key"),
        status=line.number("status") or None,
        kind=line.text("kind"),
        error=line.text("error"),
        replayed=line.flag("replayed"),
        order=Order.read(Document(order)) if isinstance(order, dict) else None,
    )


@dataclass(frozen=True)
class Writer:
    """Writes a daybook; each line is with the operating system before the next thing is done."""

    file: TextIO

    def intent(self, customer: str, items: tuple[Item, ...]) -> None:
        """Write down that *customer* wants *items*."""
        self._write(line="intent", customer=customer, items=[item.body() for item in items])

    def attempt(self, customer: str, act: Act, key: str, url: str, at: float) -> None:
        """Write down that a request is about to be sent."""
        self._write(line="try", customer=customer, act=act, key=key, to=url, at=at)

    def told(self, customer: str, told: Told, answer: Answer | None, at: float) -> None:
        """Write down what came of it, with the order as it was shown."""
        self._write(
            line="told",
            customer=customer,
            act=told.act,
            key=told.key,
            status=told.status,
            kind=told.kind,
            error=told.error,
            replayed=told.replayed,
            order=said(answer).raw if answer is not None and told.order is not None else None,
            at=at,
        )

    def move(self, order: str, move: Move, at: float) -> None:
        """Write down that a move is about to be asked for."""
        self._write(line="move", order=order, move=move, at=at)

    def moved(self, order: str, move: Move, status: int | None, at: float) -> None:
        """Write down what came of it."""
        self._write(line="moved", order=order, move=move, status=status, at=at)

    def close(self, planned: int) -> None:
        """Write the closing line."""
        self._write(line="closing", planned=planned)

    def _write(self, **line: object) -> None:
        self.file.write(json.dumps(line) + "\n")
