"""An API server for tests that speaks list and watch over HTTP; a process of its own, so its news are timed as real.

It knows ConfigMaps in one namespace. A command is one line of JSON on standard input, the answer one line on standard
output, with the time (monotonic, which all processes share) just before the news went out.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from urllib.parse import parse_qs, urlsplit

_RESOURCES: dict[str, object] = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [
        {"name": "configmaps", "singularName": "configmap", "namespaced": True, "kind": "ConfigMap", "verbs": ["list"]},
    ],
}


class State:
    """What the server holds, and what it was told to do wrong."""

    lock = threading.Lock()
    version = 100
    objects: dict[str, dict[str, object]] = {}  # noqa: RUF012 (one state per process)
    watchers: set[SimpleQueue[str | None]] = set()  # noqa: RUF012
    expire_watches = 0
    break_watches = 0
    refuse_lists = 0
    forbid = False
    lists = 0
    watches = 0


class Server(BaseHTTPRequestHandler):
    """Speaks as much of the Kubernetes API as a list and a watch need."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer discovery, a list or a watch."""
        split = urlsplit(self.path)
        query = parse_qs(split.query)
        fixed: dict[str, dict[str, object]] = {
            "/version": {"gitVersion": "v1.36.3"},
            "/apis": {"kind": "APIGroupList", "groups": []},
            "/api/v1": _RESOURCES,
        }
        if split.path in fixed:
            self._answer(200, fixed[split.path])
        elif State.forbid:
            self._answer(403, _status(403, "Forbidden", "you may not"))
        elif query.get("watch") == ["true"]:
            self._watch(int(query["resourceVersion"][0]))
        else:
            self._list()

    def _list(self) -> None:
        with State.lock:
            State.lists += 1
            refused = State.refuse_lists > 0
            State.refuse_lists -= refused
            items = list(State.objects.values())
            version = str(State.version)
        if refused:
            self._answer(503, _status(503, "ServiceUnavailable", "starting"))
        else:
            self._answer(200, {"kind": "ConfigMapList", "metadata": {"resourceVersion": version}, "items": items})

    def _watch(self, since: int) -> None:
        news: SimpleQueue[str | None] = SimpleQueue()
        with State.lock:
            State.watches += 1
            expired = State.expire_watches > 0
            State.expire_watches -= expired
            broken = State.break_watches > 0
            State.break_watches -= broken
            missed = [
                item
                for item in State.objects.values()
                if int(item["metadata"]["resourceVersion"]) > since  # type: ignore[index]
            ]
            State.watchers.add(news)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if broken:
            self.connection.shutdown(2)
            return
        if expired:
            self._send(json.dumps({"type": "ERROR", "object": _status(410, "Expired", "too old resource version")}))
            self._send(None)
            return
        for item in missed:
            self._send(json.dumps({"type": "MODIFIED", "object": item}))
        try:
            while (line := news.get(timeout=60)) is not None:
                self._send(line)
            self._send(None)
        except (Empty, OSError):
            return
        finally:
            State.watchers.discard(news)

    def _send(self, line: str | None) -> None:
        data = line.encode() + b"\n" if line is not None else b""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _status(code: int, reason: str, message: str) -> dict[str, object]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


def _put(name: str, data: dict[str, str]) -> None:
    with State.lock:
        known = name in State.objects
        State.version += 1
        metadata = {"name": name, "namespace": "test", "uid": f"uid-{name}", "resourceVersion": str(State.version)}
        State.objects[name] = {"metadata": metadata, "data": data}
        _tell("MODIFIED" if known else "ADDED", name)


def _remove(name: str) -> None:
    with State.lock:
        State.version += 1
        _tell("DELETED", name)
        del State.objects[name]


def _tell(what: str, name: str) -> None:
    line = json.dumps({"type": what, "object": {"apiVersion": "v1", "kind": "ConfigMap", **State.objects[name]}})
    # A copy: watches come and go meanwhile.
    for watcher in tuple(State.watchers):
        watcher.put(line)


def _close() -> None:
    with State.lock:
        for watcher in State.watchers:
            watcher.put(None)


def _bookmark(version: int) -> None:
    line = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}})
    with State.lock:
        for watcher in State.watchers:
            watcher.put(line)


def _command(said: dict[str, object]) -> dict[str, object]:
    now = time.monotonic()
    match said:
        case {"put": str(name), "data": dict(data)}:
            _put(name, data)
        case {"remove": str(name)}:
            _remove(name)
        case {"close": True}:
            _close()
        case {"bookmark": int(version)}:
            _bookmark(version)
        case {"set": str(name), "to": value}:
            setattr(State, name, value)
        case {"counts": True}:
            return {"lists": State.lists, "watches": State.watches, "watchers": len(State.watchers)}
        case _:
            return {"error": f"unknown command {said}"}
    return {"at": now}


def main() -> None:
    """Serve, say the port, then obey."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_command(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
