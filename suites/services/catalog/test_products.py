"""Products: create, read, replace, delete, search, page."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from suites.services.catalog.conftest import StartReplica

pytestmark = pytest.mark.anyio

Body = dict[str, str | int]


async def _category(client: httpx.AsyncClient, slug: str = "ropes") -> str:
    page = (await client.get("/categories", params={"limit": 100})).json()
    return next(str(item["id"]) for item in page["items"] if item["slug"] == slug)


async def _body(client: httpx.AsyncClient, **changes: str | int) -> Body:
    return {"sku": "TEST-1", "name": "Test rope", "category_id": await _category(client), "price_cents": 990, **changes}


async def _created(client: httpx.AsyncClient, **changes: str | int) -> httpx.Response:
    answer = await client.post("/products", json=await _body(client, **changes))
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_created_product_can_be_read_where_the_answer_says(client: httpx.AsyncClient) -> None:
    created = await _created(client, description="Ten metres.", stock=3)

    read = await client.get(created.headers["location"])

    assert read.status_code == 200
    assert read.json() == created.json()
    assert read.json() | await _body(client, description="Ten metres.", stock=3) == read.json()
    assert read.headers["etag"] == created.headers["etag"] == '"1"'


async def test_an_unchanged_product_is_not_sent_again(client: httpx.AsyncClient) -> None:
    location = (await _created(client)).headers["location"]

    again = await client.get(location, headers={"If-None-Match": 'W/"7", "1"'})
    other = await client.get(location, headers={"If-None-Match": '"7"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')
    assert other.status_code == 200


async def test_a_replacement_raises_the_version(client: httpx.AsyncClient) -> None:
    location = (await _created(client)).headers["location"]

    replaced = await client.put(location, json=await _body(client, name="Better"), headers={"If-Match": '"1"'})

    assert (replaced.status_code, replaced.headers["etag"], replaced.json()["name"]) == (200, '"2"', "Better")
    assert (await client.get(location)).json() == replaced.json()


async def test_the_second_of_two_changes_to_one_version_is_refused(client: httpx.AsyncClient) -> None:
    location = (await _created(client)).headers["location"]
    await client.put(location, json=await _body(client, name="First"), headers={"If-Match": '"1"'})

    second = await client.put(location, json=await _body(client, name="Second"), headers={"If-Match": '"1"'})

    assert second.status_code == 412
    assert second.headers["etag"] == '"2"'
    assert second.json()["type"] == "urn:seatrial:problem:version-conflict"
    assert (await client.get(location)).json()["name"] == "First"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("precondition", "status"),
    [(None, 428), ('"9"', 412), ('W/"1"', 412), ('"x"', 412), ("1", 400), ('"1', 400), ("", 400)],
)
async def test_a_change_needs_the_right_version(
    client: httpx.AsyncClient, method: str, precondition: str | None, status: int
) -> None:
    location = (await _created(client)).headers["location"]
    headers = {} if precondition is None else {"If-Match": precondition}
    body = await _body(client) if method == "PUT" else None

    answer = await client.request(method, location, json=body, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get(location)).headers["etag"] == '"1"'


@pytest.mark.parametrize("precondition", ["*", '"1"', '"8", "1"'])
async def test_a_change_with_the_right_version_is_made(client: httpx.AsyncClient, precondition: str) -> None:
    location = (await _created(client)).headers["location"]

    replaced = await client.put(location, json=await _body(client, name="New"), headers={"If-Match": precondition})

    assert replaced.status_code == 200


async def test_a_deleted_product_is_gone(client: httpx.AsyncClient) -> None:
    location = (await _created(client)).headers["location"]
    await client.get(location)

    deleted = await client.delete(location, headers={"If-Match": '"1"'})

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.get(location)).status_code == 404
    assert (await client.delete(location, headers={"If-Match": '"1"'})).status_code == 404


async def test_a_sku_is_given_once(client: httpx.AsyncClient) -> None:
    await _created(client)
    other = (await _created(client, sku="TEST-2")).headers["location"]

    again = await client.post("/products", json=await _body(client))
    moved = await client.put(other, json=await _body(client), headers={"If-Match": "*"})

    assert (again.status_code, moved.status_code) == (409, 409)
    assert again.json()["detail"] == "Another product has this sku."


async def test_a_product_needs_a_category_that_exists(client: httpx.AsyncClient) -> None:
    answer = await client.post("/products", json=await _body(client, category_id=str(uuid.uuid4())))

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"where": "body/category_id", "what": "there is no such category"}]


async def test_pages_show_every_product_once_in_order(client: httpx.AsyncClient) -> None:
    seen: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        parameters: dict[str, str | int] = {"limit": 37} if cursor is None else {"limit": 37, "cursor": cursor}
        page = (await client.get("/products", params=parameters)).json()
        seen += [(item["name"], item["id"]) for item in page["items"]]
        assert len(page["items"]) <= 37
        if (cursor := page["next_cursor"]) is None:
            break

    assert len(seen) == 240
    assert seen == sorted(seen)
    assert len(set(seen)) == 240


async def test_a_page_holds_twenty_unless_asked(client: httpx.AsyncClient) -> None:
    assert len((await client.get("/products")).json()["items"]) == 20


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "bnVsbA", "WyJhIiwgImIiXQ", "WzEsIDJd", "A" * 999, "é"])
async def test_a_made_up_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/products", params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query/cursor"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("anchors", {"Anchor"}),
        ("lagoon sextant", {"Lagoon sextant"}),
        ('"storm jib" -breeze', {"storm jib"}),
        ("zzz", set()),
    ],
)
async def test_search_finds_word_forms_and_phrases(client: httpx.AsyncClient, search: str, found: set[str]) -> None:
    names = [item["name"] for item in (await client.get("/products", params={"search": search})).json()["items"]]

    assert bool(names) == bool(found)
    for part in found:
        assert any(part in name for name in names)
    assert not any("Breeze" in name for name in names) or "-breeze" not in search


async def test_search_and_category_narrow_the_list_together(client: httpx.AsyncClient) -> None:
    both = (await client.get("/products", params={"search": "breeze", "category": "ropes", "limit": 100})).json()[
        "items"
    ]
    nowhere = (await client.get("/products", params={"category": "submarines"})).json()["items"]

    assert len(both) == 5
    assert {item["category_id"] for item in both} == {await _category(client)}
    assert nowhere == []


async def test_products_can_be_asked_for_by_their_ids(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/products", params={"limit": 100})).json()["items"]
    chosen = [listed[70], listed[3], listed[41]]
    ids = [item["id"] for item in chosen]

    page = (await client.get("/products", params={"ids": [*ids, ids[0], str(uuid.uuid4())], "limit": 1})).json()

    assert page == {"items": [listed[3], listed[41], listed[70]], "next_cursor": None}


@pytest.mark.parametrize("ids", [[""], ["x"], [str(uuid.UUID(int=number)) for number in range(51)]])
async def test_ids_that_are_none_or_too_many_are_refused(client: httpx.AsyncClient, ids: list[str]) -> None:
    assert (await client.get("/products", params={"ids": ids})).status_code == 422
    assert (await client.get("/products", params={"ids": [str(uuid.UUID(int=n)) for n in range(50)]})).json() == {
        "items": [],
        "next_cursor": None,
    }


async def test_paths_are_answered_with_and_without_the_prefix(start_replica: StartReplica) -> None:
    client = (await start_replica(root_path="/catalog")).client
    created = await client.post("/catalog/products", json=await _body(client))
    location = created.headers["location"]

    with_prefix = await client.get(location)
    without = await client.get(location.removeprefix("/catalog"))

    assert location == f"/catalog/products/{created.json()['id']}"
    assert with_prefix.json() == without.json() == created.json()
    assert (await client.get("/catalog/healthz")).status_code == 200
    assert (await client.get("/catalog/openapi.json")).json()["servers"] == [{"url": "/catalog"}]
    assert (await _created(client, sku="TEST-2")).headers["location"].startswith("/products/")
    assert (await client.get("/catalog/catalog/products")).status_code == 404
    assert (await client.get("/catalogue/products")).status_code == 404
