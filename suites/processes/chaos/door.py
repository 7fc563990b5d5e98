"""A server that shows a certificate, and the API that keeps it in a Secret: ``door.py FOLDER``, a process of its own.

It begins with ``crt`` and ``key`` of FOLDER and says its two ports, the API's and the server's own, on standard output.
A line on standard input is an order, answered by a line: ``stick`` lets it show on what it shows now, whatever the
Secret holds; ``loosen`` ends that; ``shut`` and ``open`` are about the server alone. It ends with its standard input.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from seatrial.ending import die_with_parent

_KEPT = "/api/v1/namespaces/ingress/secrets/edge-certificate"
_FIXED: dict[str, object] = {
    "/version": {"gitVersion": "v1.36.3"},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
        ],
    },
}


class State:
    """What it keeps and shows."""

    folder = Path()
    data: dict[str, str] = {}  # noqa: RUF012 (one state per process)
    stuck = ""
    shut = False


class KeepingApi(BaseHTTPRequestHandler):
    """Speaks as much of the Kubernetes API as one Secret needs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer discovery, or with the Secret."""
        if self.path in _FIXED:
            self._answer(200, _FIXED[self.path])
        elif self.path == _KEPT and State.data:
            self._answer(200, {"apiVersion": "v1", "kind": "Secret", "data": State.data})
        else:
            self._answer(404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "there is none"})

    def do_PATCH(self) -> None:
        """Merge what comes into the Secret; a certificate that comes as nothing removes it."""
        assert self.path == _KEPT
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        State.data = {} if said["data"]["tls.crt"] is None else State.data | said["data"]
        self._answer(200, {"apiVersion": "v1", "kind": "Secret", "data": State.data})

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _show(listener: socket.socket) -> None:
    while True:
        plain, _ = listener.accept()
        # Whoever does not like what it is shown goes away in the middle, and that is what this is for.
        with plain, suppress(OSError):
            if State.shut:
                continue
            shown = State.folder / "shown"
            shown.write_text(State.stuck or base64.b64decode(State.data["tls.crt"]).decode())
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(shown, State.folder / "key")
            plain.settimeout(3)
            with context.wrap_socket(plain, server_side=True) as stream:
                stream.recv(1)


def _obey(order: str) -> None:
    match order:
        case "stick":
            State.stuck = base64.b64decode(State.data["tls.crt"]).decode()
        case "loosen":
            State.stuck = ""
        case "shut" | "open":
            State.shut = order == "shut"
        case _:
            raise ValueError(order)


def main() -> None:
    """Serve, say the ports, then obey."""
    die_with_parent()
    State.folder = Path(sys.argv[1])
    for name in ("crt", "key"):
        State.data[f"tls.{name}"] = base64.b64encode((State.folder / name).read_bytes()).decode()
    api = ThreadingHTTPServer(("127.0.0.1", 0), KeepingApi)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=api.serve_forever, daemon=True).start()
    threading.Thread(target=_show, args=(listener,), daemon=True).start()
    sys.stdout.write(f"{api.server_address[1]} {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        _obey(line.strip())
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
