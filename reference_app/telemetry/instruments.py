"""Everything a service needs to be observed and steered, made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.routing import Route

from reference_app.telemetry.faults import FaultSwitch
from reference_app.telemetry.health import Health
from reference_app.telemetry.metrics import Metrics
from reference_app.telemetry.middleware import RootPath, Telemetry

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from reference_app.telemetry.configuration import ServiceSettings
    from reference_app.telemetry.spans import Spans


@dataclass(frozen=True)
class Instruments:
    """The metrics, the fault switch and the health of one service, and the path that an ingress knows it by.

    *spans* is there where the deployment wants spans; a body gets *patience* to begin to arrive.
    """

    metrics: Metrics
    faults: FaultSwitch
    health: Health
    root_path: str = ""
    spans: Spans | None = None
    patience: timedelta = timedelta(seconds=10)

    @classmethod
    def of(cls, settings: ServiceSettings) -> Instruments:
        """Make the instruments that *settings* ask for."""
        faults = FaultSwitch(enabled=settings.faults_enabled)
        return cls(
            metrics=Metrics(),
            faults=faults,
            health=Health(blocker=faults),
            root_path=settings.root_path,
            spans=_spans(settings),
            patience=settings.patience,
        )

    def attach(self, app: Starlette) -> None:
        """Give *app* the paths ``/healthz`` and ``/readyz`` and wrap it.

        To be called after all other middleware was added, so that this one is around it.
        """
        app.router.routes.extend((Route("/healthz", self.health.live), Route("/readyz", self.health.ready)))
        app.add_middleware(
            Telemetry,
            metrics=self.metrics,
            faults=self.faults,
            health=self.health,
            spans=self.spans,
            patience=self.patience,
        )
        if self.root_path:
            app.add_middleware(RootPath, prefix=self.root_path)

    def close(self) -> None:
        """Send the spans that are left, if the deployment wants any; waits for their collector two seconds at most."""
        if self.spans is not None:
            self.spans.close()


def _spans(settings: ServiceSettings) -> Spans | None:
    if settings.otlp_endpoint is None:
        return None
    # Here and not above: a service whose spans nobody wants need not load what makes them.
    from reference_app.telemetry.spans import Spans  # noqa: PLC0415

    return Spans.exported(
        settings.model_config.get("env_prefix", "").rstrip("_") or "service", str(settings.otlp_endpoint)
    )
