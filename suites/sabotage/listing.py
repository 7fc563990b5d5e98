"""All sabotages by name, and the choice among them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from suites.sabotage.harness import HARNESS
from suites.sabotage.shop import SHOP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suites.sabotage.declaration import Sabotage

SABOTAGES: Mapping[str, Sabotage] = {each.name: each for each in (*SHOP, *HARNESS)}


def named(name: str) -> Sabotage:
    """Return the sabotage called *name*. Raises UsageError when there is none."""
    if name not in SABOTAGES:
        near = get_close_matches(name, SABOTAGES, n=1)
        meant = f", {near[0]} perhaps" if near else ""
        raise UsageError(f"There is no sabotage called {name!r}: choose one that --list shows{meant}.")
    return SABOTAGES[name]


def chosen(names: Sequence[str], *, slow: bool) -> tuple[Sabotage, ...]:
    """Return those called *names*, each once, or else all that are not slow, or *slow* ones too. Raises UsageError."""
    if names:
        return tuple(named(name) for name in dict.fromkeys(names))
    return tuple(each for each in SABOTAGES.values() if slow or not each.slow)
