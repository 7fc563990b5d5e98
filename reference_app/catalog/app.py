"""Puts the catalogue together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker

from reference_app.catalog import answers
from reference_app.catalog.cache import Cache, Origin, Policy
from reference_app.catalog.database import SCHEMA
from reference_app.catalog.dependencies import Counters, Parts
from reference_app.catalog.reservations import Reservations
from reference_app.catalog.routes import ROUTES
from reference_app.catalog.store import Store
from reference_app.persistence.engines import pooled_engine, probe_engine
from reference_app.persistence.recording import record_statements
from reference_app.telemetry.health import Check, NotReady
from reference_app.telemetry.instruments import Instruments
from reference_app.telemetry.middleware import BodyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from reference_app.catalog.settings import Settings

_LARGEST_BODY = 64 * 1024
_CACHE_CONNECTIONS = 32
# A crowd waits for a connection rather than being told that the cache is gone.
_CACHE_QUEUE = timedelta(seconds=5)


def create_app(settings: Settings, instruments: Instruments | None = None) -> FastAPI:
    """Return the catalogue as an ASGI application.

    Nothing is connected before the first request, so it starts while its database is still away. Paths are answered
    with and without ``settings.root_path`` in front, so that an ingress need not rewrite them.
    """
    instruments = instruments or Instruments.of(settings)
    engine, probe = pooled_engine(settings), probe_engine(settings)
    record_statements(engine)
    cache = _cache(settings, instruments)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await cache.close()
        await engine.dispose()
        await probe.dispose()

    app = FastAPI(
        title="Catalogue",
        summary="Products and their categories.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.state.parts = Parts(
        store=Store(sessions),
        reservations=Reservations(sessions),
        cache=cache,
        counters=_counters(engine, instruments),
    )
    app.router.routes.extend(ROUTES)
    answers.install(app)
    app.add_middleware(BodyLimit, limit=_LARGEST_BODY)
    instruments.health.depends_on(
        Check("database", partial(SCHEMA.ask, probe)), Check("cache", partial(_ask_cache, cache), required=False)
    )
    instruments.attach(app)
    return app


def _cache(settings: Settings, instruments: Instruments) -> Cache:
    reads = Counter(
        "catalog_cache_reads",
        "Reads by where the answer came from.",
        ("origin",),
        registry=instruments.metrics.registry,
    )
    for origin in Origin:
        reads.labels(origin)
    redis = None
    if settings.cache_url is not None:
        seconds = settings.cache_timeout.total_seconds()
        pool = BlockingConnectionPool.from_url(
            str(settings.cache_url),
            max_connections=_CACHE_CONNECTIONS,
            timeout=_CACHE_QUEUE.total_seconds(),
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            # One retry renews a connection that died while it rested; the breaker in the cache does the rest.
            retry=Retry(NoBackoff(), 1),
        )
        redis = Redis.from_pool(pool)
    policy = Policy(ttl=settings.cache_ttl, jitter=settings.cache_jitter)
    return Cache(redis, policy, observe=lambda origin: reads.labels(origin).inc())


def _counters(engine: AsyncEngine, instruments: Instruments) -> Counters:
    registry = instruments.metrics.registry
    statements = Counter("catalog_database_statements", "Statements sent to the database.", registry=registry)
    writes = Counter(
        "catalog_products_written", "Products created, replaced or deleted.", ("operation",), registry=registry
    )
    reservations = Counter(
        "catalog_reservations",
        "Reservations asked for or released, by what came of it.",
        ("outcome",),
        registry=registry,
    )
    for outcome in ("held", "repeated", "refused", "released"):
        reservations.labels(outcome)
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: statements.inc())
    return Counters(
        product_written=lambda operation: writes.labels(operation).inc(),
        reservation_asked=lambda outcome: reservations.labels(outcome).inc(),
    )


async def _ask_cache(cache: Cache) -> None:
    try:
        await cache.ping()
    except (RedisError, OSError, TimeoutError):
        reason = "Redis does not answer, reads go to the database"
        raise NotReady(reason) from None
