"""What a page is looked at on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Screen:
    """A screen, in pixels of the style sheet: whether its person prefers dark pages, and has fingers for a mouse."""

    width: int
    height: int
    dark: bool = False
    touch: bool = False


DESKTOP = Screen(1280, 800)
