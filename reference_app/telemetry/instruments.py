"""Everything a service needs to be observed and steered, made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from reference_app.telemetry.faults import FaultSwitch
from reference_app.telemetry.health import Health
from reference_app.telemetry.metrics import Metrics
from reference_app.telemetry.middleware import RootPath, Telemetry

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from reference_app.telemetry.configuration import ServiceSettings


@dataclass(frozen=True)
class Instruments:
    """The metrics, the fault switch and the health of one service, and the path that an ingress knows it by."""

    metrics: Metrics
    faults: FaultSwitch
    health: Health
    root_path: str = ""

    @classmethod
    def of(cls, settings: ServiceSettings) -> Instruments:
        """Make the instruments that *settings* ask for."""
        faults = FaultSwitch(enabled=settings.faults_enabled)
        return cls(metrics=Metrics(), faults=faults, health=Health(blocker=faults), root_path=settings.root_path)

    def attach(self, app: Starlette) -> None:
        """Give *app* the paths ``/healthz`` and ``/readyz`` and wrap it.

        To be called after all other middleware was added, so that this one is around it.
        """
        app.router.routes.extend((Route("/healthz", self.health.live), Route("/readyz", self.health.ready)))
        app.add_middleware(Telemetry, metrics=self.metrics, faults=self.faults, health=self.health)
        if self.root_path:
            app.add_middleware(RootPath, prefix=self.root_path)
