"""The emulator as a service of a cluster: one account that stands by itself, and judges what each request may do.

``python -m seatrial.cloud.standing_server --account FILE --issuer FILE --key FILE`` serves until SIGTERM. After a start
the account holds what the first file says, and nothing else: objects and entries of logs are lost. Credentials that
were given out before are good as long as *key* is the same.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from seatrial.cloud import corrections
from seatrial.cloud.corrections.authorisation import enforce
from seatrial.cloud.corrections.sessions import seal_with
from seatrial.cloud.standing import Issuer, StandingAccount
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from werkzeug.serving import BaseWSGIServer

HEALTH: Final = "/seatrial/health"
_SERVICES = ("authorisation", "logs", "s3", "sessions", "sts")
# Whoever asks moto itself may forget all, or turn rights off.
_CLOSED = ("/moto-api/", "/seatrial/")


@dataclass(frozen=True)
class Guarded:
    """A WSGI application in front of the emulator, which says that it is there, and keeps its own desks shut."""

    application: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == HEALTH:
            return Response("well\n")(environ, start_response)
        if f"{path}/".startswith(_CLOSED):
            return Response("There is nothing here.\n", status=404)(environ, start_response)
        # Without it, a request without one names the account that it is for.
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)
        return self.application(environ, start_response)


def make(host: str, port: int, account: StandingAccount, issuer: Issuer, key: str) -> BaseWSGIServer:
    """Return a server of *account*, bound but not serving yet; *port* 0 is any that is free.

    Corrections and rights hold for the whole process, and *key* is what its credentials are sealed with. Raises OSError
    where the address cannot be bound.
    """
    corrections.apply(_SERVICES)
    seal_with(key)
    account.build(issuer)
    enforce(yes=True)
    application = Guarded(DomainDispatcherApplication(create_backend_app))
    return make_server(host, port, application, threaded=True, request_handler=MotoRequestHandler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.cloud.standing_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind")
    parser.add_argument("--port", type=int, required=True, help="port to bind")
    parser.add_argument("--account", type=Path, required=True, help="what is in the account, as JSON")
    parser.add_argument("--issuer", type=Path, required=True, help="whose tokens it believes, as JSON")
    parser.add_argument("--key", type=Path, required=True, help="file of a secret that credentials are sealed with")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        account, issuer = StandingAccount.read(chosen.account), Issuer.read(chosen.issuer)
        key = chosen.key.read_text(encoding="utf-8").strip()
        server = make(chosen.host, chosen.port, account, issuer, key)
    except (UsageError, OSError) as wrong:
        parser.error(str(wrong))
    # Parts of moto ask their own server for something, and look here for its port.
    os.environ["MOTO_PORT"] = str(server.server_port)
    server.serve_forever()
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
