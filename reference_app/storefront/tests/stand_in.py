"""A stand-in for the gateway and what is behind it, in memory: the contract, and switches to break it."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CATEGORY = {
    "id": "00000000-0000-4000-8000-0000000000c1",
    "slug": "navigation",
    "name": "Navigation",
    "description": "Where am I?",
}


def problem(status: int, kind: str, detail: str = "", headers: dict[str, str] | None = None) -> web.Response:
    said = {"type": f"urn:seatrial:problem:{kind}", "title": kind, "status": status, "detail": detail}
    return web.json_response(said, status=status, headers=headers, content_type="application/problem+json")


def product(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "id": str(uuid.UUID(int=number)),
        "sku": f"NAV-{number:03}",
        "name": f"Compass {number}",
        "description": "Points north.",
        "category_id": CATEGORY["id"],
        "price_cents": 1250,
        "stock": 20,
        "version": 1,
        "updated_at": "2031-05-04T03:02:01Z",
        **changes,
    }


@dataclass
class StandIn:
    """The shop behind the storefront. *seen* is what was asked, with headers.

    The parts in *broken* answer 503, those in *held* do as they are asked and answer only once they may *go_on*.
    """

    products: list[dict[str, Any]] = field(default_factory=lambda: [product(number) for number in range(1, 41)])
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    uploads: dict[str, tuple[dict[str, Any], bytes]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    seen: list[web.Request] = field(default_factory=list)
    lose_answers: int = 0
    held: set[str] = field(default_factory=set)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StandIn]:
        """Serve on a free port of this machine's own address."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def move(self, order_id: str, status: str, reason: str | None = None) -> None:
        """Let an order go on."""
        self.orders[order_id].update(status=status, reason=reason)
        steps = self.history[order_id]
        steps.append(
            {"sequence": len(steps) + 1, "status": status, "reason": reason, "at": datetime.now(UTC).isoformat()}
        )
        self.moved.set()
        self.moved = asyncio.Event()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._meddle], client_max_size=2**30)
        app.add_routes(
            [
                web.get("/catalog/categories", self._categories),
                web.get("/catalog/products", self._products),
                web.get("/catalog/products/{id}", self._product),
                web.get("/api/health", self._health),
                web.post("/api/session", self._begin),
                web.get("/api/session", self._session),
                web.put("/api/session/cart", self._cart),
                web.post("/orders", self._place),
                web.get("/orders", self._orders),
                web.get("/orders/{id}", self._order),
                web.get("/orders/{id}/history", self._history),
                web.get("/orders/{id}/events", self._events),
                web.post("/orders/{id}/cancel", self._cancel),
                web.post("/api/uploads", self._upload),
                web.get("/api/uploads", self._uploads),
                web.get("/api/uploads/{id}", self._download),
                web.post("/api/uploads/{id}/link", self._link),
                web.delete("/api/uploads/{id}", self._delete),
            ]
        )
        return app

    @web.middleware
    async def _meddle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(request)
        first, *more = request.path.strip("/").split("/")
        part = more[0] if first == "api" else first
        if part in self.broken or "gateway" in self.broken:
            return problem(503, "peer-unavailable", headers={"Retry-After": "7"})
        answer = await handler(request)
        if part in self.held:
            await self.go_on.wait()
        if self.lose_answers and request.method == "POST" and request.path == "/orders":
            self.lose_answers -= 1
            return problem(504, "peer-timeout")
        return answer

    async def _categories(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [CATEGORY], "next_cursor": None})

    async def _products(self, request: web.Request) -> web.Response:
        if "ids" in request.query:
            wanted = request.query.getall("ids")
            return web.json_response(
                {"items": [one for one in self.products if one["id"] in wanted], "next_cursor": None}
            )
        search = request.query.get("search", "").lower()
        if (category := request.query.get("category")) and category != CATEGORY["slug"]:
            return web.json_response({"items": [], "next_cursor": None})
        found = [one for one in self.products if search in one["name"].lower()]
        cursor = request.query.get("cursor", "0")
        if not cursor.isdecimal():
            return problem(422, "validation", "no cursor")
        start, limit = int(cursor), int(request.query["limit"])
        following = str(start + limit) if len(found) > start + limit else None
        return web.json_response({"items": found[start : start + limit], "next_cursor": following})

    async def _product(self, request: web.Request) -> web.Response:
        for one in self.products:
            if one["id"] == request.match_info["id"]:
                return web.json_response(one)
        return problem(404, "not-found", "There is no such product.")

    async def _health(self, _request: web.Request) -> web.Response:
        peers = {
            name: {"status": "down", "breaker": "open", "latency_ms": None}
            if part in self.broken
            else {"status": "ok", "breaker": "closed", "latency_ms": 1.5}
            for name, part in (
                ("catalog", "catalog"),
                ("orders", "orders"),
                ("sessions", "session"),
                ("uploads", "uploads"),
            )
        }
        return web.json_response({"status": "degraded" if self.broken else "ok", "peers": peers})

    async def _begin(self, _request: web.Request) -> web.Response:
        name = secrets.token_urlsafe(32)
        self.sessions[name] = {"customer": str(uuid.uuid4()), "cart": []}
        answer = web.json_response(self.sessions[name], status=201)
        answer.set_cookie("session", name, httponly=True, samesite="Lax", path="/")
        return answer

    def _of(self, request: web.Request) -> dict[str, Any] | None:
        return self.sessions.get(request.cookies.get("session", ""))

    async def _session(self, request: web.Request) -> web.Response:
        session = self._of(request)
        return web.json_response(session) if session else problem(401, "no-session")

    async def _cart(self, request: web.Request) -> web.Response:
        session = self._of(request)
        if session is None:
            return problem(401, "no-session")
        session["cart"] = (await request.json())["items"]
        return web.json_response(session)

    async def _place(self, request: web.Request) -> web.Response:
        key, text = request.headers["Idempotency-Key"], await request.text()
        if key in self.keys:
            first, order_id = self.keys[key]
            if first != text:
                return problem(422, "idempotency-key-reused")
            return web.json_response(self.orders[order_id], status=201, headers={"Idempotent-Replayed": "true"})
        asked = json.loads(text)
        known = {one["id"]: one for one in self.products}
        order_id = str(uuid.uuid4())
        items = [
            {
                "product_id": item["product_id"],
                "sku": known[item["product_id"]]["sku"],
                "name": known[item["product_id"]]["name"],
                "quantity": item["quantity"],
                "unit_price_cents": known[item["product_id"]]["price_cents"],
            }
            for item in asked["items"]
        ]
        self.orders[order_id] = {
            "id": order_id,
            "customer": asked["customer"],
            "status": "pending",
            "reason": None,
            "items": items,
            "total_cents": sum(item["quantity"] * item["unit_price_cents"] for item in items),
            "version": 1,
            "created_at": datetime.now(UTC).isoformat(),
            "updated_at": datetime.now(UTC).isoformat(),
        }
        self.history[order_id] = []
        self.keys[key] = (text, order_id)
        self.move(order_id, "pending")
        return web.json_response(self.orders[order_id], status=201)

    async def _orders(self, request: web.Request) -> web.Response:
        customer = request.query.get("customer")
        found = [one for one in self.orders.values() if customer in {None, one["customer"]}]
        return web.json_response({"items": found[::-1], "next_cursor": None})

    async def _order(self, request: web.Request) -> web.Response:
        order = self.orders.get(request.match_info["id"])
        return web.json_response(order) if order else problem(404, "not-found")

    async def _history(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.history[request.match_info["id"]]})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        sent = int(request.headers.get("Last-Event-ID", "0"))
        while True:
            moved = self.moved
            for step in self.history[request.match_info["id"]][sent:]:
                sent = step["sequence"]
                await answer.write(f"event: status\nid: {sent}\ndata: {json.dumps(step)}\n\n".encode())
                if step["status"] in {"delivered", "cancelled"}:
                    return answer
            await moved.wait()

    async def _cancel(self, request: web.Request) -> web.Response:
        order_id = request.match_info["id"]
        if self.orders[order_id]["status"] not in {"pending", "confirmed"}:
            return problem(409, "transition-refused")
        self.move(order_id, "cancelled", "by the customer")
        return web.json_response(self.orders[order_id])

    async def _upload(self, request: web.Request) -> web.Response:
        session = self._of(request)
        if session is None:
            return problem(401, "no-session")
        body = await request.read()
        if request.content_type not in {"text/plain", "image/png"}:
            return problem(415, "unsupported-media-type")
        upload_id = secrets.token_urlsafe(12)
        shown = {
            "id": upload_id,
            "name": request.query["name"],
            "size": len(body),
            "content_type": request.content_type,
            "sha256": "",
            "uploaded_at": datetime.now(UTC).isoformat(),
        }
        self.uploads[upload_id] = (shown, body)
        return web.json_response(shown, status=201)

    async def _uploads(self, request: web.Request) -> web.Response:
        if self._of(request) is None:
            return problem(401, "no-session")
        return web.json_response({"items": [shown for shown, _ in self.uploads.values()]})

    async def _download(self, request: web.Request) -> web.Response:
        found = self.uploads.get(request.match_info["id"])
        if found is None:
            return problem(404, "not-found")
        return web.Response(
            body=found[1], content_type=found[0]["content_type"], headers={"Content-Disposition": "inline"}
        )

    async def _link(self, request: web.Request) -> web.Response:
        upload_id = request.match_info["id"]
        return web.json_response(
            {"url": f"https://store.test/{upload_id}?a=1&b=2", "expires_at": "2031-05-04T03:07:00Z"}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self.uploads.pop(request.match_info["id"], None)
        return web.Response(status=204)
