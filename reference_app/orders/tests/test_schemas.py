"""What is shown is what is described."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reference_app.orders.domain import Item, Order, Status
from reference_app.orders.schemas import OrderBody, OrderShown

_PRODUCT = "00000000-0000-4000-8000-000000000001"
_ITEMS = st.builds(
    Item,
    product_id=st.uuids(),
    sku=st.text(max_size=32),
    name=st.text(max_size=120),
    quantity=st.integers(1, 1000),
    unit_price_cents=st.integers(0, 100_000_000),
)
_ORDERS = st.builds(
    Order,
    id=st.uuids(),
    customer=st.text("aZ0._-", min_size=1, max_size=64),
    status=st.sampled_from(Status),
    reason=st.none() | st.text(max_size=50),
    items=st.lists(_ITEMS, min_size=1, max_size=5).map(tuple),
    total_cents=st.integers(0, 5 * 10**12),
    version=st.integers(1, 5),
    created_at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    updated_at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the same
)


@given(_ORDERS)
def test_an_order_is_shown_as_the_schema_says(order: Order) -> None:
    assert json.loads(OrderShown.text(order)) == OrderShown.model_validate(order).model_dump(mode="json")


def _body(*quantities: object, **changes: object) -> str:
    items = [{"product_id": str(uuid.UUID(int=number)), "quantity": one} for number, one in enumerate(quantities)]
    return json.dumps({"customer": "ann", "items": items, **changes})


def test_two_requests_for_the_same_have_one_fingerprint() -> None:
    compact, spacious = _body(1, 2), json.dumps(json.loads(_body(1, 2)), indent=4, sort_keys=True)

    same = {OrderBody.model_validate_json(text).fingerprint for text in (compact, spacious)}
    other = {OrderBody.model_validate_json(text).fingerprint for text in (_body(2, 1), _body(1, 2, customer="bob"))}

    assert len(same) == 1
    assert len(same | other) == 3


@pytest.mark.parametrize(
    "body",
    [
        _body(),
        _body(0),
        _body(1001),
        _body(1.5),
        _body("one"),
        _body(*([1] * 51)),
        _body(1, customer=""),
        _body(1, customer="a b"),
        _body(1, customer="ä"),
        _body(1, customer="a\n"),
        _body(1, customer="a" * 65),
        _body(1, extra=1),
        json.dumps({"customer": "ann", "items": [{"product_id": _PRODUCT, "quantity": 1}] * 2}),
    ],
)
def test_a_body_that_asks_for_nonsense_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        OrderBody.model_validate_json(body)


def test_a_body_at_the_limits_is_taken() -> None:
    assert len(OrderBody.model_validate_json(_body(*([1000] * 50), customer="A-z_0." * 10)).draft().items) == 50
