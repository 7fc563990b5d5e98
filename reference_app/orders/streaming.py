"""What becomes of an order, told as it happens: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reference_app.orders.schemas import EntryShown
from reference_app.persistence.answers import UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from uuid import UUID

    from reference_app.orders.domain import Entry
    from reference_app.orders.store import Store
    from reference_app.orders.wakes import Wakes

_log = logging.getLogger(__name__)
_HEARTBEAT: Final = timedelta(seconds=15)
_LOOK_UNHEARD: Final = timedelta(seconds=1)
# The channel may lose a word, so it is not trusted for ever.
_LOOK_ANYWAY: Final = timedelta(seconds=5)
_GLANCE: Final = timedelta(seconds=1)
_RECONNECT: Final = timedelta(seconds=1)


class Streaming:
    """Follows orders; *wakes* says when to look, and the database says what there is.

    A stream ends after the last thing that can become of an order, and when *draining* says that the process is about
    to stop: whoever followed it connects to another replica and goes on after the last event that it has.
    """

    def __init__(
        self,
        store: Store,
        wakes: Wakes,
        *,
        draining: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._wakes = wakes
        self._draining = draining
        self._clock = clock

    async def follow(self, order_id: UUID, *, after: int) -> AsyncIterator[bytes]:
        """Yield what became of an order since the entry *after*, and then what becomes of it."""
        yield b"retry: %d\n\n" % (_RECONNECT / timedelta(milliseconds=1))
        sent = self._clock()
        with self._wakes.waiting(order_id) as wake:
            while not self._draining():
                wake.clear()
                for entry in await self._news(order_id, after):
                    after, sent = entry.sequence, self._clock()
                    yield _event(entry)
                    if entry.status.final:
                        return
                looked = self._clock()
                while not self._draining() and not self._look_again(wake, looked):
                    if self._clock() - sent >= _HEARTBEAT.total_seconds():
                        sent = self._clock()
                        yield b": still there\n\n"
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_GLANCE.total_seconds()):
                            await wake.wait()

    def _look_again(self, wake: asyncio.Event, looked: float) -> bool:
        pause = _LOOK_ANYWAY if self._wakes.heard else _LOOK_UNHEARD
        return wake.is_set() or self._clock() - looked >= pause.total_seconds()

    async def _news(self, order_id: UUID, after: int) -> Sequence[Entry]:
        try:
            return await self._store.history(order_id, after=after)
        except UNAVAILABLE as error:
            # The stream outlives a database that comes back.
            _log.warning("a stream cannot look", extra={"error": repr(error)})
            return ()


def _event(entry: Entry) -> bytes:
    return f"event: status\nid: {entry.sequence}\ndata: {EntryShown.text(entry)}\n\n".encode()
