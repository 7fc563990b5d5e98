"""Making the emulator misbehave: errors, throttling and delays, for a time or for a number of requests.

Off unless somebody turns it on, by a request to the emulator itself::

    PUT /seatrial/faults    {"kind": "throttling", "service": "ec2", "requests": 3}
    GET /seatrial/faults    what is on, and how many requests it has met
    DELETE /seatrial/faults

``kind`` is ``error`` (500), ``throttling`` or ``delay``; ``service`` is the name requests are signed for, such as
``ec2`` or ``elasticfilesystem``, all services if it is left out; ``requests`` and ``seconds`` say when it ends,
whichever comes first, and it lasts until it is deleted without either. A ``delay`` lasts ``delay`` seconds for each
request, and is cut short by DELETE and by the next PUT.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE: Final = "/seatrial/faults"

_LONGEST_DELAY = 600.0
_SCOPE = re.compile(r"Credential=[^/]*/[0-9]+/[^/]*/(?P<service>[^/]+)/aws4_request")


class Kind(StrEnum):
    """How a request is answered."""

    ERROR = "error"
    THROTTLING = "throttling"
    DELAY = "delay"


@dataclass(frozen=True)
class Fault:
    """What is done to which requests; *service* None means all, *requests* and *seconds* None mean without end."""

    kind: Kind
    service: str | None = None
    requests: int | None = None
    seconds: float | None = None
    delay: float = 0.0

    @classmethod
    def read(cls, text: bytes) -> Fault:
        """Read the JSON form; raises ValueError, in a sentence, for anything else."""
        try:
            wished = json.loads(text)
        except ValueError as broken:
            raise ValueError(f"The fault is not JSON: {broken}.") from broken
        if not isinstance(wished, dict):
            raise ValueError("The fault is not a JSON object.")  # noqa: TRY004 - bad input of one kind
        unknown = sorted(set(wished) - {"kind", "service", "requests", "seconds", "delay"})
        if unknown:
            raise ValueError(f"A fault has no {', '.join(unknown)}.")
        if wished.get("kind") not in set(Kind):
            raise ValueError(f"A fault's kind is one of {', '.join(Kind)}, not {wished.get('kind')!r}.")
        service = wished.get("service")
        if service is not None and not isinstance(service, str):
            raise ValueError(f"A fault's service is a name, not {service!r}.")
        requests = _number(wished, "requests", least=1.0)
        fault = cls(
            kind=Kind(wished["kind"]),
            service=service,
            requests=None if requests is None else int(requests),
            seconds=_number(wished, "seconds", least=0.0),
            delay=_number(wished, "delay", least=0.0) or 0.0,
        )
        if (fault.kind is Kind.DELAY) != (fault.delay > 0):
            raise ValueError("A delay, and nothing else, has a delay of more than 0 seconds.")
        return fault


def _number(wished: Mapping[str, object], name: str, *, least: float) -> float | None:
    value = wished.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
        raise ValueError(f"A fault's {name} is a number from {least:g}, not {value!r}.")
    if name == "delay" and value > _LONGEST_DELAY:
        raise ValueError(f"A fault's delay is at most {_LONGEST_DELAY:g} seconds, not {value!r}.")
    return float(value)


@dataclass
class FaultSwitch:
    """A WSGI application in front of another one, which it lets misbehave when told to.

    *clock* gives seconds; *pause* waits until the event is set or the seconds have passed.
    """

    application: WSGIApplication
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[threading.Event, float], object] = threading.Event.wait
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _fault: Fault | None = None
    _since: float = 0.0
    _met: int = 0
    _changed: threading.Event = field(default_factory=threading.Event, repr=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == ROUTE:
            return self._administer(Request(environ))(environ, start_response)
        fault, changed = self._take(service_of(environ))
        if fault is None:
            return self.application(environ, start_response)
        if fault.kind is Kind.DELAY:
            self.pause(changed, fault.delay)
            return self.application(environ, start_response)
        return answer(environ, fault.kind)(environ, start_response)

    def _take(self, service: str | None) -> tuple[Fault | None, threading.Event]:
        """Return the fault that a request for *service* meets, if any, and count the request."""
        with self._lock:
            fault = self._current()
            if fault is None or fault.service not in (None, service):
                return None, self._changed
            self._met += 1
            return fault, self._changed

    def _current(self) -> Fault | None:
        fault = self._fault
        if fault is None:
            return None
        spent = fault.requests is not None and self._met >= fault.requests
        over = fault.seconds is not None and self.clock() - self._since >= fault.seconds
        return None if spent or over else fault

    def _administer(self, request: Request) -> Response:
        if request.method == "GET":
            return self._told()
        if request.method not in {"PUT", "DELETE"}:
            return Response("Faults are put, got or deleted.\n", status=405)
        fault: Fault | None = None
        if request.method == "PUT":
            try:
                fault = Fault.read(request.get_data())
            except ValueError as wrong:
                return Response(f"{wrong}\n", status=400)
        with self._lock:
            self._changed.set()
            self._changed = threading.Event()
            self._fault, self._since, self._met = fault, self.clock(), 0
        return self._told()

    def _told(self) -> Response:
        with self._lock:
            current = self._current()
            told: dict[str, object] = {"met": self._met}
            if current is not None:
                told |= {"kind": current.kind, "service": current.service, "requests": current.requests}
                told |= {"seconds": current.seconds, "delay": current.delay}
        return Response(json.dumps(told), content_type="application/json")


def service_of(environ: WSGIEnvironment) -> str | None:
    """Return the service that a request is signed for; None if it is not signed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
    """
    signed = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return signed["service"] if signed else None


def answer(environ: WSGIEnvironment, kind: Kind) -> Response:
    """Return the error *kind* in the protocol of the request: JSON, query, EC2, REST-JSON or REST-XML.

    The codes are those of the common errors of each API: RequestLimitExceeded for EC2, SlowDown for S3, Throttling for
    the query protocol, ThrottlingException for the others.
    """
    service = service_of(environ)
    throttled = kind is Kind.THROTTLING
    message = "Rate exceeded" if throttled else "An internal error occurred"
    query = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
    if service == "s3":
        code = "SlowDown" if throttled else "InternalError"
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
        return Response(body, status=503 if throttled else 500, content_type="application/xml")
    if service == "ec2":
        code = "RequestLimitExceeded" if throttled else "InternalError"
        error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        body = f"<Response>{error}<RequestID>0</RequestID></Response>"
        return Response(body, status=503 if throttled else 500, content_type="text/xml")
    if query and "HTTP_X_AMZ_TARGET" not in environ:
        code = "Throttling" if throttled else "InternalFailure"
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
        return Response(body, status=400 if throttled else 500, content_type="text/xml")
    code = "ThrottlingException" if throttled else "InternalFailure"
    if "HTTP_X_AMZ_TARGET" in environ:
        body, status = json.dumps({"__type": code, "message": message}), 400 if throttled else 500
        return Response(body, status=status, content_type="application/x-amz-json-1.1")
    response = Response(json.dumps({"message": message}), content_type="application/json")
    response.status_code = 429 if throttled else 500
    response.headers["x-amzn-ErrorType"] = code
    return response
