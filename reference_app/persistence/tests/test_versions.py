"""Which versions a caller is ready to change."""

from __future__ import annotations

import pytest

from reference_app.persistence.versions import Expectation, entity_tag, tag_listed


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
