"""A picture for every product, made from its names alone: no file to keep, no request to make."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reference_app.storefront.schemas import Product

WIDTH: Final = 320
HEIGHT: Final = 220

_GLYPHS: Final = {
    "ropes": "M4 11a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0M6.8 11a4.7 4.7 0 1 0 9.4 0a4.7 4.7 0 1 0-9.4 0"
    "M9.5 11a2 2 0 1 0 4 0a2 2 0 1 0-4 0M19 11v7.5a2 2 0 0 1-4 0",
    "anchors": "M9.8 5.2a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0M12 7.4V21M7.5 11h9M3.5 14.5c.6 4 4 6.5 8.5 6.5"
    "s7.9-2.5 8.5-6.5M3.5 14.5l-1.2 2.2M3.5 14.5l2.4 1.3M20.5 14.5l1.2 2.2M20.5 14.5l-2.4 1.3",
    "navigation": "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0M16 8l-2.4 5.6L8 16l2.4-5.6zM12 3v1.8M12 19.2V21M3 12h1.8"
    "M19.2 12H21",
    "safety": "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0M8 12a4 4 0 1 0 8 0a4 4 0 1 0-8 0M4.8 6.6l4 3M6.6 4.8l3 4"
    "M19.2 6.6l-4 3M17.4 4.8l-3 4M4.8 17.4l4-3M6.6 19.2l3-4M19.2 17.4l-4-3M17.4 19.2l-3-4",
    "sails": "M11.5 3v14M11.5 3c4.5 3.5 7 8 7 12h-7M9.5 6.5C8.5 10 6.5 13 4.5 15h5zM3 18h18l-2.2 3H5.4z",
    "galley": "M5 10h11v6.5a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM16 11.5h1.6a2.7 2.7 0 0 1 0 5.4H16"
    "M8.5 3.5c-1 1.2 1 2.2 0 3.5M12.5 3.5c-1 1.2 1 2.2 0 3.5",
    "clothing": "M8.5 3.5 12 6l3.5-2.5 4 2.5 2 6.5-3 1.2v6.8h-13v-6.8l-3-1.2 2-6.5zM12 6v14.5M8 15.5h1.8M14.2 15.5H16",
    "lights": "M9.5 3.5h5M12 3.5V6M8.5 6h7l1.5 3v8.5H7V9zM5.8 20.5h12.4M7 17.5l-.8 3M17 17.5l.8 3M7 9h10"
    "M12 10.5c1.5 1.7 2 2.4 2 3.3a2 2 0 0 1-4 0c0-.9.5-1.6 2-3.3z",
    "tools": "M20.3 5.2a4.6 4.6 0 0 0-6 6L6.1 19.4a1.6 1.6 0 0 1-2.3 0 1.6 1.6 0 0 1 0-2.3L12 8.9"
    "a4.6 4.6 0 0 1 6-6l-2.6 2.6.5 2.3 2.3.5zM14.5 14.5l5.5 5.5M4 4l4.5 4.5",
    "instruments": "M3 17a9 9 0 1 1 18 0zM12 17l4.2-6M6.2 13.6l1.2.7M12 9.5v1.4M17.8 13.6l-1.2.7M8.4 10.9l.8 1.1M3"
    " 20.5h18",
    "dinghies": "M2.5 13h19c-.9 4-3.3 6-6.3 6H8.8c-3 0-5.4-2-6.3-6zM7 13l9.5-9M17 13 7.5 4M16.5 4l2.2-.9.2 2.4z"
    "M7.5 4l-2.2-.9-.2 2.4z",
    "books": "M12 6.5C10 4.8 7 4.3 3.5 4.5v14c3.5-.2 6.5.3 8.5 2 2-1.7 5-2.2 8.5-2v-14C17 4.3 14 4.8 12 6.5zM12 6.5v14"
    "M6.5 8.5c1 0 2 .2 3 .6M6.5 12c1 0 2 .2 3 .6M17.5 8.5c-1 0-2 .2-3 .6M17.5 12c-1 0-2 .2-3 .6",
}
_WAVES = (
    "M2.5 8c2.4-2.5 4.6-2.5 7 0s4.6 2.5 7 0 3.5-2 5-1M2.5 13c2.4-2.5 4.6-2.5 7 0s4.6 2.5 7 0 3.5-2 5-1"
    "M2.5 18c2.4-2.5 4.6-2.5 7 0s4.6 2.5 7 0 3.5-2 5-1"
)
_HUES: Final = {slug: number * 360 // len(_GLYPHS) for number, slug in enumerate(sorted(_GLYPHS))}
# The sky above, the sky at the horizon, and the sun or moon.
_HOURS: Final = (
    ("hsl(205 62% 80%)", "hsl(38 80% 90%)", "hsl(45 95% 72%)"),
    ("hsl(198 55% 70%)", "hsl(190 60% 90%)", "hsl(50 100% 92%)"),
    ("hsl(16 62% 70%)", "hsl(38 90% 84%)", "hsl(24 96% 66%)"),
    ("hsl(232 38% 34%)", "hsl(260 36% 62%)", "hsl(48 80% 92%)"),
)


@dataclass(frozen=True)
class Wave:
    """One wave: an outline that reaches the bottom of the picture, and its colour."""

    outline: str
    colour: str


@dataclass(frozen=True)
class Artwork:
    """A small seascape with the sign of the category over it; *name* is unique on a page."""

    name: str
    above: str
    horizon: str
    sun: str
    sun_x: int
    sun_y: int
    waves: tuple[Wave, ...]
    glyph: str
    ink: str


def artwork(product: Product, category: str | None) -> Artwork:
    """Return the picture of *product*, the same every time; *category* is the slug of its category, if it is known."""
    chance = hashlib.sha256(product.sku.encode("utf-8", "replace")).digest()
    hue = _HUES.get(category or "", chance[0] * 360 // 256)
    above, horizon, sun = _HOURS[chance[1] % len(_HOURS)]
    return Artwork(
        name=f"art-{product.id}",
        above=above,
        horizon=horizon,
        sun=sun,
        sun_x=40 + chance[2] * (WIDTH - 80) // 256,
        sun_y=38 + chance[3] * 70 // 256,
        waves=tuple(
            Wave(
                _wave(HEIGHT * (58 + 14 * depth) // 100, 6 + chance[4 + depth] % 9, chance[7 + depth]),
                f"hsl({hue} {38 + 6 * depth}% {58 - 13 * depth}%)",
            )
            for depth in range(3)
        ),
        glyph=_GLYPHS.get(category or "", _WAVES),
        ink=f"hsl({hue} 45% 24%)",
    )


def _wave(level: int, swell: int, shift: int) -> str:
    length = 80 + shift % 60
    start = -(shift % length) - length
    beats = "".join(f"q{length / 4:g} {-swell if beat % 2 else swell} {length / 2:g} 0" for beat in range(14))
    return f"M{start} {level}{beats}V{HEIGHT}H{start}z"
