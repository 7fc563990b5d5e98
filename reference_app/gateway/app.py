"""Puts the gateway together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import Counter, Gauge

from reference_app.gateway.dependencies import Parts
from reference_app.gateway.door import Door
from reference_app.gateway.limits import RateLimit, RetryBudget
from reference_app.gateway.peers import OUTCOMES, Peer, PeerWatch
from reference_app.gateway.proxy import Passages, Proxy
from reference_app.gateway.report import Part, Report
from reference_app.gateway.routes import router
from reference_app.gateway.sessions import Sessions
from reference_app.gateway.uploads import Uploads
from reference_app.telemetry.answers import answer_problems
from reference_app.telemetry.health import Check, NotReady
from reference_app.telemetry.instruments import Instruments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from prometheus_client import CollectorRegistry

    from reference_app.gateway.breaker import Breaker
    from reference_app.gateway.settings import Settings

_BREAKERS = {"closed": 0, "half-open": 1, "open": 2}


def create_app(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return the gateway as an ASGI application.

    Nothing is connected before the first request, so it starts while all behind it is still away. It is ready whatever
    is away: the parts that are there can be used, and `/api/health` says which are not.
    """
    instruments = instruments or Instruments.of(settings)
    registry = instruments.metrics.registry
    watch = _watcher(registry)
    catalog = _peer("catalog", str(settings.catalog_url), settings, watch("catalog"))
    orders = _peer("orders", str(settings.orders_url), settings, watch("orders"))
    sessions, uploads = Sessions.connected(settings), Uploads(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await uploads.prepare()
        yield
        for part in (catalog, orders, sessions, uploads):
            await part.close()

    app = FastAPI(
        title="Gateway",
        summary="The way in: sessions, files, and the services behind it.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    received = Counter("gateway_upload_bytes", "Bytes of the files that were taken.", registry=registry)
    report = Report(
        {
            "catalog": Part(catalog.ping, catalog.breaker),
            "orders": Part(orders.ping, orders.breaker),
            "sessions": Part(sessions.ping, sessions.breaker),
            "uploads": Part(uploads.ping, uploads.breaker),
        }
    )
    app.state.parts = Parts(settings, sessions, uploads, report, uploaded=received.inc)
    app.include_router(router)
    answer_problems(app)
    app.add_middleware(
        Passages,
        proxies=(
            Proxy(catalog, settings, prefix="/catalog", hidden="/catalog/reservations"),
            Proxy(orders, settings, prefix="/orders"),
        ),
    )
    limited = Counter(
        "gateway_rate_limited", "Requests refused because their client asked too often.", registry=registry
    )
    app.add_middleware(
        Door,
        limit=RateLimit(rate=settings.rate_limit, burst=settings.rate_burst),
        trusted=settings.trusted_proxies,
        refused=limited.inc,
    )
    breakers = Gauge(
        "gateway_breaker_state", "Of a peer or store: 0 closed, 1 half-open, 2 open.", ("peer",), registry=registry
    )
    for name, part in report.parts.items():
        breakers.labels(name).set_function(partial(_state, part.breaker))
    instruments.health.depends_on(
        *(Check(name, _checked(name, part.ask), required=False) for name, part in report.parts.items())
    )
    instruments.attach(app)
    return app


def _peer(name: str, url: str, settings: Settings, watch: PeerWatch) -> Peer:
    budget = RetryBudget(share=settings.retry_share, minimum=settings.retry_minimum)
    return Peer(name, url, settings, budget=budget, watch=watch)


def _watcher(registry: CollectorRegistry) -> Callable[[str], PeerWatch]:
    requests = Counter(
        "gateway_peer_requests", "Requests to a peer, by what came of them.", ("peer", "outcome"), registry=registry
    )
    retries = Counter("gateway_peer_retries", "Requests to a peer that were tried again.", ("peer",), registry=registry)

    def watch(peer: str) -> PeerWatch:
        outcomes = {outcome: requests.labels(peer, outcome) for outcome in OUTCOMES}
        return PeerWatch(asked=lambda outcome: outcomes[outcome].inc(), retried=retries.labels(peer).inc)

    return watch


def _state(breaker: Breaker) -> int:
    return _BREAKERS[breaker.state]


def _checked(name: str, ask: Callable[[], Awaitable[bool | None]]) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        if await ask() is False:
            reason = f"{name} is not ready"
            raise NotReady(reason)

    return check
