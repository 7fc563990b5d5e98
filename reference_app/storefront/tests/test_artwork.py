"""Each product has a picture of its own, and always the same."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.storefront.artwork import HEIGHT, WIDTH, Artwork, artwork
from reference_app.storefront.schemas import Product

_CATEGORIES = ("ropes", "anchors", "navigation", "safety", "sails", "galley")
_COLOUR = re.compile(r"hsl\(\d{1,3} \d{1,3}% \d{1,3}%\)")
_OUTLINE = re.compile(r"[MqQVHzhva0-9 .,\-lLcCsS]+")


def _product(sku: str, number: int = 1) -> Product:
    return Product(
        id=uuid.UUID(int=number),
        sku=sku,
        name="Compass",
        description="",
        category_id=uuid.UUID(int=9),
        price_cents=1,
        stock=1,
    )


def _hue(drawn: Artwork) -> str:
    return drawn.ink.partition(" ")[0]


def test_a_picture_is_the_same_every_time() -> None:
    assert artwork(_product("NAV-1"), "navigation") == artwork(_product("NAV-1"), "navigation")


def test_products_of_one_category_look_alike_and_not_the_same() -> None:
    drawn = [artwork(_product(f"NAV-{number}"), "navigation") for number in range(20)]
    assert len({(one.glyph, _hue(one)) for one in drawn}) == 1
    assert len({one.waves for one in drawn}) == 20


def test_each_category_has_a_sign_and_a_colour_of_its_own() -> None:
    drawn = [artwork(_product("NAV-1"), category) for category in _CATEGORIES]
    assert len({one.glyph for one in drawn}) == len(_CATEGORIES)
    assert len({_hue(one) for one in drawn}) == len(_CATEGORIES)


@pytest.mark.parametrize("category", [None, "", "submarines"])
def test_a_product_of_no_known_category_has_a_picture_too(category: str | None) -> None:
    drawn = artwork(_product("SUB-1"), category)
    assert drawn.glyph not in {artwork(_product("SUB-1"), known).glyph for known in _CATEGORIES}


def test_two_products_on_a_page_do_not_share_a_name() -> None:
    assert artwork(_product("A", 1), None).name != artwork(_product("A", 2), None).name


@given(sku=st.text(max_size=80), category=st.one_of(st.none(), st.sampled_from(_CATEGORIES), st.text(max_size=20)))
def test_whatever_a_product_is_called_nothing_of_it_gets_into_the_picture(sku: str, category: str | None) -> None:
    drawn = artwork(_product(sku), category)
    assert _COLOUR.fullmatch(drawn.ink)
    for colour in (drawn.above, drawn.horizon, drawn.sun, *(wave.colour for wave in drawn.waves)):
        assert _COLOUR.fullmatch(colour)
    for outline in (drawn.glyph, *(wave.outline for wave in drawn.waves)):
        assert _OUTLINE.fullmatch(outline)
    assert 0 < drawn.sun_x < WIDTH
    assert 0 < drawn.sun_y < HEIGHT
    # Each wave is in front of the one before, and reaches the bottom.
    levels = [int(re.split(r"[ q]", wave.outline)[1]) for wave in drawn.waves]
    assert levels == sorted(levels)
    assert all(f"V{HEIGHT}H" in wave.outline for wave in drawn.waves)
