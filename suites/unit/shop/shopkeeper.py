"""A little shop on this machine's own address, which answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from seatrial.load import Answer, Customer

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Shopkeeper:
    """Answers by method and path, and remembers what was asked."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    def will(self, method: str, path: str, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Answer *method* on *path* like that from now on; text is sent as it is, anything else as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers[method, path] = Answer(status, headers or {}, text)


class PlainCustomer(Customer):
    """One who reaches the shopkeeper without TLS."""

    @property
    def url(self) -> str:
        return f"http://{self.edge.address}:{self.edge.port}"


def serving(keeper: Shopkeeper) -> ThreadingHTTPServer:
    """Start the shop; it ends with `shutdown`."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            keeper.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = keeper.answers[self.command, self.path]
            self.send_response(answer.status)
            content = answer.body.encode()
            for name, value in {"content-length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 (the names are the base class's)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
