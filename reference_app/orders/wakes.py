"""Wakes whoever waits for something to become of an order; only wakes, because the channel may lose a word."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from reference_app.orders.messages import FAILURES, WAKE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_REST: Final = timedelta(seconds=1)


class Wakes:
    """Listens on the channel of the relay for all who wait in this process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._heard = False
        self._closed = False

    @property
    def heard(self) -> bool:
        """Whether the channel can be heard; if not, whoever waits has to look for itself."""
        return self._heard

    @contextlib.contextmanager
    def waiting(self, order_id: UUID) -> Iterator[asyncio.Event]:
        """Lend an event that is set whenever something may have become of the order."""
        wake = asyncio.Event()
        self._waiting[order_id].add(wake)
        try:
            yield wake
        finally:
            self._waiting[order_id].discard(wake)
            if not self._waiting[order_id]:
                del self._waiting[order_id]

    async def listen(self) -> None:
        """Listen until `close` is called and the task is cancelled, again and again where Redis goes away."""
        while not self._closed:
            try:
                await self._listen()
            except FAILURES as error:
                if self._heard:
                    _log.warning("the channel cannot be heard", extra={"error": repr(error)})
                self._heard = False
                await asyncio.sleep(_REST.total_seconds())

    def close(self) -> None:
        """Let `listen` come to its end even if its cancellation is lost in a time-out of the client."""
        self._closed = True

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(WAKE)
            # Asked before it counts as heard: a subscription is sent without waiting for its confirmation.
            await self._redis.ping()
            self._heard = True
            # What was said before is lost, so everybody looks once.
            self._wake(*self._waiting)
            while not self._closed:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=_REST.total_seconds())
                if message is None:
                    # Silence may be that of a Redis that is gone.
                    await self._redis.ping()
                    continue
                with contextlib.suppress(ValueError):
                    self._wake(UUID(message["data"]))

    def _wake(self, *order_ids: UUID) -> None:
        for order_id in order_ids:
            for wake in self._waiting.get(order_id, ()):
                wake.set()
