"""What people send: form fields, which are small, and files, which are passed on while they come in."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from reference_app.storefront.domain import Unusable
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

_LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 200
_NO_FILE = "No file was chosen; choose one and try again."
_UNREADABLE = "The form did not arrive as a whole; try again."


@dataclass(frozen=True)
class Fields:
    """The fields of a form."""

    values: Mapping[str, Sequence[str]]

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a field."""
        return self.all(name)[0] if self.all(name) else default

    def all(self, name: str) -> Sequence[str]:
        """Return all values of a field."""
        return self.values.get(name, ())


async def read_fields(request: Request) -> Fields:
    """Return the fields of a form that was sent as browsers send it without files; raises Unusable or Problem."""
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A form is expected.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
    try:
        return Fields(parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Unusable(_UNREADABLE) from None


class TooLarge(Exception):
    """A file is larger than the shop accepts."""


@dataclass(frozen=True)
class SentFile:
    """A file as it comes in; *data* can be read once."""

    name: str
    content_type: str
    data: AsyncIterator[bytes]


async def read_file(request: Request, *, limit: int) -> SentFile:
    """Return the first file of a form as soon as its head has come in.

    Raises Unusable if there is none, or Problem. Reading its data raises TooLarge after *limit* bytes, or Unusable
    if the form breaks off.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A form with a file is expected.")
    found = _parsed(request, options[b"boundary"])
    headers: dict[bytes, bytes] = {}
    label = value = b""
    async for event, piece in found:
        match event:
            case _Event.PART:
                headers = {}
            case _Event.LABEL:
                label += piece
            case _Event.VALUE:
                value += piece
            case _Event.HEADER:
                headers[label.lower()] = value
                label = value = b""
            case _Event.BODY if (name := _file_name(headers)) is not None:
                if not name:
                    break
                content_type = headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
                return SentFile(name, content_type, _data(found, limit))
            case _:
                pass
    raise Unusable(_NO_FILE)


async def let_run_out(request: Request) -> None:
    """Take what is left of a body: a browser looks at the answer only once it has sent everything."""
    # What Starlette raises where nothing is left.
    with contextlib.suppress(RuntimeError):
        async for _ in request.stream():
            pass


class _Event(Enum):
    PART = auto()
    LABEL = auto()
    VALUE = auto()
    HEADER = auto()
    BODY = auto()
    DATA = auto()
    END = auto()


async def _parsed(request: Request, boundary: bytes) -> AsyncIterator[tuple[_Event, bytes]]:
    found: deque[tuple[_Event, bytes]] = deque()

    def data(event: _Event) -> Callable[[bytes, int, int], None]:
        return lambda piece, start, end: found.append((event, bytes(piece[start:end])))

    def notice(event: _Event) -> Callable[[], None]:
        return lambda: found.append((event, b""))

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": notice(_Event.PART),
                "on_header_field": data(_Event.LABEL),
                "on_header_value": data(_Event.VALUE),
                "on_header_end": notice(_Event.HEADER),
                "on_headers_finished": notice(_Event.BODY),
                "on_part_data": data(_Event.DATA),
                "on_part_end": notice(_Event.END),
            },
        )
        async for chunk in request.stream():
            parser.write(chunk)
            while found:
                yield found.popleft()
    except FormParserError:
        raise Unusable(_UNREADABLE) from None


async def _data(found: AsyncIterator[tuple[_Event, bytes]], limit: int) -> AsyncIterator[bytes]:
    count = 0
    async for event, piece in found:
        if event is _Event.END:
            return
        count += len(piece)
        if count > limit:
            raise TooLarge
        yield piece
    raise Unusable(_UNREADABLE)


def _file_name(headers: Mapping[bytes, bytes]) -> str | None:
    _, options = parse_options_header(headers.get(b"content-disposition", b""))
    # Browsers write names in the encoding of the page, which is UTF-8.
    name = options.get(b"filename")
    return None if name is None else name.decode("utf-8", "replace")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
