"""An order service for tests of its customers: it remembers keys, and can be told to misbehave.

``PUT /mode/MODE`` sets how orders are answered: ``open``, ``busy`` (503), ``deaf`` (takes the order, and breaks the
connection), ``frozen`` (no answer) or ``refusing`` (422). ``GET /asked`` lists the keys in the order of the requests.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Clerk(BaseHTTPRequestHandler):
    """Answers as the mode says."""

    protocol_version = "HTTP/1.1"
    mode = "open"
    asked: tuple[str, ...] = ()
    taken: dict[str, tuple[bytes, dict[str, object]]] = {}  # noqa: RUF012 (one server, one memory)
    thawed = threading.Event()
    lock = threading.Lock()

    def do_PUT(self) -> None:
        Clerk.mode = self.path.removeprefix("/mode/")
        if Clerk.mode == "frozen":
            Clerk.thawed.clear()
        else:
            Clerk.thawed.set()
        self._answer(200, {})

    def do_GET(self) -> None:
        self._answer(200, {"asked": Clerk.asked, "status": "confirmed"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path != "/orders":
            self._answer(200, {})
            return
        key = self.headers["Idempotency-Key"]
        with Clerk.lock:
            Clerk.asked += (key,)
        match Clerk.mode:
            case "frozen":
                Clerk.thawed.wait()
                self._take(key, body)
            case "busy":
                self._answer(503, {"type": "urn:seatrial:problem:database-unavailable"})
            case "refusing":
                self._answer(422, {"type": "urn:seatrial:problem:unknown-product"})
            case "deaf":
                self._remember(key, body)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case _:
                self._take(key, body)

    def _take(self, key: str, body: bytes) -> None:
        taken, order, known = self._remember(key, body)
        if taken != body:
            self._answer(422, {"type": "urn:seatrial:problem:idempotency-key-reused"})
        else:
            self._answer(201, order, {"Idempotent-Replayed": "true"} if known else {})

    @staticmethod
    def _remember(key: str, body: bytes) -> tuple[bytes, dict[str, object], bool]:
        with Clerk.lock:
            known = key in Clerk.taken
            if not known:
                Clerk.taken[key] = (body, _order(json.loads(body)))
            return (*Clerk.taken[key], known)

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _order(wish: dict[str, object]) -> dict[str, object]:
    items = wish["items"]
    assert isinstance(items, list)
    lines = [{**item, "sku": "S", "name": "N", "unit_price_cents": 100} for item in items]
    total = sum(line["quantity"] * 100 for line in lines)
    return {
        "id": str(uuid.uuid4()),
        "customer": wish["customer"],
        "status": "pending",
        "items": lines,
        "total_cents": total,
    }


class Server(ThreadingHTTPServer):
    """Keeps quiet about connections that break."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Clerk)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
