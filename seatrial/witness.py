"""How the library tells of what it does, without knowing who listens.

Each noun that runs a command, applies a manifest or measures something tells of it here; a run that keeps evidence
listens. Where nobody listens, telling costs next to nothing and keeps nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from seatrial.truth import TruthLabel


@dataclass(frozen=True)
class Judged:
    """An objective that was judged; as in `seatrial.audit.records.JudgementRecord`, *record* the raw file."""

    objective: str
    share: float | None
    required: float
    observed: float
    samples: int
    met: bool
    record: Path


class Witness(Protocol):
    """Whoever keeps what is told."""

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None:
        """A command line was run; *code* is None when it did not end by itself."""

    def judged(self, judged: Judged) -> None:
        """Something measured was held against an objective."""

    def document(self, title: str, text: str) -> None:
        """A text was used or obtained that explains what happened: a manifest applied, an object read."""

    def data(self, title: str, data: Mapping[str, object]) -> None:
        """Something was found that a machine reads too; *data* can be written as JSON."""

    def picture(self, title: str, png: bytes) -> None:
        """Something was seen, and this is how it looked; *png* is a PNG image."""

    def label(self, label: TruthLabel) -> None:
        """What is observed just now is observed on something else than the run's target: *label* says on what."""

    def secret(self, value: str) -> None:
        """*value* must not be written down anywhere."""


_witnesses: list[Witness] = []
_aside: ContextVar[bool] = ContextVar("aside", default=False)


def aside() -> None:
    """Have all that this thread tells from now on belong to the run as a whole, whatever scenario is under way."""
    _aside.set(True)


def told_aside() -> bool:
    """Whether what is told just now belongs to the run as a whole."""
    return _aside.get()


@contextmanager
def listening(witness: Witness) -> Iterator[None]:
    """Let *witness* hear all that is told until the block ends."""
    _witnesses.append(witness)
    try:
        yield
    finally:
        _witnesses.remove(witness)


def tell_command(words: Sequence[str], code: int | None, duration: timedelta) -> None:
    """Tell that a command line was run."""
    for witness in tuple(_witnesses):
        witness.command(words, code, duration)


def tell_judged(judged: Judged) -> None:
    """Tell that an objective was judged."""
    for witness in tuple(_witnesses):
        witness.judged(judged)


def tell_document(title: str, text: str) -> None:
    """Tell of a text that explains what happened."""
    for witness in tuple(_witnesses):
        witness.document(title, text)


def tell_data(title: str, data: Mapping[str, object]) -> None:
    """Tell of something that a machine reads too."""
    for witness in tuple(_witnesses):
        witness.data(title, data)


def tell_picture(title: str, png: bytes) -> None:
    """Tell how something looked."""
    for witness in tuple(_witnesses):
        witness.picture(title, png)


def tell_label(label: TruthLabel) -> None:
    """Tell that the scenario under way rests on what *label* says, which may be less than the run's target."""
    for witness in tuple(_witnesses):
        witness.label(label)


def tell_secret(value: str) -> None:
    """Tell of a value that must not be written down."""
    for witness in tuple(_witnesses):
        witness.secret(value)
