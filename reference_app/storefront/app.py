"""Puts the storefront together."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import Counter, Gauge

from reference_app.storefront import answers
from reference_app.storefront.assets import Assets
from reference_app.storefront.cookies import CookiesPassedOn
from reference_app.storefront.dependencies import Counters, Parts
from reference_app.storefront.gateway import Gateway, Outage, Part, Refusal
from reference_app.storefront.guards import Hardened
from reference_app.storefront.pages import Pages
from reference_app.storefront.pulse import Pulse
from reference_app.storefront.routes import router
from reference_app.telemetry.health import Check, NotReady
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.middleware import BodyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prometheus_client import CollectorRegistry

    from reference_app.storefront.settings import Settings

# How many times the largest file a body may be. What is too large, but not by far, is taken to its end, because
# browsers look at an answer only then.
_TOLERATED = 4
_SUBMITTED = ("placed", "replayed", "refused", "unconfirmed")
_UPLOADED = ("kept", "refused", "failed")
_ASKED = ("answered", "refused", "outage")


def create_app(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return the storefront as an ASGI application.

    It starts, and is ready, while the gateway is away: pages then say what cannot be shown.
    """
    instruments = instruments or Instruments.of(settings)
    registry = instruments.metrics.registry
    gateway = _gateway(settings, registry)
    pulse = Pulse(gateway, settings.pulse)
    assets = Assets()
    pages = Pages(assets)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(pulse.beat())
        yield
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await gateway.close()

    app = FastAPI(
        title="Storefront",
        summary="The pages of the shop.",
        version="1",
        lifespan=lifespan,
        # Pages are for people; there is no interface to describe.
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.parts = Parts(
        gateway=gateway,
        pulse=pulse,
        assets=assets,
        pages=pages,
        counters=_counters(registry),
        health=instruments.health,
        upload_limit=settings.upload_limit,
    )
    app.include_router(router)
    answers.install(app, pages)
    app.add_middleware(BodyLimit, limit=_TOLERATED * settings.upload_limit)
    app.add_middleware(CookiesPassedOn)
    app.add_middleware(Hardened)

    async def ask_gateway() -> None:
        try:
            await gateway.health()
        except (Outage, Refusal):
            reason = "the gateway does not answer, pages say so"
            raise NotReady(reason) from None

    instruments.health.depends_on(Check("gateway", ask_gateway, required=False))
    instruments.attach(app)
    return app


def _gateway(settings: Settings, registry: CollectorRegistry) -> Gateway:
    asked = Counter(
        "storefront_gateway_requests",
        "Requests to the gateway by the part of the shop they are about, and what came of them.",
        ("part", "outcome"),
        registry=registry,
    )
    for part in Part:
        for outcome in _ASKED:
            asked.labels(part.name.lower(), outcome)
    return Gateway(settings, observe=lambda part, outcome: asked.labels(part.name.lower(), outcome).inc())


def _counters(registry: CollectorRegistry) -> Counters:
    orders = Counter(
        "storefront_orders_submitted",
        "Order forms that were sent, and what came of them.",
        ("outcome",),
        registry=registry,
    )
    files = Counter(
        "storefront_files_uploaded", "Files that were sent, and what came of them.", ("outcome",), registry=registry
    )
    watched = Gauge("storefront_orders_watched", "Order pages that are being kept up to date now.", registry=registry)
    for outcome in _SUBMITTED:
        orders.labels(outcome)
    for outcome in _UPLOADED:
        files.labels(outcome)
    return Counters(
        order_submitted=lambda outcome: orders.labels(outcome).inc(),
        file_uploaded=lambda outcome: files.labels(outcome).inc(),
        stream_watched=watched.inc,
    )
