"""The head of a message on its way through a proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.gateway.headers import VIA, last_hop, request_id, session_id, to_a_client, to_a_peer

_ID = "a" * 43
_HOP = [b"connection", b"keep-alive", b"proxy-authorization", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
_KEPT = st.tuples(st.from_regex(rb"z-[a-z]{1,8}", fullmatch=True), st.binary(max_size=20))


@given(st.lists(_KEPT), st.lists(st.sampled_from(_HOP)))
def test_what_is_between_two_ends_passes_in_order_and_what_is_of_one_hop_does_not(
    kept: list[tuple[bytes, bytes]], hop: list[bytes]
) -> None:
    headers = [*((name, b"close") for name in hop), *kept]

    assert to_a_peer(headers) == kept
    assert to_a_client(headers, 200) == [*kept, VIA]


def test_what_connection_lists_stays_behind() -> None:
    headers = [(b"connection", b"close, X-Secret"), (b"x-secret", b"1"), (b"x-open", b"2")]

    assert to_a_peer(headers) == [(b"x-open", b"2")]


def test_what_frames_the_message_cannot_be_listed_away() -> None:
    headers = [(b"connection", b"Content-Length, x"), (b"content-length", b"3")]

    assert to_a_peer(headers) == [(b"content-length", b"3")]


@pytest.mark.parametrize(
    "name", [b"cookie", b"host", b"x-forwarded-for", b"forwarded", b"traceparent", b"x-request-id"]
)
def test_what_the_gateway_says_itself_is_not_taken_from_a_client(name: bytes) -> None:
    assert to_a_peer([(name, b"forged")]) == []


@pytest.mark.parametrize(("status", "there"), [(200, True), (204, False), (304, False)])
def test_an_answer_without_a_body_announces_none(status: int, *, there: bool) -> None:
    assert ((b"content-length", b"5") in to_a_client([(b"content-length", b"5")], status)) is there


@pytest.mark.parametrize("given_id", [b"a", b"A-1_b.c", b"x" * 64])
def test_an_id_in_the_right_form_is_kept(given_id: bytes) -> None:
    assert request_id([(b"x-request-id", given_id)]) == given_id


@pytest.mark.parametrize("given_id", [b"", b"x" * 65, b"a b", b"a\nb", b"<script>", b"\xff"])
def test_any_other_id_is_replaced(given_id: bytes) -> None:
    assert request_id([(b"x-request-id", given_id)]) not in (given_id, request_id([]))


@pytest.mark.parametrize(
    ("cookie", "found"),
    [
        (f"session={_ID}", _ID),
        (f"a=b; session={_ID}; c=d", _ID),
        (f"xsession={_ID}", None),
        (f"a=session={_ID}", None),
        ("session=short", None),
        (f"session={_ID}x", None),
        ("session", None),
        ("", None),
    ],
)
def test_a_session_is_found_among_cookies(cookie: str, found: str | None) -> None:
    assert session_id([(b"cookie", cookie.encode())]) == found


@pytest.mark.parametrize(
    ("listed", "hop"),
    [
        ([], None),
        ([b"1.1.1.1"], b"1.1.1.1"),
        ([b"6.6.6.6, 1.1.1.1"], b"1.1.1.1"),
        ([b"6.6.6.6", b"1.1.1.1"], b"1.1.1.1"),
    ],
)
def test_only_the_nearest_proxy_is_believed(listed: list[bytes], hop: bytes | None) -> None:
    assert last_hop([(b"x-forwarded-for", value) for value in listed]) == hop
