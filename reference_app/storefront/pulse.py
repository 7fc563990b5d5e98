"""How the services do, looked at again and again; what was seen lately is kept in memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reference_app.storefront.domain import Trend
from reference_app.storefront.gateway import Outage, Refusal
from reference_app.storefront.schemas import HealthReport, Peer, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_app.storefront.gateway import Gateway
    from reference_app.storefront.schemas import Order

_log = logging.getLogger(__name__)
ROOM: Final = 60
_GATEWAY: Final = "gateway"
_USUAL: Final = ("catalog", "orders", "sessions", "uploads")


class State(StrEnum):
    """How a service does, as far as the storefront can know."""

    OK = "ok"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One service on the dashboard."""

    name: str
    state: State
    breaker: str | None
    trend: Trend


@dataclass(frozen=True)
class Board:
    """What the dashboard shows: one row for each service, and the newest orders by status, if they can be had."""

    rows: tuple[Row, ...]
    orders: Mapping[Status, int] | None
    seen_at: datetime

    @property
    def down(self) -> tuple[str, ...]:
        """The services that are down."""
        return tuple(row.name for row in self.rows if row.state is State.DOWN)

    @property
    def summary(self) -> str:
        """All of it in one sentence."""
        if not self.down:
            return "All services are up."
        if _GATEWAY in self.down:
            return "The gateway does not answer, so nothing can be said about the services behind it."
        names = ", ".join(self.down)
        return f"{names} is down." if len(self.down) == 1 else f"{names} are down."


@dataclass
class Pulse:
    """Looks at the health of the services every *interval*, as the gateway reports it."""

    gateway: Gateway
    interval: timedelta
    clock: Callable[[], float] = time.monotonic
    _trends: dict[str, deque[float | None]] = field(default_factory=dict)
    _report: HealthReport | None = None
    _looked: bool = False
    _orders: Mapping[Status, int] | None = None
    _orders_until: float = 0.0

    async def beat(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - whatever it was, the dashboard must not stand still because of it
                _log.exception("the health of the services could not be looked at")
            await asyncio.sleep(self.interval.total_seconds())

    async def look(self) -> None:
        """Look once."""
        try:
            self._report, took = await self.gateway.health()
        except (Outage, Refusal):
            self._report = None
            self._record(_GATEWAY, None)
        else:
            self._record(_GATEWAY, took / timedelta(milliseconds=1))
            for name, peer in self._report.peers.items():
                self._record(name, peer.latency_ms if peer.status == State.OK else None)
        self._looked = True

    async def board(self) -> Board:
        """Return what the dashboard shows now."""
        if not self._looked:
            await self.look()
        peers = self._report.peers if self._report else dict.fromkeys(self._known())
        return Board(
            rows=(
                Row(_GATEWAY, State.OK if self._report else State.DOWN, None, self._trend(_GATEWAY)),
                *(
                    Row(name, _state(peer), peer.breaker if peer else None, self._trend(name))
                    for name, peer in peers.items()
                ),
            ),
            orders=await self._newest_orders(),
            seen_at=datetime.now(UTC),
        )

    async def _newest_orders(self) -> Mapping[Status, int] | None:
        if self.clock() >= self._orders_until:
            try:
                self._orders = _by_status(await self.gateway.newest_orders())
            except (Outage, Refusal):
                self._orders = None
            self._orders_until = self.clock() + self.interval.total_seconds()
        return self._orders

    def _known(self) -> tuple[str, ...]:
        return tuple(name for name in self._trends if name != _GATEWAY) or _USUAL

    def _record(self, name: str, milliseconds: float | None) -> None:
        self._trends.setdefault(name, deque(maxlen=ROOM)).append(milliseconds)

    def _trend(self, name: str) -> Trend:
        return Trend(tuple(self._trends.get(name, ())))


def _by_status(orders: Sequence[Order]) -> Mapping[Status, int]:
    counted = Counter(order.status for order in orders)
    return {status: counted[status] for status in Status}


def _state(peer: Peer | None) -> State:
    if peer is None:
        return State.UNKNOWN
    return State.OK if peer.status == State.OK else State.DOWN
