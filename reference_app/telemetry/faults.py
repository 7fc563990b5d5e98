"""The fault switch: makes a service slow, failing, not ready, hungry or dead on purpose.

It exists only where the deployment enables it, listens on the administration port alone, and every fault carries a
lease: when its time has passed, the fault is gone, whether or not whoever switched it on is still there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from reference_app.telemetry.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

_log = logging.getLogger(__name__)
_MEBIBYTE = 1024 * 1024
_CRASHED = 70


class Fault(BaseModel):
    """What to do to requests, and for how long.

    Health endpoints are touched by *not_ready* alone. *crash* ends the process at once, with exit code 70.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: Annotated[float, Field(gt=0, le=600)]
    latency_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    error_rate: Annotated[float, Field(ge=0, le=1)] = 0
    not_ready: bool = False
    memory_mebibytes: Annotated[int, Field(ge=0, le=4096)] = 0
    crash: bool = False


class FaultSwitch:
    """Holds the fault that is on, if any. *enabled* is the deployment's word and cannot be changed at run time."""

    def __init__(
        self,
        *,
        enabled: bool,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        end_process: Callable[[int], object] = os._exit,
    ) -> None:
        self.enabled = enabled
        self._clock = clock
        self._chance = chance
        self._end_process = end_process
        self._fault: Fault | None = None
        self._until = 0.0
        self._held = bytearray()

    @property
    def fault(self) -> Fault | None:
        """The fault that is on now."""
        if self._fault is not None and self._clock() >= self._until:
            _log.warning("fault ended: its lease is over")
            self.clear()
        return self._fault

    @property
    def blocks_readiness(self) -> bool:
        """Whether the fault that is on makes the service say that it is not ready."""
        return (fault := self.fault) is not None and fault.not_ready

    @property
    def held_mebibytes(self) -> int:
        """How much memory the fault that is on holds."""
        return len(self._held) // _MEBIBYTE

    def turn_on(self, fault: Fault) -> None:
        """Put *fault* in the place of the one before it."""
        self._fault = fault
        self._until = self._clock() + fault.lease_seconds
        # Written to, so that the pages are really taken.
        self._held = bytearray(b"\x01") * (fault.memory_mebibytes * _MEBIBYTE)
        _log.warning("fault switched on", extra={"fault": fault.model_dump(exclude_defaults=True)})
        if fault.crash:
            self._end_process(_CRASHED)

    def clear(self) -> None:
        """Switch off whatever is on and give back the memory it held."""
        self._fault = None
        self._held = bytearray()

    async def strike(self) -> Problem | None:
        """Do to one request what the fault asks: wait, and return the problem to answer with if it is to fail."""
        if (fault := self.fault) is None:
            return None
        if fault.latency_seconds:
            await asyncio.sleep(timedelta(seconds=fault.latency_seconds).total_seconds())
        if self._chance() < fault.error_rate:
            return Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The fault switch made this request fail.", kind="injected-fault"
            )
        return None

    async def serve(self, request: Request) -> Response:
        """Answer ``GET`` (the fault that is on), ``PUT`` (switch one on) and ``DELETE`` (switch off) on the switch."""
        if request.method == "PUT":
            try:
                self.turn_on(Fault.model_validate_json(await request.body()))
            except ValidationError as error:
                return Problem(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    "The fault is not described correctly.",
                    kind="validation",
                    errors=[FieldError("/".join(map(str, one["loc"])), one["msg"]) for one in error.errors()],
                ).response(request.url.path)
        elif request.method == "DELETE":
            self.clear()
        fault = self.fault
        return JSONResponse({"fault": fault.model_dump() if fault else None})
