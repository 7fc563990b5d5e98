"""The requirement register."""

from __future__ import annotations

import pytest

from seatrial.errors import UsageError
from seatrial.requirements import parse_register, register

ENTRY = '[[requirement]]\nid = "1.1"\nsentence = "It holds."\nsource = "here"\n'


def test_the_register_has_41_requirements_in_ten_chapters() -> None:
    ids = [requirement.id for requirement in register()]
    assert len(ids) == len(set(ids)) == 41
    assert sorted({int(identifier.split(".")[0]) for identifier in ids}) == list(range(1, 11))
    assert "4.3" not in register()


def test_each_requirement_has_a_sentence_and_a_source() -> None:
    assert all(requirement.sentence and requirement.source.startswith("plan tasks ") for requirement in register())


def test_ids_are_found_among_tags_in_the_order_of_the_register() -> None:
    assert register().ids_of({"req-10.1", "slow", "req-2.1", "req-99.9"}) == ("2.1", "10.1")


def test_an_unknown_tag_is_refused_with_where_it_stands() -> None:
    with pytest.raises(UsageError, match=r"Unknown tag req-4.3 in a.feature: use one of the requirements 1.1 to 10.4"):
        register().check_tag("req-4.3", where="a.feature")


def test_other_tags_are_nobodys_business() -> None:
    register().check_tag("slow", where="a.feature")
    register().check_tag("req-6.1", where="a.feature")


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_register(ENTRY + ENTRY)


def test_an_entry_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks source"):
        parse_register(ENTRY.replace('source = "here"\n', ""))


def test_a_requirement_may_say_what_is_still_open() -> None:
    text = '[[requirement]]\nid = "1.1"\nsentence = "It floats"\nsource = "plan"\n'
    assert parse_register(text).requirements[0].open == ""
    assert parse_register(f'{text}open = "in a storm"\n').requirements[0].open == "in a storm"
