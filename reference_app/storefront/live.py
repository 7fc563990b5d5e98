"""The live part of an order's page: a stream of server-sent events that htmx puts into it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fastapi.sse import format_sse_event

from reference_app.storefront.domain import CANCELLABLE, FINAL, way
from reference_app.storefront.gateway import Outage, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from uuid import UUID

    from reference_app.storefront.gateway import Visit
    from reference_app.storefront.pages import Pages
    from reference_app.storefront.schemas import Order, Step

HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_LOOK_AROUND: Final = timedelta(seconds=1)
_HEARTBEATS: Final = 10
_PAUSES: Final = tuple(timedelta(seconds=pause) for pause in (1, 2, 5))
_RECONNECT: Final = timedelta(seconds=1)
_LIVE = "Live: this page changes by itself."
_INTERRUPTED = "Live updates are interrupted; trying again."


def progress(pages: Pages, order: Order, steps: list[Step]) -> str:
    """Return the part of the page that changes with the order's status."""
    return pages.part(
        "_progress.html",
        order=order,
        steps=steps,
        marks=way(order, [step.status for step in steps]),
        cancellable=order.status in CANCELLABLE,
    )


async def follow(
    visit: Visit, pages: Pages, order_id: UUID, leaving: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Yield what a browser is to show of an order: its state now, each later one, and whether they can be had.

    Ends with the event ``done`` after the order's last status, and without it when the process is *leaving*; then the
    browser connects anew, to a process that stays.
    """
    yield format_sse_event(retry=int(_RECONNECT / timedelta(milliseconds=1)))
    said = ""
    failures = 0
    after = 0
    while not leaving():
        try:
            order, steps = await asyncio.gather(visit.order(order_id), visit.steps(order_id))
        except (Outage, Refusal):
            if said != _INTERRUPTED:
                said = _INTERRUPTED
                yield _event("connection", said)
            failures += 1
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES)) - 1].total_seconds())
            continue
        failures = 0
        latest = steps[-1].sequence if steps else 0
        yield _event("status", progress(pages, order, steps), str(latest))
        if order.status in FINAL:
            yield _event("connection", "")
            yield _event("done", "")
            return
        if said != _LIVE:
            said = _LIVE
            yield _event("connection", said)
        after = latest
        async with aclosing(_heartbeats_until_moved(visit, order_id, after, leaving)) as heartbeats:
            async for beat in heartbeats:
                yield beat


async def _heartbeats_until_moved(
    visit: Visit, order_id: UUID, after: int, leaving: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    moved = asyncio.create_task(_moved(visit, order_id, after))
    try:
        rounds = 0
        while not leaving():
            done, _ = await asyncio.wait({moved}, timeout=_LOOK_AROUND.total_seconds())
            if done:
                await moved
                return
            rounds += 1
            if rounds % _HEARTBEATS == 0:
                yield format_sse_event(comment="here")
    finally:
        moved.cancel()


async def _moved(visit: Visit, order_id: UUID, after: int) -> None:
    """Return once the order may have moved beyond the entry *after* of its history."""
    try:
        async with aclosing(visit.status_events(order_id, after)) as statuses:
            async for _ in statuses:
                return
    except (Outage, Refusal):
        pass
    # The stream broke or ended early; what is true now is asked next, and not all at once.
    await asyncio.sleep(_PAUSES[0].total_seconds())


def _event(name: str, html: str, identity: str | None = None) -> bytes:
    return format_sse_event(event=name, data_str=html, id=identity)
