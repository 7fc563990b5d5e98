"""A web server for tests: its answers can be frozen, refused or broken off. A process of its own, like a real peer."""

from __future__ import annotations

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop(BaseHTTPRequestHandler):
    """Answers 200, or what the last PUT of ``/mode`` asked for: open, frozen, broken or rude."""

    protocol_version = "HTTP/1.1"
    mode = "open"
    thawed = threading.Event()

    def do_PUT(self) -> None:
        """Take the new mode from the path."""
        Shop.mode = self.path.removeprefix("/")
        if Shop.mode == "frozen":
            Shop.thawed.clear()
        else:
            Shop.thawed.set()
        self._answer(200)

    def do_GET(self) -> None:
        """Answer as the mode says."""
        if Shop.mode == "frozen":
            Shop.thawed.wait()
        if Shop.mode == "rude":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self._answer(500 if Shop.mode == "broken" else 200)

    def _answer(self, status: int) -> None:
        body = json.dumps({"host": self.headers["Host"], "path": self.path}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Keeps quiet about connections that a test breaks off."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Shop)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
