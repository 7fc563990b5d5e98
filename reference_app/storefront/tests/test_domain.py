"""Cart, order form, words and lines: what the pages are made of."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.storefront.domain import (
    MOST_LINES,
    MOST_OF_ONE,
    Cart,
    Mark,
    Submission,
    Trend,
    Unusable,
    euros,
    latency,
    moment,
    product_named,
    search_text,
    size,
    slug,
    way,
    whole_number,
)
from reference_app.storefront.schemas import Line, Order, Status

_ROPE, _LAMP, _CHART = (uuid.UUID(int=number) for number in (1, 2, 3))
_KEY = "0123456789abcdef"


def _cart(**pieces: int) -> Cart:
    known = {"rope": _ROPE, "lamp": _LAMP, "chart": _CHART}
    return Cart(tuple(Line(product_id=known[name], quantity=quantity) for name, quantity in pieces.items()))


def _order(status: Status) -> Order:
    at = datetime(2031, 5, 4, tzinfo=UTC)
    return Order(id=_ROPE, customer="ann", status=status, items=[], total_cents=0, created_at=at)


def test_more_of_a_product_is_counted_up_in_its_place() -> None:
    assert _cart(rope=2, lamp=1).with_more(_ROPE, 3) == _cart(rope=5, lamp=1)
    assert _cart(rope=2).with_more(_LAMP, 1) == _cart(rope=2, lamp=1)


def test_a_quantity_replaces_the_one_before_and_none_takes_the_product_out() -> None:
    cart = _cart(rope=2, lamp=1)
    assert cart.with_exactly(_ROPE, 7) == _cart(rope=7, lamp=1)
    assert cart.with_exactly(_ROPE, 0) == _cart(lamp=1)
    assert cart.with_exactly(_CHART, 0) == cart


@pytest.mark.parametrize("quantity", [-1, MOST_OF_ONE + 1])
def test_too_much_of_one_product_is_refused_in_words(quantity: int) -> None:
    with pytest.raises(Unusable, match="1 to 1000"):
        Cart().with_exactly(_ROPE, quantity)


def test_as_much_as_is_allowed_is_taken_and_one_more_is_not() -> None:
    full = _cart(rope=MOST_OF_ONE)
    assert full.pieces == MOST_OF_ONE
    with pytest.raises(Unusable):
        full.with_more(_ROPE, 1)


def test_a_full_cart_takes_more_of_what_is_in_it_and_nothing_else() -> None:
    full = Cart(tuple(Line(product_id=uuid.UUID(int=100 + number), quantity=1) for number in range(MOST_LINES)))
    assert full.with_more(uuid.UUID(int=100), 1).pieces == MOST_LINES + 1
    with pytest.raises(Unusable, match="50 different"):
        full.with_more(_ROPE, 1)


def test_what_was_ordered_leaves_the_cart_unless_it_was_changed_since() -> None:
    assert _cart(rope=3, lamp=1, chart=1).without(_cart(rope=2, lamp=1)) == _cart(rope=3, chart=1)


@pytest.mark.parametrize(("pieces", "badge"), [(0, "0"), (99, "99"), (100, "99+")])
def test_a_badge_is_short(pieces: int, badge: str) -> None:
    assert Cart().with_exactly(_ROPE, pieces).badge == badge


@given(
    st.dictionaries(st.uuids(), st.integers(min_value=1, max_value=MOST_OF_ONE), min_size=1, max_size=MOST_LINES),
)
def test_a_form_means_the_same_however_often_it_is_sent(pieces: dict[uuid.UUID, int]) -> None:
    cart = Cart(tuple(Line(product_id=product, quantity=quantity) for product, quantity in pieces.items()))
    sent = Submission(key=_KEY, cart=cart)
    assert Submission.of_form(_KEY, sent.items) == sent


@pytest.mark.parametrize(
    ("key", "items"),
    [
        (_KEY, []),
        ("short", [f"{_ROPE}:1"]),
        ("x" * 65, [f"{_ROPE}:1"]),
        ("0123456789abcde\n", [f"{_ROPE}:1"]),
        (_KEY, [f"{_ROPE}"]),
        (_KEY, [f"{_ROPE}:0x10"]),
        (_KEY, ["rope:1"]),
        (_KEY, [f"{_ROPE}:600", f"{_ROPE}:600"]),
    ],
    ids=["nothing", "short key", "long key", "odd key", "no quantity", "no number", "no product", "too much in all"],
)
def test_a_form_that_makes_no_sense_is_refused(key: str, items: list[str]) -> None:
    with pytest.raises(Unusable):
        Submission.of_form(key, items)


@pytest.mark.parametrize("typed", ["", " ", "1.5", "-1", "\u0661", "1e3", "10000", "9" * 5000])
def test_only_digits_are_a_quantity(typed: str) -> None:
    with pytest.raises(Unusable, match="whole number"):
        whole_number(typed)


def test_a_quantity_may_have_blanks_around_it() -> None:
    assert (whole_number(" 12 "), whole_number("0"), whole_number("0007")) == (12, 0, 7)


def test_a_product_is_named_by_its_id() -> None:
    assert product_named(str(_ROPE)) == _ROPE
    with pytest.raises(Unusable):
        product_named("rope")


@given(st.text(max_size=400))
def test_what_is_searched_has_no_control_characters_and_an_end(typed: str) -> None:
    text = search_text(typed)
    assert len(text) <= 200
    assert text == text.strip()
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in text)
    assert search_text(text) == text


def test_words_stay_apart_when_a_control_character_goes() -> None:
    assert search_text(" plough\x00\tanchor \n") == "plough anchor"


@pytest.mark.parametrize(
    ("text", "kept"), [("sea-boots", True), ("", False), ("-x", False), ("Ropes", False), ("a" * 201, False)]
)
def test_only_a_slug_can_name_a_category(text: str, kept: bool) -> None:  # noqa: FBT001 - a parameter of a table
    assert slug(text) == (text if kept else None)


@pytest.mark.parametrize(
    ("cents", "said"), [(0, "€0.00"), (5, "€0.05"), (1250, "€12.50"), (123_456_789, "€1,234,567.89")]
)
def test_money_is_written_as_people_write_it(cents: int, said: str) -> None:
    assert euros(cents) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (10 * 1024**2, "10.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (3 * 1024**4, "3.0 TiB"),
    ],
)
def test_a_size_is_said_in_the_largest_unit_that_fits(count: int, said: str) -> None:
    assert size(count) == said


def test_a_moment_is_said_with_its_zone() -> None:
    assert moment(datetime(2031, 5, 4, 3, 2, tzinfo=UTC)) == "4 May 2031, 03:02 UTC"
    east = timezone(timedelta(hours=2), "CEST")
    assert moment(datetime(2031, 5, 14, 13, 2, tzinfo=east)) == "14 May 2031, 13:02 CEST"


@pytest.mark.parametrize(
    ("status", "states"),
    [
        (Status.PENDING, ["current", "ahead", "ahead", "ahead"]),
        (Status.SHIPPED, ["done", "done", "current", "ahead"]),
        (Status.DELIVERED, ["done", "done", "done", "done"]),
    ],
)
def test_an_order_has_stations_behind_and_ahead(status: Status, states: list[str]) -> None:
    marks = way(_order(status), ())
    assert [mark.state for mark in marks] == states
    assert [mark.status for mark in marks] == ["pending", "confirmed", "shipped", "delivered"]


def test_a_cancelled_order_shows_how_far_it_came_and_nothing_ahead() -> None:
    assert way(_order(Status.CANCELLED), [Status.PENDING, Status.CANCELLED]) == [
        Mark(Status.PENDING, "done"),
        Mark(Status.CANCELLED, "stopped"),
    ]


def test_a_trend_is_drawn_to_the_right_edge_and_broken_where_no_answer_came() -> None:
    trend = Trend((10.0, 5.0, None, 10.0))
    assert trend.lines(30, 10, room=4) == ["0.0,0.0 10.0,5.0", "30.0,0.0"]
    assert trend.gaps(30, room=4) == ["20.0"]
    assert (trend.highest, trend.latest, trend.unanswered) == (10.0, 10.0, 1)


def test_a_short_trend_leaves_room_on_the_left() -> None:
    assert Trend((4.0,)).lines(30, 10, room=4) == ["30.0,0.0"]


@pytest.mark.parametrize("values", [(), (None, None), (0.0,)], ids=["nothing", "no answers", "no time at all"])
def test_a_trend_without_height_can_be_drawn(values: tuple[float | None, ...]) -> None:
    trend = Trend(values)
    assert len(trend.lines(30, 10, room=1)) == len([value for value in values if value is not None])
    assert trend.latest == (values[-1] if values else None)


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(None, "no answer"), (0.04, "0.0 ms"), (9.94, "9.9 ms"), (10, "10 ms"), (1234.6, "1235 ms")],
)
def test_a_latency_is_said_in_two_digits_or_more(milliseconds: float | None, said: str) -> None:
    assert latency(milliseconds) == said
