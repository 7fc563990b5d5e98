"""Puts the order service together: what answers requests, and the two processes that carry its events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import Counter, Gauge

from reference_app.orders import answers, messages
from reference_app.orders.catalog import Catalog
from reference_app.orders.database import SCHEMA
from reference_app.orders.dependencies import Counters, Parts
from reference_app.orders.domain import EventType, Status
from reference_app.orders.placing import Placing
from reference_app.orders.prices import Prices
from reference_app.orders.relay import Policy, Relay
from reference_app.orders.relay import Watch as RelayWatch
from reference_app.orders.rounds import Rounds
from reference_app.orders.routes import ROUTES
from reference_app.orders.store import Store
from reference_app.orders.streaming import Streaming
from reference_app.orders.wakes import Wakes
from reference_app.orders.worker import Outcome, Worker
from reference_app.orders.worker import Watch as WorkerWatch
from reference_app.persistence.engines import pooled_engine, probe_engine
from reference_app.persistence.statements import Statements
from reference_app.telemetry.health import Check
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.middleware import BodyLimit
from reference_app.telemetry.tracing import current_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta

    from prometheus_client import CollectorRegistry

    from reference_app.orders.settings import Settings

_LARGEST_BODY = 64 * 1024


def create_app(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return the order service as an ASGI application.

    Nothing is connected before the first request, so it starts while its database is still away.
    """
    instruments = instruments or Instruments.of(settings)
    statements, probe = Statements(settings), probe_engine(settings)
    redis = messages.connect(settings)
    catalog = Catalog(str(settings.catalog_url), within=settings.catalog_timeout)
    wakes = Wakes(redis)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(wakes.listen())
        yield
        wakes.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await catalog.close()
        await redis.aclose()
        await statements.close()
        await probe.dispose()

    app = FastAPI(
        title="Orders",
        summary="Orders, and what becomes of them.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    store = _store(statements)
    app.state.parts = Parts(
        store=store,
        placing=Placing(store, Prices(catalog.products, settings.price_ttl), ttl=settings.idempotency_ttl),
        streaming=Streaming(store, wakes, draining=lambda: instruments.health.draining),
        counters=_counters(instruments.metrics.registry),
    )
    # Not by include_router, which would look for the route of each request twice.
    app.router.routes.extend(ROUTES)
    answers.install(app)
    app.add_middleware(BodyLimit, limit=_LARGEST_BODY)
    instruments.health.depends_on(
        Check("database", partial(SCHEMA.ask, probe)),
        Check("messages", partial(messages.ask, redis), required=False),
    )
    instruments.attach(app)
    return app


def create_relay(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return an application that relays events for as long as it lives, and answers only about its health."""
    instruments = instruments or Instruments.of(settings)
    engine, probe = pooled_engine(settings), probe_engine(settings)
    redis = messages.connect(settings)
    policy = Policy(settings.republish_after, settings.stream_length, settings.keep_events)
    relay = Relay(engine, redis, policy, _relay_watch(instruments.metrics.registry))

    async def close() -> None:
        await redis.aclose()
        await engine.dispose()
        await probe.dispose()

    instruments.health.depends_on(
        Check("database", partial(SCHEMA.ask, probe)), Check("messages", partial(messages.ask, redis))
    )
    app = _carrier("relay", relay.round, close, pause=settings.relay_pause, instruments=instruments)
    app.state.relay = relay
    return app


def create_worker(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return an application that runs the saga for as long as it lives, and answers only about its health."""
    instruments = instruments or Instruments.of(settings)
    statements, probe = Statements(settings), probe_engine(settings)
    redis = messages.connect(settings)
    catalog = Catalog(str(settings.catalog_url), within=settings.catalog_timeout)
    worker = Worker(
        _store(statements),
        catalog,
        redis,
        _worker_watch(instruments.metrics.registry),
        name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        claim_after=settings.claim_after,
        # Less than an answer is waited for, and short enough to notice soon that it is time to stop.
        block=settings.messages_timeout / 4,
    )

    async def close() -> None:
        await worker.leave()
        await catalog.close()
        await redis.aclose()
        await statements.close()
        await probe.dispose()

    instruments.health.depends_on(
        Check("database", partial(SCHEMA.ask, probe)), Check("messages", partial(messages.ask, redis))
    )
    app = _carrier("worker", worker.round, close, pause=settings.relay_pause, instruments=instruments)
    app.state.worker = worker
    return app


def _carrier(
    name: str,
    work: Callable[[], Awaitable[bool]],
    close: Callable[[], Awaitable[None]],
    *,
    pause: timedelta,
    instruments: Instruments,
) -> FastAPI:
    failures = Counter(f"orders_{name}_failures", "Rounds that did not go well.", registry=instruments.metrics.registry)
    rounds = Rounds(work, pause=pause, failed=failures.inc)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(rounds.run())
        yield
        rounds.stop()
        await running
        await close()

    app = FastAPI(title=f"Orders: {name}", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.work, app.state.close = work, close
    answers.install(app)
    # A round that cannot go well for want of a dependency is that dependency's business; this one sees a standstill.
    instruments.health.depends_on(Check("rounds", rounds.ask, required=False))
    instruments.attach(app)
    return app


def _store(statements: Statements) -> Store:
    return Store(statements, traceparent=_traceparent)


def _traceparent() -> str | None:
    trace = current_trace.get()
    return None if trace is None else trace.traceparent


def _transitions(registry: CollectorRegistry) -> Callable[[Status], None]:
    transitions = Counter(
        "orders_transitions", "Orders that came to a status after they were placed.", ("status",), registry=registry
    )
    for status in Status:
        if status is not Status.PENDING:
            transitions.labels(status)
    return lambda status: transitions.labels(status).inc()


def _counters(registry: CollectorRegistry) -> Counters:
    placed = Counter("orders_placed", "Orders placed.", registry=registry)
    replays = Counter("orders_replays", "Requests answered as they were before.", registry=registry)
    return Counters(placed=placed.inc, replayed=replays.inc, moved=_transitions(registry))


def _relay_watch(registry: CollectorRegistry) -> RelayWatch:
    published = Counter(
        "orders_events_published",
        "Events put into the stream, for the first time or again.",
        ("turn",),
        registry=registry,
    )
    waiting = Gauge("orders_outbox_events", "Events that wait to be published.", registry=registry)
    lag = Gauge("orders_outbox_lag_seconds", "For how long the oldest of them has waited.", registry=registry)

    def backlog(count: int, age: timedelta) -> None:
        waiting.set(count)
        lag.set(age.total_seconds())

    return RelayWatch(
        published=published.labels("first").inc, republished=published.labels("again").inc, backlog=backlog
    )


def _worker_watch(registry: CollectorRegistry) -> WorkerWatch:
    outcomes = Counter("orders_saga_outcomes", "What the saga did about an event.", ("outcome",), registry=registry)
    handled = Counter("orders_events_handled", "Events handled.", ("type",), registry=registry)
    duplicates = Counter("orders_duplicates_dropped", "Messages whose event was handled before.", registry=registry)
    for outcome in Outcome:
        outcomes.labels(outcome)
    for kind in EventType:
        handled.labels(kind)
    return WorkerWatch(
        outcome=lambda outcome: outcomes.labels(outcome).inc(),
        moved=_transitions(registry),
        handled=lambda kind: handled.labels(kind).inc(),
        duplicates=duplicates.inc,
    )
