"""What may become of an order, and what may not."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from suites.services.orders.conftest import Shop

pytestmark = pytest.mark.anyio

_WAYS = {
    "pending": (),
    "confirmed": ("settle",),
    "shipped": ("settle", "ship"),
    "delivered": ("settle", "ship", "deliver"),
    "cancelled": ("cancel",),
}


async def _brought_to(shop: Shop, status: str) -> str:
    path = await shop.placed()
    for step in _WAYS[status]:
        if step == "settle":
            await shop.settle()
        else:
            assert (await shop.client.post(f"{path}/{step}")).status_code == 200
    assert (await shop.status(path))[0] == status
    return path


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ("pending", "cancel", "cancelled"),
        ("confirmed", "cancel", "cancelled"),
        ("confirmed", "ship", "shipped"),
        ("shipped", "deliver", "delivered"),
    ],
)
async def test_an_order_goes_on(shop: Shop, before: str, step: str, after: str) -> None:
    path = await _brought_to(shop, before)
    version = (await shop.client.get(path)).json()["version"]

    moved = await shop.client.post(f"{path}/{step}")

    order = moved.json()
    assert (moved.status_code, order["status"], order["version"]) == (200, after, version + 1)
    assert order["reason"] == ("cancelled by the customer" if after == "cancelled" else None)
    assert moved.headers["etag"] == f'"{version + 1}"'
    assert (await shop.client.get(path)).json() == order
    history = (await shop.client.get(f"{path}/history")).json()["items"]
    assert [entry["sequence"] for entry in history] == list(range(1, version + 2))
    assert history[-1] == {
        "sequence": version + 1,
        "status": after,
        "reason": order["reason"],
        "at": order["updated_at"],
    }
    assert [entry["at"] for entry in history] == sorted(entry["at"] for entry in history)
    events = shop.rows("SELECT type, sequence FROM outbox ORDER BY position")
    assert events[-1] == {"type": f"order.{after}", "sequence": version + 1}
    assert shop.orders.sample("orders_transitions_total", status=after) == 1


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ("pending", "ship"),
        ("pending", "deliver"),
        ("confirmed", "deliver"),
        ("shipped", "cancel"),
        ("delivered", "cancel"),
        ("delivered", "ship"),
        ("cancelled", "ship"),
        ("cancelled", "deliver"),
    ],
)
async def test_an_order_does_not_go_elsewhere(shop: Shop, before: str, step: str) -> None:
    path = await _brought_to(shop, before)
    order = (await shop.client.get(path)).json()
    events = len(shop.rows("SELECT FROM outbox"))

    refused = await shop.client.post(f"{path}/{step}")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:seatrial:problem:transition-refused")
    assert (await shop.client.get(path)).json() == order
    assert len(shop.rows("SELECT FROM outbox")) == events


@pytest.mark.parametrize(("status", "step"), [("cancelled", "cancel"), ("shipped", "ship"), ("delivered", "deliver")])
async def test_a_repeated_step_changes_nothing(shop: Shop, status: str, step: str) -> None:
    path = await _brought_to(shop, status)
    order = (await shop.client.get(path)).json()

    again = await shop.client.post(f"{path}/{step}", headers={"If-Match": '"1"'})

    assert (again.status_code, again.json()) == (200, order)
    assert len((await shop.client.get(f"{path}/history")).json()["items"]) == order["version"]


@pytest.mark.parametrize(("tag", "status"), [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ('W/"1"', 412)])
async def test_a_step_can_be_bound_to_a_version(shop: Shop, tag: str, status: int) -> None:
    path = await shop.placed()

    answer = await shop.client.post(f"{path}/cancel", headers={"If-Match": tag})

    assert answer.status_code == status
    if status == 412:
        assert answer.json()["type"] == "urn:seatrial:problem:version-conflict"
        assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("tag", ["1", '"1', ""])
async def test_a_malformed_version_is_told(shop: Shop, tag: str) -> None:
    path = await shop.placed()

    answer = await shop.client.post(f"{path}/cancel", headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:seatrial:problem:malformed-precondition")


async def test_of_many_steps_at_once_one_is_made(shop: Shop) -> None:
    path = await _brought_to(shop, "confirmed")

    answers = await asyncio.gather(
        *(shop.client.post(f"{path}/{('ship', 'cancel')[number % 2]}") for number in range(40))
    )

    status, _ = await shop.status(path)
    won, lost = ("ship", "cancel") if status == "shipped" else ("cancel", "ship")
    by_step = {"ship": {one.status_code for one in answers[::2]}, "cancel": {one.status_code for one in answers[1::2]}}
    assert (by_step[won], by_step[lost]) == ({200}, {409})
    history = (await shop.client.get(f"{path}/history")).json()["items"]
    assert [entry["status"] for entry in history] == ["pending", "confirmed", status]
    assert shop.rows("SELECT count(*) FROM outbox") == [{"count": 3}]


async def test_there_is_nothing_to_do_to_an_order_that_is_not_there(shop: Shop) -> None:
    path = f"/orders/{uuid.uuid4()}"

    for method, below in (
        *(("GET", part) for part in ("", "/history", "/events")),
        *(("POST", f"/{step}") for step in ("cancel", "ship", "deliver")),
    ):
        answer = await shop.client.request(method, f"{path}{below}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:seatrial:problem:not-found"), below
