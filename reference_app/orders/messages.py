"""How events travel: the stream that carries them, and the channel that wakes whoever waits for one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from reference_app.orders.domain import EventType
from reference_app.telemetry.health import NotReady

if TYPE_CHECKING:
    from reference_app.orders.settings import Settings

STREAM: Final = "orders:events"
GROUP: Final = "orders:saga"
WAKE: Final = "orders:wake"
FAILURES: Final = (RedisError, OSError, TimeoutError)
"""What Redis, or the way to it, can fail with."""
_CONNECTIONS: Final = 16


class Message(BaseModel):
    """An event as the stream carries it; *data* is JSON, and *traceparent* is empty where there is no trace."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    type: EventType
    order_id: UUID
    sequence: int
    at: datetime
    data: Json[dict[str, object]]
    traceparent: str = ""


def connect(settings: Settings) -> Redis:
    """Return a client; nothing is connected before it is used."""
    seconds = settings.messages_timeout.total_seconds()
    pool = BlockingConnectionPool.from_url(
        str(settings.messages_url),
        max_connections=_CONNECTIONS,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        decode_responses=True,
        protocol=2,
        # One retry renews a connection that died while it rested.
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


async def ask(redis: Redis) -> None:
    """Return if Redis answers; raises NotReady."""
    try:
        await redis.ping()
    except FAILURES:
        reason = "Redis does not answer"
        raise NotReady(reason) from None
