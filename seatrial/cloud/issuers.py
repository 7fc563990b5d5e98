"""Telling the emulator whose tokens it may believe: the keys of the clusters that run beside it.

``PUT /seatrial/issuers`` with ``{"issuer": "https://...", "keys": [...]}``, the keys being those of the issuer's JWK
set (a cluster has its own at ``/openid/v1/jwks``); ``DELETE /seatrial/issuers`` forgets all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Request, Response

from seatrial.cloud.corrections.sts import distrust_issuers, trust_issuer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE: Final = "/seatrial/issuers"


@dataclass(frozen=True)
class IssuerDesk:
    """A WSGI application in front of another one, which takes what is said about issuers."""

    application: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != ROUTE:
            return self.application(environ, start_response)
        return _administer(Request(environ))(environ, start_response)


def _administer(request: Request) -> Response:
    if request.method == "DELETE":
        distrust_issuers()
        return Response(status=204)
    if request.method != "PUT":
        return Response("Issuers are put or deleted.\n", status=405)
    try:
        told = json.loads(request.get_data())
        issuer, keys = told["issuer"], told["keys"]
    except (ValueError, KeyError, TypeError):
        return Response("An issuer is a JSON object with issuer and keys.\n", status=400)
    named = isinstance(issuer, str) and issuer.startswith("https://")
    if not named or not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        return Response("An issuer is an https address, its keys a list of objects.\n", status=400)
    trust_issuer(issuer, keys)
    return Response(status=204)
