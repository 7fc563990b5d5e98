"""Style sheet, scripts and pictures: read once, sent packed, and kept by browsers for as long as they do not change."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True)
class _Asset:
    content: bytes
    packed: bytes
    content_type: str
    version: str


class Assets:
    """The files in `FOLDER` by their path in it."""

    def __init__(self) -> None:
        self._assets = {
            path.relative_to(FOLDER).as_posix(): _asset(path)
            for path in sorted(FOLDER.rglob("*"))
            if path.suffix in _TYPES
        }

    def address(self, path: str) -> str:
        """Return the address of a file; a changed file has another one. Raises KeyError for one that is not there."""
        return f"/static/{path}?v={self._assets[path].version}"

    def answer(self, path: str, request: Request) -> Response | None:
        """Return the answer to a request for a file, if there is one."""
        if (asset := self._assets.get(path)) is None:
            return None
        # While a release replaces another, an address of the one may be asked of the other; that answer must not stay.
        kept = request.query_params.get("v") == asset.version
        tag = f'"{asset.version}"'
        headers = {"Cache-Control": _FOREVER if kept else _ASK_AGAIN, "ETag": tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                asset.packed, media_type=asset.content_type, headers={**headers, "Content-Encoding": "gzip"}
            )
        return Response(asset.content, media_type=asset.content_type, headers=headers)


def _asset(path: Path) -> _Asset:
    content = path.read_bytes()
    return _Asset(
        content=content,
        packed=gzip.compress(content, mtime=0),
        content_type=_TYPES[path.suffix],
        version=hashlib.sha256(content).hexdigest()[:16],
    )
