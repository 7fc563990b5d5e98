"""Start a service, and stop it so that nobody loses a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import uvicorn
import uvloop

from reference_app.telemetry.administration import create_administration
from reference_app.telemetry.protocol import GuardedProtocol, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from reference_app.telemetry.configuration import ServiceSettings
    from reference_app.telemetry.health import Health
    from reference_app.telemetry.instruments import Instruments
    from reference_app.telemetry.metrics import Metrics
    from reference_app.telemetry.tracing import TraceContext

_log = logging.getLogger(__name__)
# Longer than proxies keep idle connections (Traefik: 90 s): the proxy closes first and never writes into a closed one.
_KEEP_ALIVE = timedelta(seconds=120)
_BACKLOG = 2048
_TICKS_PER_SECOND = 10


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals start the drain below; uvicorn's own handler would stop serving at once.
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, GuardedProtocol):
                    connection.expire(now)
        return await super().on_tick(counter)


def serve(app: ASGIApp, instruments: Instruments, settings: ServiceSettings) -> None:
    """Serve *app* on the HTTP port and its metrics on the administration port until SIGTERM or SIGINT.

    Then: readiness goes off; requests are served as before for ``settings.drain``, so that load balancers can turn
    away; listening stops; requests in flight get until ``settings.grace`` after the signal; the process ends. A second
    signal cuts the drain short. Raises SystemExit with code 2 if a port is taken.
    """
    sockets = {port: listening_socket(settings.host, port) for port in (settings.http_port, settings.admin_port)}
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(app, instruments, settings, sockets))
    finally:
        instruments.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to *port* of *host*; where it is taken, log so and raise SystemExit with code 2."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        _log.error(
            "cannot listen on %s port %d: %s; set another port or stop what holds it", host, port, error.strerror
        )
        raise SystemExit(2) from None
    return listener


async def _serve(
    app: ASGIApp, instruments: Instruments, settings: ServiceSettings, sockets: dict[int, socket.socket]
) -> None:
    in_flight = settings.grace - settings.drain
    limits = Limits(head_time=settings.patience, idle=_KEEP_ALIVE, refused=partial(_count_refused, instruments.metrics))
    public = _server(app, in_flight, limits, lifespan="on")
    administration = create_administration(instruments.metrics, instruments.faults)
    private = _server(administration, in_flight, limits, lifespan="off")
    signals = asyncio.Queue[signal.Signals]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    serving = asyncio.gather(
        public.serve(sockets=[sockets[settings.http_port]]), private.serve(sockets=[sockets[settings.admin_port]])
    )
    stopping = asyncio.create_task(_stop_after_drain(signals, instruments.health, settings.drain, (public, private)))
    try:
        await serving
    finally:
        stopping.cancel()


def _count_refused(metrics: Metrics, status: HTTPStatus, trace: TraceContext) -> None:
    # What could not be read has neither method nor path.
    metrics.record(method="other", route="unmatched", status=int(status), seconds=0.0, trace=trace)


def _server(app: ASGIApp, in_flight: timedelta, limits: Limits, *, lifespan: str) -> _Server:
    protocol = partial(GuardedProtocol, limits=limits)
    return _Server(
        uvicorn.Config(
            app,
            # uvicorn calls it as it would call the class.
            http=cast("type[GuardedProtocol]", protocol),
            ws="none",
            lifespan="on" if lifespan == "on" else "off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Who a proxy speaks for is the gateway's to decide.
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=int(_KEEP_ALIVE.total_seconds()),
            timeout_graceful_shutdown=max(1, int(in_flight.total_seconds())),
        )
    )


async def _stop_after_drain(
    signals: asyncio.Queue[signal.Signals], health: Health, drain: timedelta, servers: tuple[_Server, ...]
) -> None:
    number = await signals.get()
    health.drain()
    _log.info("draining", extra={"signal": number.name, "drain_seconds": drain.total_seconds()})
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(signals.get(), drain.total_seconds())
    _log.info("stopping")
    for server in servers:
        server.should_exit = True
