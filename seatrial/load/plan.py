"""What traffic to send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True)
class TrafficPlan:
    """GET requests at *rate* per second, to *paths* in turn, at *url* under the name *host*, written down in *file*.

    *ca* is the file of the certificate authority behind *url*, None for a public one. A request unanswered after
    *patience* has failed. At most *in_flight* are unanswered at a time; what would exceed that starts late, and is
    counted from when it was to start.
    """

    url: str
    host: str
    paths: tuple[str, ...]
    rate: float
    file: Path
    ca: Path | None = None
    patience: timedelta = timedelta(seconds=10)
    in_flight: int = 500

    def written(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(
            {
                "url": self.url,
                "host": self.host,
                "paths": list(self.paths),
                "rate": self.rate,
                "file": str(self.file),
                "ca": str(self.ca) if self.ca else None,
                "patience": self.patience.total_seconds(),
                "in_flight": self.in_flight,
            }
        )

    @classmethod
    def parse(cls, line: str) -> TrafficPlan:
        """Read what `written` wrote."""
        said = json.loads(line)
        return cls(
            url=said["url"],
            host=said["host"],
            paths=tuple(said["paths"]),
            rate=said["rate"],
            file=Path(said["file"]),
            ca=Path(said["ca"]) if said["ca"] else None,
            patience=timedelta(seconds=said["patience"]),
            in_flight=said["in_flight"],
        )
