"""A subscriber to the stream of events: reads from where it stopped, whatever happens to Redis meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, cast

from redis import Redis
from redis.exceptions import RedisError

from seatrial.load.orders import Event
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    Entries = list[tuple[bytes, dict[bytes, bytes]]]
    Answer = list[tuple[bytes, Entries]]

_STREAM = "orders:events"
_BATCH = 500
_BLOCK_MILLISECONDS = 200
_PATIENCE = 2.0
_PAUSE = 0.1


class Subscriber:
    """Reads in a thread of its own until the block ends; `away` stops the reading until it is back."""

    def __init__(self, url: str) -> None:
        self.events: list[Event] = []
        self._url = url
        self._last = b"0"
        self._ended = threading.Event()
        self._present = threading.Event()
        self._present.set()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._present.set()
        self._thread.join()

    def leave(self) -> None:
        """Hear nothing from now on."""
        self._present.clear()

    def come_back(self) -> None:
        """Go on after the last event heard."""
        self._present.set()

    def wait_idle(self, *, within: timedelta) -> None:
        """Return once everything in the stream has been heard. Raises NotObserved."""
        with Redis.from_url(self._url, socket_timeout=_PATIENCE) as redis:
            eventually(
                lambda: (self._last, _last_of(redis)),
                until=lambda ids: ids[0] == ids[1],
                within=within,
                what="the subscriber has heard everything",
            )

    def _read(self) -> None:
        with Redis.from_url(self._url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE) as redis:
            while not self._ended.is_set():
                self._present.wait()
                try:
                    self._hear(redis)
                except (RedisError, OSError):
                    # Killed or frozen; it comes back.
                    self._ended.wait(_PAUSE)

    def _hear(self, redis: Redis) -> None:
        # Redis answers in bytes unless it is asked for text, which its stubs cannot tell.
        answer = cast("Answer", redis.xread({_STREAM: self._last}, count=_BATCH, block=_BLOCK_MILLISECONDS))
        for _, entries in answer:
            for entry, fields in entries:
                self._last = entry
                self.events.append(
                    Event(
                        id=fields[b"id"].decode(),
                        type=fields[b"type"].decode(),
                        order=fields[b"order_id"].decode(),
                        sequence=int(fields[b"sequence"]),
                    )
                )


def _last_of(redis: Redis) -> bytes:
    entries = cast("Entries", redis.xrevrange(_STREAM, count=1))
    return entries[0][0] if entries else b"0"
