"""Whatever a caller sends, the answer is problem details with a status below 500, and the service goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from suites.services.catalog.conftest import Replica

pytestmark = pytest.mark.anyio

_TEXTS = [
    "'; DROP TABLE products; --",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}%s%n",
    "../../etc/passwd",
    "\u202egnp.exe",
    "\0",
    "a\0b",
    "\x1b[31m",
    "\ud800",
    "😀" * 500,
    "x" * 60_000,
    " ",
    "",
    "&|!():*<->",
    '"unbalanced',
    "-" * 300,
]
_VALUES: list[object] = [None, True, -1, 1.5, 10**30, [], {}, [[[]]], {"a": {"b": 1}}, "0", "NaN"]
_JSON = {"Content-Type": "application/json"}


async def _good(client: httpx.AsyncClient) -> dict[str, object]:
    category = (await client.get("/categories")).json()["items"][0]["id"]
    return {
        "sku": "HOSTILE-1",
        "name": "Hostile",
        "description": "",
        "category_id": category,
        "price_cents": 1,
        "stock": 1,
    }


def _must_be_civil(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["traceparent"]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert {"type", "title", "detail", "instance", "trace_id"} <= problem.keys()


async def _still_works(client: httpx.AsyncClient) -> None:
    assert len((await client.get("/products", params={"limit": 100})).json()["items"]) == 100


@pytest.mark.parametrize("field", ["sku", "name", "description", "category_id", "price_cents", "stock", "unknown"])
async def test_every_field_of_a_product_takes_or_refuses_anything(client: httpx.AsyncClient, field: str) -> None:
    good = await _good(client)
    for number, value in enumerate([*_TEXTS, *_VALUES]):
        body = good | {"sku": f"HOSTILE-{number}"} | {field: value}
        answer = await client.post("/products", content=json.dumps(body).encode(), headers=_JSON)
        _must_be_civil(answer)
        if answer.status_code == 201 and isinstance(value, str) and field in {"name", "description"}:
            # What is taken is kept as it is: escaping is the business of whoever shows it.
            assert (await client.get(answer.headers["location"])).json()[field] == value.strip()
    await _still_works(client)


@pytest.mark.parametrize("text", _TEXTS)
async def test_every_parameter_takes_or_refuses_any_text(client: httpx.AsyncClient, text: str) -> None:
    sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
    for name in ("search", "category", "cursor", "limit"):
        _must_be_civil(await client.get("/products", params={name: sent[:2000]}))
    await _still_works(client)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"name": "\xff"}',
        b"[" * 50_000,
        b'{"a":' * 10_000,
        b'{"price_cents": ' + b"9" * 5_000 + b"}",
        b'{"price_cents": NaN}',
        b'{"price_cents": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"name": 1, "name": 2}',
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_any_body_is_taken_or_refused(client: httpx.AsyncClient, body: bytes) -> None:
    for method, path in (("POST", "/products"), ("POST", "/categories"), ("PUT", "/products/x")):
        answer = await client.request(method, path, content=body, headers=_JSON | {"If-Match": "*"})
        _must_be_civil(answer)
        assert answer.status_code in {400, 422}
    await _still_works(client)


async def test_a_body_that_is_too_large_is_refused_announced_or_not(client: httpx.AsyncClient) -> None:
    async def stream() -> httpx.AsyncByteStream:  # type: ignore[misc]
        for _ in range(100):
            yield b" " * 1024

    announced = await client.post("/products", content=b" " * 70_000, headers=_JSON)
    streamed = await client.post("/products", content=stream(), headers=_JSON)

    for answer in (announced, streamed):
        _must_be_civil(answer)
        assert answer.status_code == 413


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/xml", 415),
        ("", 415),
        ("nonsense/////", 415),
    ],
)
async def test_only_json_is_taken(client: httpx.AsyncClient, content_type: str, status: int) -> None:
    content = json.dumps(await _good(client)).encode()

    answer = await client.post("/products", content=content, headers={"Content-Type": content_type})

    _must_be_civil(answer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/products/", 404),
        ("GET", "/products/not-an-id", 422),
        ("GET", "/products/../../etc/passwd", 404),
        ("GET", "/products/%00", 422),
        ("GET", "/products/%ff%fe", 422),
        ("GET", "/products/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/products?limit=0", 422),
        ("GET", "/products?limit=101", 422),
        ("GET", "/products?limit=" + "9" * 5000, 422),
        ("GET", "/metrics", 404),
        ("GET", "/fault", 404),
        ("PUT", "/fault", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/products", 405),
        ("PATCH", "/products/00000000-0000-0000-0000-000000000000", 405),
        ("TRACE", "/products", 405),
        ("BREW", "/products", 405),
    ],
)
async def test_wrong_paths_and_methods_are_told(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)

    _must_be_civil(answer)
    assert answer.status_code == status
    if status == 405:
        assert answer.headers["allow"]


async def test_foreign_paths_and_methods_make_no_new_series(replica: Replica) -> None:
    for number in range(20):
        await replica.client.request(f"METHOD{number}", "/products")
        await replica.client.get(f"/made-up-{number}")

    assert replica.sample("http_requests_total", method="other", route="/products", status="405") == 20
    assert replica.sample("http_requests_total", method="GET", route="unmatched", status="404") == 20


async def test_an_error_in_the_code_is_a_problem_too(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(replica.cache, "read", fail)

    answer = await replica.client.get("/products/00000000-0000-0000-0000-000000000000")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["trace_id"] == answer.headers["traceparent"].split("-")[1]
    assert "secret" not in answer.text
    assert replica.sample("http_request_errors_total", method="GET", route="/products/{product_id}", status="500") == 1


async def test_a_trace_is_continued_and_a_broken_one_begun_anew(client: httpx.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    continued = await client.get("/healthz", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    begun = await client.get("/healthz", headers={"traceparent": f"00-{trace}-b7ad6b7169203331"})

    assert continued.headers["traceparent"].split("-")[1] == trace
    assert begun.headers["traceparent"].split("-")[1] != trace
