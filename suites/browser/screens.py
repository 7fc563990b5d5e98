"""What a page is looked at on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Screen:
    """A screen, in pixels of the style sheet, and whether its person prefers dark pages."""

    width: int
    height: int
    dark: bool = False


DESKTOP = Screen(1280, 800)
