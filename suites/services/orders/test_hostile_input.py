"""Whatever a caller sends, the answer is problem details with a status below 500, and the service goes on."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from suites.services.orders.conftest import Shop

pytestmark = pytest.mark.anyio

_TEXTS = [
    "'; DROP TABLE orders; --",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}%s%n%(key)s",
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
    "-" * 300,
]
_VALUES: list[object] = [None, True, -1, 1.5, 10**30, [], {}, [[[]]], {"a": {"b": 1}}, "0", "NaN"]
_JSON = {"Content-Type": "application/json"}
_ID = "00000000-0000-0000-0000-000000000000"


def _must_be_civil(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["traceparent"]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert {"type", "title", "detail", "instance", "trace_id"} <= problem.keys()


def _headers() -> dict[str, str]:
    return _JSON | {"Idempotency-Key": str(uuid.uuid4())}


async def _still_works(shop: Shop) -> None:
    assert (await shop.post()).status_code == 201
    assert (await shop.client.get("/orders")).status_code == 200


@pytest.mark.parametrize("field", ["customer", "items", "product_id", "quantity", "unknown", "unknown in an item"])
async def test_every_field_of_an_order_takes_or_refuses_anything(shop: Shop, field: str) -> None:
    product = shop.products[0]["id"]
    for value in [*_TEXTS, *_VALUES]:
        item: dict[str, object] = {"product_id": product, "quantity": 1}
        body: dict[str, object] = {"customer": "ann", "items": [item]}
        if field in {"customer", "items", "unknown"}:
            body[field] = value
        else:
            item[field] = value
        answer = await shop.client.post("/orders", content=json.dumps(body).encode(), headers=_headers())
        _must_be_civil(answer)
    await _still_works(shop)


@pytest.mark.parametrize("text", _TEXTS)
async def test_every_parameter_and_header_takes_or_refuses_any_text(shop: Shop, text: str) -> None:
    sent = text.encode("utf-8", "surrogatepass")[:2000]
    path = await shop.placed()
    for name in ("customer", "status", "cursor", "limit"):
        _must_be_civil(await shop.client.get("/orders", params={name: sent.decode("latin-1")}))
    for method, below, header in (
        ("POST", "/cancel", b"If-Match"),
        ("GET", "", b"If-None-Match"),
        ("GET", "/events", b"Last-Event-ID"),
    ):
        # The stream of an order that is cancelled ends.
        _must_be_civil(await shop.client.request(method, f"{path}{below}", headers=[(header, sent)]))
        await shop.client.post(f"{path}/cancel")
    headers = [(b"Idempotency-Key", sent), (b"Content-Type", b"application/json")]
    _must_be_civil(await shop.client.post("/orders", content=json.dumps(shop.body(1)), headers=headers))
    await _still_works(shop)


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
        b'{"customer": "\xff"}',
        b"[" * 50_000,
        b'{"a":' * 10_000,
        b'{"items": ' + b"9" * 5_000 + b"}",
        b'{"customer": NaN}',
        b'{"items": [{"quantity": 1e999}]}',
        b'{"customer": "\\ud800"}',
        b'{"customer": 1, "customer": 2}',
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_any_body_is_taken_or_refused(shop: Shop, body: bytes) -> None:
    answer = await shop.client.post("/orders", content=body, headers=_headers())

    _must_be_civil(answer)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"].startswith("body")
    await _still_works(shop)


async def test_what_is_wrong_is_told_by_its_place(shop: Shop) -> None:
    body = {"customer": "a b", "items": [{"product_id": shop.products[0]["id"], "quantity": 0}]}

    answer = await shop.client.post("/orders", json=body, headers=_headers())

    assert [error["where"] for error in answer.json()["errors"]] == ["body/customer", "body/items/0/quantity"]


async def test_a_step_needs_no_body_and_minds_none(shop: Shop) -> None:
    path = await shop.placed()

    answer = await shop.client.post(f"{path}/cancel", content=b"[" * 50_000, headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_a_body_that_is_too_large_is_refused_announced_or_not(shop: Shop) -> None:
    async def stream() -> httpx.AsyncByteStream:  # type: ignore[misc]
        for _ in range(100):
            yield b" " * 1024

    announced = await shop.client.post("/orders", content=b" " * 70_000, headers=_headers())
    streamed = await shop.client.post("/orders", content=stream(), headers=_headers())

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
        ("", 415),
        ("nonsense/////", 415),
    ],
)
async def test_only_json_is_taken(shop: Shop, content_type: str, status: int) -> None:
    answer = await shop.client.post(
        "/orders", content=json.dumps(shop.body(1)).encode(), headers=_headers() | {"Content-Type": content_type}
    )

    _must_be_civil(answer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/orders/", 404),
        ("GET", "/orders/not-an-id", 422),
        ("GET", "/orders/%00", 422),
        ("GET", "/orders/%ff%fe", 422),
        ("GET", f"/orders/{_ID}", 404),
        ("GET", f"/orders/{_ID}/nothing", 404),
        ("POST", f"/orders/{_ID}/confirm", 404),
        ("POST", "/orders/not-an-id/cancel", 422),
        ("GET", "/orders?limit=0", 422),
        ("GET", "/orders?limit=101", 422),
        ("GET", "/orders?limit=" + "9" * 5000, 422),
        ("GET", "/orders?status=lost", 422),
        ("GET", "/metrics", 404),
        ("PUT", "/fault", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/orders", 405),
        ("PATCH", f"/orders/{_ID}", 405),
        ("GET", f"/orders/{_ID}/cancel", 405),
        ("TRACE", "/orders", 405),
        ("BREW", "/orders", 405),
    ],
)
async def test_wrong_paths_and_methods_are_told(shop: Shop, method: str, path: str, status: int) -> None:
    answer = await shop.client.request(method, path)

    _must_be_civil(answer)
    assert answer.status_code == status
    if status == 405:
        assert answer.headers["allow"]


async def test_foreign_paths_and_methods_make_no_new_series(shop: Shop) -> None:
    for number in range(20):
        await shop.client.request(f"METHOD{number}", "/orders")
        await shop.client.get(f"/made-up-{number}")

    assert shop.orders.sample("http_requests_total", method="other", route="/orders", status="405") == 20
    assert shop.orders.sample("http_requests_total", method="GET", route="unmatched", status="404") == 20


async def test_an_error_in_the_code_is_a_problem_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(shop.orders.app.state.parts.store, "order", fail)

    answer = await shop.client.get(f"/orders/{_ID}")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_the_description_of_the_interface_knows_what_an_order_needs(shop: Shop) -> None:
    place = (await shop.client.get("/openapi.json")).json()["paths"]["/orders"]["post"]

    assert [(one["name"], one["in"], one["required"]) for one in place["parameters"]] == [
        ("Idempotency-Key", "header", True)
    ]
    body = place["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"customer", "items"}
    assert set(body["properties"]["items"]["items"]["required"]) == {"product_id", "quantity"}
    assert "$ref" not in json.dumps(body)
