"""The domain by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from reference_app.catalog.cache import Policy
from reference_app.catalog.codec import NOTHING, Kept
from reference_app.catalog.domain import Expectation, InvalidCursor, Position, entity_tag, tag_listed

_ID = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("name", ["", "plain", 'quo"te', "Ünïcödé 😀", "a" * 120])
def test_a_cursor_leads_back_to_its_position(name: str) -> None:
    position = Position(name, _ID)

    assert Position.of_cursor(position.cursor) == position
    assert position.cursor.isascii()


def test_a_changed_cursor_is_refused() -> None:
    cursor = Position("name", _ID).cursor

    for changed in (cursor + "=", cursor[:-1], "A" + cursor, cursor + cursor, cursor.swapcase()):
        with pytest.raises(InvalidCursor):
            Position.of_cursor(changed)


@pytest.mark.parametrize(
    ("value", "versions"),
    [
        ("*", None),
        (" * ", None),
        ('"3"', {3}),
        ('"3", "4"', {3, 4}),
        ('W/"3"', set()),
        ('"03"', set()),
        ('"-3"', set()),
        ('"x"', set()),
        ('""', set()),
        (f'"{"9" * 5000}"', set()),
    ],
)
def test_an_expectation_names_versions(value: str, versions: set[int] | None) -> None:
    assert Expectation.of_if_match(value).versions == versions


@pytest.mark.parametrize("value", ["", "3", '"3', '3"', '"a"b"', '"1",,"2"', "*, *", '"1";"2"'])
def test_what_is_no_list_of_tags_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="entity tags"):
        Expectation.of_if_match(value)


def test_an_expectation_admits_what_it_names() -> None:
    assert Expectation.of_if_match('"3", "5"').admits(5)
    assert not Expectation.of_if_match('"3", "5"').admits(4)
    assert Expectation.of_if_match("*").admits(4)


@pytest.mark.parametrize(
    ("value", "listed"), [("*", True), ('"7"', True), ('W/"7"', True), ('"1", "7"', True), ('"77"', False), ("", False)]
)
def test_a_tag_is_found_in_a_list_by_weak_comparison(value: str, *, listed: bool) -> None:
    assert tag_listed(value, entity_tag(7)) is listed


def test_a_kept_product_comes_back_from_its_entry() -> None:
    kept = Kept(version=12, body=b'{"name": "two\\nlines"}')

    assert Kept.of_entry(kept.entry) == kept
    assert Kept.of_entry(NOTHING) is None


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 80), (0.5, 100), (1.0, 120)])
def test_jitter_spreads_lifetimes_both_ways(chance: float, seconds: int) -> None:
    assert Policy(ttl=timedelta(seconds=100), jitter=0.2).lifetime(chance) == timedelta(seconds=seconds)
