"""The report on how the parts of the shop are doing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reference_app.gateway.breaker import Breaker

_PATIENCE: Final = timedelta(seconds=1.5)
_FRESH: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Part:
    """A part of the shop: how to *ask* it past its *breaker* (what raises or returns False is down)."""

    ask: Callable[[], Awaitable[bool | None]]
    breaker: Breaker


@dataclass(frozen=True)
class PartSeen:
    """How a part was found; *latency_ms* is None where no answer came."""

    status: str
    breaker: str
    latency_ms: float | None


class Report:
    """Asks each of *parts*, at most once a second however many want to know."""

    def __init__(self, parts: Mapping[str, Part], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.parts = parts
        self._clock = clock
        self._seen: Mapping[str, PartSeen] = {}
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def peers(self) -> Mapping[str, PartSeen]:
        """Return how each part is doing, as of a second ago or less."""
        async with self._asking:
            if self._clock() >= self._until:
                found = await asyncio.gather(*(self._look(part) for part in self.parts.values()))
                self._seen = dict(zip(self.parts, found, strict=True))
                self._until = self._clock() + _FRESH.total_seconds()
            return self._seen

    async def _look(self, part: Part) -> PartSeen:
        began = self._clock()
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                well = await part.ask() is not False
            latency: float | None = round((self._clock() - began) * 1000, 3)
        except Exception:  # noqa: BLE001 - whatever a driver raises, the part cannot be used
            well, latency = False, None
        return PartSeen("ok" if well else "down", str(part.breaker.state), latency)
