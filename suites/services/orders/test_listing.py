"""Lists of orders: the newest first, in pages, of one customer or in one status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from suites.services.orders.conftest import Shop

pytestmark = pytest.mark.anyio


async def _pages(shop: Shop, **parameters: str | int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        query = parameters if cursor is None else parameters | {"cursor": cursor}
        page = (await shop.client.get("/orders", params=query)).json()
        pages.append([order["id"] for order in page["items"]])
        if (cursor := page["next_cursor"]) is None:
            return pages


async def test_pages_show_every_order_once_the_newest_first(shop: Shop) -> None:
    paths = [await shop.placed() for _ in range(11)]
    # Orders of one moment have an order too.
    shop.execute("UPDATE orders SET created_at = '2026-01-01' WHERE created_at < (SELECT max(created_at) FROM orders)")

    pages = await _pages(shop, limit=4)

    seen = [one for page in pages for one in page]
    assert [len(page) for page in pages] == [4, 4, 3]
    assert seen[0] == paths[-1].removeprefix("/orders/")
    assert {f"/orders/{one}" for one in seen} == set(paths)
    assert len(set(seen)) == 11


async def test_a_listed_order_is_shown_as_when_it_is_read(shop: Shop) -> None:
    path = await shop.placed(shop.body(1, 2, 3))

    page = (await shop.client.get("/orders")).json()

    assert page == {"items": [(await shop.client.get(path)).json()], "next_cursor": None}


async def test_customer_and_status_narrow_the_list_together(shop: Shop) -> None:
    hers = [await shop.placed(shop.body(1, customer="ann")) for _ in range(3)]
    his = await shop.placed(shop.body(1, customer="bob"))
    for path in (hers[1], his):
        await shop.client.post(f"{path}/cancel")

    async def listed(**parameters: str) -> set[str]:
        return {f"/orders/{one}" for page in await _pages(shop, limit=1, **parameters) for one in page}

    assert await listed(customer="ann") == set(hers)
    assert await listed(status="cancelled") == {hers[1], his}
    assert await listed(customer="ann", status="cancelled") == {hers[1]}
    assert await listed(customer="nobody") == set()
    assert await listed(status="shipped") == set()


async def test_a_page_holds_twenty_unless_asked(shop: Shop) -> None:
    for _ in range(21):
        await shop.placed()

    assert len((await shop.client.get("/orders")).json()["items"]) == 20


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "bnVsbA", "A" * 32, "_" * 32, "A" * 99, "é"])
async def test_a_made_up_cursor_is_refused_or_leads_nowhere(shop: Shop, cursor: str) -> None:
    await shop.placed()

    answer = await shop.client.get("/orders", params={"cursor": cursor})

    if cursor == "A" * 32:
        # The beginning of time, before which there is nothing.
        assert answer.json() == {"items": [], "next_cursor": None}
    else:
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query/cursor")
