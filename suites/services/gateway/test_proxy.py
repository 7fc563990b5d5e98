"""What passes through the gateway comes out as it went in, and what is away is said."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from suites.services.gateway.conftest import answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from suites.services.gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.anyio
_MEBIBYTE = 1024 * 1024
_SOON = 10


async def test_a_request_is_passed_on_as_it_is(gateway: Gateway) -> None:
    await gateway.client.request(
        "PUT",
        "/catalog/products/a%20b%3Fc?search=x%26y&x=1",
        content=b'{"a": 1}',
        headers={"Content-Type": "application/json", "If-Match": '"3"', "Idempotency-Key": "k"},
    )
    (asked,) = gateway.catalog.asked
    assert (asked.method, asked.raw_path, asked.query) == ("PUT", b"/catalog/products/a%20b%3Fc", b"search=x%26y&x=1")
    assert asked.body == b'{"a": 1}'
    assert (asked.header(b"content-type"), asked.header(b"if-match"), asked.header(b"idempotency-key")) == (
        b"application/json",
        b'"3"',
        b"k",
    )
    assert gateway.orders.asked == []


async def test_the_hop_keeps_its_own_fields_and_the_peer_is_told_who_asks(gateway: Gateway) -> None:
    await gateway.client.get(
        "/orders",
        headers={
            "Connection": "keep-alive, X-Private",
            "X-Private": "1",
            "TE": "trailers",
            "Cookie": "session=secret; other=1",
            "X-Forwarded-For": "6.6.6.6",
            "X-Request-Id": "from-the-client",
            "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        },
    )
    (asked,) = gateway.orders.asked
    for dropped in (b"x-private", b"te", b"cookie"):
        assert asked.header(dropped) is None
    # Nobody said that whoever asks is a proxy to be believed.
    assert asked.header(b"x-forwarded-for") == b"127.0.0.1"
    assert asked.header(b"x-forwarded-proto") == b"http"
    assert asked.header(b"x-request-id") == b"from-the-client"
    traceparent = asked.header(b"traceparent") or b""
    assert traceparent.startswith(b"00-" + b"a" * 32)
    assert b"b" * 16 not in traceparent


async def test_a_proxy_that_is_trusted_is_believed(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(trusted_proxies="127.0.0.0/8")
    await gateway.client.get("/orders", headers={"X-Forwarded-For": "10.1.1.1", "X-Forwarded-Proto": "https"})
    (asked,) = gateway.orders.asked
    assert asked.header(b"x-forwarded-for") == b"10.1.1.1, 127.0.0.1"
    assert asked.header(b"x-forwarded-proto") == b"https"


async def test_an_answer_comes_back_as_it_is(gateway: Gateway) -> None:
    headers = ((b"etag", b'"7"'), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-cache", b"hit"))
    gateway.catalog.will = answer(409, b"\x00\xff not text", headers)
    response = await gateway.client.get("/catalog/x")
    assert (response.status_code, response.content) == (409, b"\x00\xff not text")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (response.headers["etag"], response.headers["x-cache"], response.headers["via"]) == (
        '"7"',
        "hit",
        "1.1 gateway",
    )
    assert response.headers["x-request-id"]


async def test_nothing_stands_behind_the_head_of_an_answer_to_head_and_304(gateway: Gateway) -> None:
    async def head(_scope: Scope, _receive: Receive, send: Send) -> None:
        length = [(b"content-length", b"1234")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b""})

    gateway.catalog.will = head
    answered = await gateway.client.head("/catalog/x")
    assert (answered.status_code, answered.headers["content-length"], answered.content) == (200, "1234", b"")
    gateway.catalog.will = answer(304, b"", ((b"etag", b'"7"'),))
    answered = await gateway.client.get("/catalog/x", headers={"If-None-Match": '"7"'})
    assert (answered.status_code, answered.content) == (304, b"")


async def test_large_bodies_pass_both_ways_whole(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(body_limit=8 * _MEBIBYTE)
    content = bytes(range(256)) * 20_000

    async def echo(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for begin in range(0, len(content), 100_000):
            part = gateway.catalog.asked[-1].body[begin : begin + 100_000]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway.catalog.will = echo

    async def parts() -> object:
        for begin in range(0, len(content), 70_000):
            yield content[begin : begin + 70_000]

    for body in (content, parts()):
        response = await gateway.client.post("/catalog/x", content=body)  # type: ignore[arg-type] # an async iterator
        assert hashlib.sha256(response.content).digest() == hashlib.sha256(content).digest()


async def test_a_body_that_is_too_large_is_refused_announced_or_not(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(body_limit=100_000)

    async def parts() -> object:
        for _ in range(20):
            yield b"x" * 10_000

    for body in (b"x" * 100_001, parts()):
        response = await gateway.client.post("/orders", content=body)  # type: ignore[arg-type] # an async iterator
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"


async def test_events_come_through_while_the_stream_is_open(gateway: Gateway) -> None:
    heard = asyncio.Event()

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await asyncio.wait_for(heard.wait(), _SOON)
        await send({"type": "http.response.body", "body": b"data: second\n\n"})

    gateway.orders.will = stream
    parts = []
    async with gateway.client.stream("GET", "/orders/1/events") as response:
        async for part in response.aiter_raw():
            parts.append(part)
            heard.set()
    assert parts == [b"data: first\n\n", b"data: second\n\n"]


async def test_a_client_that_leaves_ends_the_request_behind(gateway: Gateway) -> None:
    async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            continue
        gateway.orders.left.set()

    gateway.orders.will = stream
    async with gateway.client.stream("GET", "/orders/1/events") as response:
        await anext(response.aiter_raw())
    await asyncio.wait_for(gateway.orders.left.wait(), _SOON)


async def test_an_answer_that_breaks_off_is_not_made_whole(gateway: Gateway) -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"200000")]})
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        raise ConnectionAbortedError

    gateway.catalog.will = broken
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.client.get("/catalog/x")


async def _gone() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_peer_that_is_away_is_said_at_once_and_used_again_once_it_is_back(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(orders_url=await _gone(), breaker_failures=3, breaker_recovery=0.3)
    statuses = []
    for _ in range(6):
        response = await gateway.client.post("/orders", content=b"{}")
        statuses.append(response.status_code)
        assert response.json()["type"] == "urn:seatrial:problem:peer-unavailable"
        assert int(response.headers["retry-after"]) >= 1
    assert statuses == [503] * 6
    assert gateway.sample("gateway_peer_requests_total", peer="orders", outcome="unreachable") == 3
    assert gateway.sample("gateway_peer_requests_total", peer="orders", outcome="refused") == 3
    assert gateway.sample("gateway_breaker_state", peer="orders") == 2
    # The other one goes on.
    assert (await gateway.client.get("/catalog/x")).status_code == 200


async def test_a_peer_that_takes_no_connection_is_away_and_not_slow(start_gateway: StartGateway) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # As behind a service without replicas: nobody answers the request to connect.
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)  # noqa: FBT003 - the only way it takes it
                waiting.connect_ex(full.getsockname())
            gateway = await start_gateway(
                orders_url=f"http://127.0.0.1:{full.getsockname()[1]}", peer_connect_timeout=0.02
            )
            response = await gateway.client.post("/orders", content=b"{}")
    assert (response.status_code, response.json()["type"]) == (503, "urn:seatrial:problem:peer-unavailable")


async def test_a_breaker_closes_again_by_itself(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(breaker_failures=2, breaker_recovery=0.2, peer_timeout=0.1)

    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(5)

    gateway.orders.will = silent
    for _ in range(2):
        response = await gateway.client.get("/orders")
        assert (response.status_code, response.json()["type"]) == (504, "urn:seatrial:problem:peer-timeout")
    assert (await gateway.client.get("/orders")).status_code == 503
    gateway.orders.will = None
    async with asyncio.timeout(_SOON):
        while (await gateway.client.get("/orders")).status_code != 200:
            continue
    assert gateway.sample("gateway_breaker_state", peer="orders") == 0


async def test_an_answer_of_a_peer_never_opens_its_breaker(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(breaker_failures=2)
    gateway.orders.will = answer(503, b'{"detail": "my database is away"}')
    for _ in range(5):
        response = await gateway.client.get("/orders")
        assert (response.status_code, response.json()["detail"]) == (503, "my database is away")
    assert gateway.sample("gateway_breaker_state", peer="orders") == 0


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1), ("DELETE", 1)])
async def test_only_what_changes_nothing_is_tried_again(start_gateway: StartGateway, method: str, times: int) -> None:
    asked = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as rude:
        port = rude.sockets[0].getsockname()[1]
        gateway = await start_gateway(orders_url=f"http://127.0.0.1:{port}")
        response = await gateway.client.request(method, "/orders")
    assert (response.status_code, asked) == (503, times)


async def test_a_spent_budget_tries_nothing_again(start_gateway: StartGateway) -> None:
    asked = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as rude:
        port = rude.sockets[0].getsockname()[1]
        gateway = await start_gateway(
            orders_url=f"http://127.0.0.1:{port}", retry_minimum=0, retry_share=0.25, breaker_failures=1000
        )
        for _ in range(20):
            await gateway.client.get("/orders")
    assert asked == 20 + 20 // 4


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/reservations",
        "/catalog/reservations/4d1e",
        "/catalog/%72eservations/4d1e",
        "/catalog//reservations/4d1e",
        "/catalog/./reservations/4d1e",
        "/catalog/x/../reservations/4d1e",
        "/catalog/%2e/reservations/4d1e",
        "/catalog%2freservations/4d1e",
        "/catalog/x%5c..%5creservations/4d1e",
        "//catalog/reservations/4d1e",
    ],
)
async def test_what_is_inside_is_reached_by_no_spelling(gateway: Gateway, path: str) -> None:
    reader, writer = await asyncio.open_connection(*gateway.url.removeprefix("http://").split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    assert int(said.split(b" ")[1]) in (400, 404), said
    assert b"application/problem+json" in said
    assert gateway.catalog.asked == []


async def test_what_only_begins_like_it_is_reached(gateway: Gateway) -> None:
    assert (await gateway.client.get("/catalog/reservations-of-old")).status_code == 200
    assert (await gateway.client.get("/catalogue")).status_code == 404


async def test_a_method_that_is_not_passed_on_is_refused(gateway: Gateway) -> None:
    response = await gateway.client.request("TRACE", "/catalog/x")
    assert (response.status_code, gateway.catalog.asked) == (405, [])
    assert "GET" in response.headers["allow"]


async def test_who_asks_too_often_waits(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(rate_limit=1, rate_burst=5)
    answers = [await gateway.client.get("/catalog/x") for _ in range(7)]
    assert [response.status_code for response in answers[:5]] == [200] * 5
    assert answers[6].status_code == 429
    assert int(answers[6].headers["retry-after"]) >= 1
    assert answers[6].json()["type"] == "urn:seatrial:problem:rate-limited"
    # The platform's own questions are not a client's.
    assert (await gateway.client.get("/healthz")).status_code == 200


async def test_requests_are_counted_by_template(gateway: Gateway) -> None:
    for path in ("/catalog/products/1", "/catalog/products/2", "/orders"):
        await gateway.client.get(path)
    counted = {"method": "GET", "status": "200"}
    assert gateway.sample("http_requests_total", route="/catalog/{path}", **counted) == 2
    assert gateway.sample("http_requests_total", route="/orders/{path}", **counted) == 1


async def test_a_head_that_is_too_large_is_refused(gateway: Gateway) -> None:
    response = await gateway.client.get("/orders", headers={"X-Padding": "x" * 10_000})
    assert (response.status_code, response.headers["content-type"]) == (431, "application/problem+json")
    assert gateway.orders.asked == []


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\nContent-Length: x",
        b"GET /\x00 HTTP/1.1",
        b"\xff\xfe",
        b"POST / HTTP/1.1\r\nContent-Length: -1",
    ],
)
async def test_what_is_no_http_is_refused_in_kind(gateway: Gateway, request_line: bytes) -> None:
    reader, writer = await asyncio.open_connection(*gateway.url.removeprefix("http://").split(":"))
    writer.write(request_line + b"\r\nHost: shop\r\n\r\n")
    said = await reader.read()
    writer.close()
    assert said.startswith(b"HTTP/1.1 4"), said
    assert b"application/problem+json" in said
