"""Categories: create, read, replace, delete, page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio
_LAMPS = {"slug": "oil-lamps", "name": "Oil lamps", "description": "Warm light."}


async def test_a_category_lives_from_creation_to_deletion(client: httpx.AsyncClient) -> None:
    created = await client.post("/categories", json=_LAMPS)
    location = created.headers["location"]
    read = await client.get(location)
    replaced = await client.put(location, json=_LAMPS | {"name": "Lamps"}, headers={"If-Match": read.headers["etag"]})
    deleted = await client.delete(location, headers={"If-Match": replaced.headers["etag"]})
    gone = await client.get(location)

    assert [one.status_code for one in (created, read, replaced, deleted, gone)] == [201, 200, 200, 204, 404]
    assert read.json() == created.json()
    assert read.json() | _LAMPS == read.json()
    assert (replaced.json()["name"], replaced.json()["version"]) == ("Lamps", 2)


async def test_a_category_with_products_stays(client: httpx.AsyncClient) -> None:
    category = (await client.get("/categories", params={"limit": 1})).json()["items"][0]

    answer = await client.delete(f"/categories/{category['id']}", headers={"If-Match": "*"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:seatrial:problem:category-in-use"
    assert (await client.get(f"/categories/{category['id']}")).status_code == 200


async def test_a_slug_is_given_once(client: httpx.AsyncClient) -> None:
    assert (await client.post("/categories", json=_LAMPS)).status_code == 201
    assert (await client.post("/categories", json=_LAMPS)).status_code == 409


@pytest.mark.parametrize(("precondition", "status"), [(None, 428), ('"9"', 412), ("nonsense", 400)])
async def test_a_change_needs_the_right_version(
    client: httpx.AsyncClient, precondition: str | None, status: int
) -> None:
    location = (await client.post("/categories", json=_LAMPS)).headers["location"]
    headers = {} if precondition is None else {"If-Match": precondition}

    replaced = await client.put(location, json=_LAMPS, headers=headers)
    deleted = await client.delete(location, headers=headers)

    assert (replaced.status_code, deleted.status_code) == (status, status)
    assert (await client.get(location)).headers["etag"] == '"1"'


async def test_pages_follow_each_other(client: httpx.AsyncClient) -> None:
    first = (await client.get("/categories", params={"limit": 7})).json()
    second = (await client.get("/categories", params={"limit": 7, "cursor": first["next_cursor"]})).json()

    names = [item["name"] for item in first["items"] + second["items"]]
    assert (len(names), names, second["next_cursor"]) == (12, sorted(names), None)
