"""What is known of a fault before it is done: enough for anybody to undo it, and to tell when that has to be."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from seatrial.chaos.owner import Owner, boot, since_boot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

State = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Lease:
    """The right to do one fault until *expires*, in seconds since the boot of its owner.

    *mark* is on all that the fault makes in the machine, *arguments* are what a fault of *kind* is made from again,
    *before* is how its target was, by what was looked at. *failure* says why undoing it did not succeed, if it was
    tried.
    """

    mark: str
    kind: str
    target: str
    arguments: Mapping[str, Any]
    owner: Owner
    expires: float
    before: State
    failure: str = ""

    @classmethod
    def new(cls, kind: str, target: str, arguments: Mapping[str, Any], lasting: timedelta, before: State) -> Lease:
        """Return one of this process that ends after *lasting*. Raises ValueError when that is not positive."""
        if lasting.total_seconds() <= 0:
            raise ValueError(f"a fault must last for some time, not {lasting.total_seconds():g} s")
        expires = since_boot() + lasting.total_seconds()
        return cls(secrets.token_hex(6), kind, target, arguments, Owner.this(), expires, before)

    @property
    def expired(self) -> bool:
        """Whether its time is over; it is, too, when the machine has been booted since."""
        return self.owner.boot != boot() or since_boot() >= self.expires

    @property
    def orphaned(self) -> bool:
        """Whether nobody is there who will undo the fault in time."""
        return bool(self.failure) or self.expired or not self.owner.alive

    def failed(self, failure: str) -> Lease:
        """Return it with the reason why undoing did not succeed."""
        return replace(self, failure=failure)

    def written(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def read(cls, text: str) -> Lease:
        """Return what `written` wrote. Raises ValueError when it is something else."""
        try:
            found = json.loads(text)
            before = {str(name): tuple(map(str, lines)) for name, lines in found.pop("before").items()}
            return cls(owner=Owner(**found.pop("owner")), before=before, **found)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no lease: {error}") from error

    def __str__(self) -> str:
        return f"{self.kind} on {self.target} ({self.mark})"
