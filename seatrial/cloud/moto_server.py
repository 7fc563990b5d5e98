"""The emulator as a process: moto's server with our corrections, a switch for faults, and a desk for issuers.

``python -m seatrial.cloud.moto_server --port 0 --port-file FILE`` binds a free port, writes its number to FILE once it
listens, and ends with the process that started it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from seatrial.cloud import corrections
from seatrial.cloud.corrections.s3 import TLS_OFFERED
from seatrial.cloud.faults import FaultSwitch
from seatrial.cloud.issuers import IssuerDesk
from seatrial.ending import end_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from werkzeug.serving import BaseWSGIServer


def make(host: str, port: int, tls: ssl.SSLContext | None = None) -> BaseWSGIServer:
    """Return a server, bound but not serving yet, of the corrected emulator; *port* 0 is any that is free.

    The corrections hold for the whole process. Raises OSError where the address cannot be bound.
    """
    corrections.apply()
    # Making up more than a thousand machine images takes moto half a second, in each region that is asked about.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    # Roles are given policies that AWS manages, which moto knows if it is told to.
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    application = FaultSwitch(IssuerDesk(_saying_whether_tls_is_offered(tls is not None)))
    server = make_server(host, port, application, threaded=True, request_handler=MotoRequestHandler, ssl_context=tls)
    # Parts of moto ask their own server for something, and look here for its port.
    os.environ["MOTO_PORT"] = str(server.server_port)
    return server


def _saying_whether_tls_is_offered(offered: bool) -> WSGIApplication:  # noqa: FBT001 - named by the function
    emulator = DomainDispatcherApplication(create_backend_app)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[TLS_OFFERED] = offered
        answer: Iterable[bytes] = emulator(environ, start_response)
        return answer

    return application


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until the parent ends; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.cloud.moto_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind")
    parser.add_argument("--port", type=int, default=0, help="port to bind; 0, the default, is any that is free")
    parser.add_argument("--port-file", type=Path, help="file to write the port to, once it is bound")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process to end with; 0 for none")
    parser.add_argument("--certificate", type=Path, help="PEM file of a certificate, to serve TLS")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    parser.add_argument("--log-requests", action="store_true", help="write a line for each request to stderr")
    chosen = parser.parse_args(arguments)
    if (chosen.certificate is None) != (chosen.key is None):
        parser.error("--certificate and --key go together")
    if chosen.parent and not end_with(chosen.parent):
        return 0  # it has ended already: nobody is left to serve
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    if not chosen.log_requests:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        server = make(chosen.host, chosen.port, _tls(chosen.certificate, chosen.key))
    except OSError as refused:
        parser.error(f"{chosen.host}:{chosen.port} cannot be bound: {refused}")
    if chosen.port_file is not None:
        _write_at_once(chosen.port_file, f"{server.server_port}\n")
    server.serve_forever()
    return 0


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def _write_at_once(file: Path, text: str) -> None:
    """Write *text* so that whoever sees the file sees all of it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
