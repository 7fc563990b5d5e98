"""Work that is done in rounds for as long as a process lives, and that outlives every failure of what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reference_app.telemetry.health import NotReady

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)
_FIRST_REST: Final = timedelta(milliseconds=100)
_LONGEST_REST: Final = timedelta(seconds=2)
_PATIENCE: Final = timedelta(seconds=10)


class Rounds:
    """Calls *work* over and over: at once if it returns that there may be more, after *pause* if not.

    After a failure it rests, longer with each in a row, and goes on.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[bool]],
        *,
        pause: timedelta,
        failed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._pause = pause
        self._failed = failed
        self._clock = clock
        self._stopping = asyncio.Event()
        self._last_success = clock()

    def stop(self) -> None:
        """Let the round that is under way be the last."""
        self._stopping.set()

    async def run(self) -> None:
        """Go round until `stop` is called."""
        failures = 0
        while not self._stopping.is_set():
            try:
                more = await self._work()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round may go well
                failures += 1
                self._failed()
                _log.warning("a round failed", extra={"error": repr(error), "in_a_row": failures})
                await self._rest(min(_LONGEST_REST, _FIRST_REST * 2 ** min(failures, 10)))
                continue
            failures = 0
            self._last_success = self._clock()
            if not more:
                await self._rest(self._pause)

    async def ask(self) -> None:
        """Return if a round went well lately; raises NotReady."""
        silent = timedelta(seconds=self._clock() - self._last_success)
        if silent > _PATIENCE:
            reason = f"no round went well for {silent.total_seconds():.0f} s"
            raise NotReady(reason)

    async def _rest(self, pause: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._stopping.wait()
