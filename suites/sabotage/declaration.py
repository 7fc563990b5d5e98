"""What a sabotage is: one control that is taken away or broken, and who has to notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.kube.manifests import Manifests

if TYPE_CHECKING:
    from datetime import timedelta

    from pytest import MonkeyPatch  # noqa: PT013 (an annotation)


# Deploys something else than the manifests say.
Change = Callable[[Manifests], Manifests]


@dataclass(frozen=True)
class Sight:
    """A scenario that has to fail, and the sentence at which: *file* is relative to ``features``.

    *scenario* and *step* are as they are run, with the values of the example in their places.
    """

    file: str
    scenario: str
    step: str

    @property
    def id(self) -> str:
        """What the scenario is called by: its feature file and its name."""
        return f"features/{self.file}::{self.scenario}"


@dataclass(frozen=True)
class Sabotage:
    """One control that is broken, in a plain sentence, and what has to see it.

    It is broken in what is deployed (*change*), or in the process of the run itself (*patch*). Nothing else of a run
    differs, and the next one deploys what is sound. *patience* cuts waits short for what cannot come any more: how long
    they take, by the dotted names of where that stands. What is *slow* runs only when it is asked for.
    """

    name: str
    breaks: str
    sights: tuple[Sight, ...]
    change: Change | None = None
    patch: Callable[[MonkeyPatch], None] | None = None
    patience: tuple[tuple[str, timedelta], ...] = ()
    slow: bool = False
