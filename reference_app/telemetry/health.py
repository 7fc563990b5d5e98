"""Health as two questions: is the process alive (liveness), and should it get traffic (readiness)?"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

_log = logging.getLogger(__name__)
_PATIENCE = timedelta(seconds=2)


class NotReady(Exception):
    """What a check raises to say, in one sentence, why its dependency cannot be used."""


@dataclass(frozen=True)
class Check:
    """A dependency and how to ask it.

    *ask* returns when the dependency can be used and raises otherwise. A dependency that is not *required* is reported
    as ``degraded`` and leaves the service ready.
    """

    name: str
    ask: Callable[[], Awaitable[None]]
    required: bool = True


class Blocker(Protocol):
    """Something that can take readiness away, such as a fault that is switched on."""

    @property
    def blocks_readiness(self) -> bool:
        """Whether it does so now."""


class Health:
    """The health of one process: its dependencies, whether it drains, and whether a fault blocks it."""

    def __init__(self, *, blocker: Blocker) -> None:
        self._checks: list[Check] = []
        self._blocker = blocker
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether the process is on its way out: it still serves, but should get no new traffic."""
        return self._draining

    def depends_on(self, *checks: Check) -> None:
        """Let readiness ask *checks* from now on."""
        self._checks.extend(checks)

    def drain(self) -> None:
        """Turn readiness off for good."""
        self._draining = True

    async def live(self, _request: Request) -> Response:
        """Answer 200 as long as the process can answer at all; a restart would not mend its dependencies."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """Answer 200 if the process should get traffic, else 503; the body lists each dependency with its state."""
        states = await asyncio.gather(*(_state(check) for check in self._checks))
        if self._draining:
            status = "draining"
        elif self._blocker.blocks_readiness:
            status = "fault"
        elif any(state.startswith("unavailable") for state in states):
            status = "unavailable"
        else:
            status = "ready"
        return JSONResponse(
            {
                "status": status,
                "checks": {check.name: state for check, state in zip(self._checks, states, strict=True)},
            },
            status_code=HTTPStatus.OK if status == "ready" else HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Cache-Control": "no-store"},
        )


async def _state(check: Check) -> str:
    down = "unavailable" if check.required else "degraded"
    try:
        await asyncio.wait_for(check.ask(), _PATIENCE.total_seconds())
    except NotReady as reason:
        return f"{down}: {reason}"
    except TimeoutError:
        return f"{down}: no answer within {_PATIENCE.total_seconds():g} s"
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the dependency cannot be used
        _log.warning("dependency check failed", extra={"dependency": check.name, "error": repr(error)})
        return down
    return "ok"
