"""What the open-loop generator is told to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.load.schedule import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LoadPlan:
    """Customers of *url*, who come as *stages* and *seed* say, do what *mix* says, and are written down in *file*.

    They ask under the name *host* if one is given, and trust the certificate authority in the file *ca*, else the
    public ones. Those who read ask for *paths* in turn; those who order take of *products*, where none is given of
    those that the shop lists. At most *in_flight* requests are unanswered at a time, each for at most *patience*.
    """

    url: str
    file: Path
    stages: tuple[Stage, ...]
    mix: Mapping[str, float]
    at_random: bool = False
    seed: int = 1
    host: str = ""
    ca: Path | None = None
    paths: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    in_flight: int = 500
    patience: timedelta = timedelta(seconds=10)

    @property
    def duration(self) -> timedelta:
        """How long customers come."""
        return sum((stage.duration for stage in self.stages), timedelta())

    def written(self) -> str:
        """Return the plan as one line of JSON."""
        stages = [[stage.name, stage.duration.total_seconds(), stage.rate] for stage in self.stages]
        plain = {"stages": stages, "file": str(self.file), "ca": str(self.ca) if self.ca else None}
        return json.dumps({**asdict(self), "mix": dict(self.mix), **plain, "patience": self.patience.total_seconds()})

    @classmethod
    def parse(cls, line: str) -> LoadPlan:
        """Read what `written` wrote."""
        said = json.loads(line)
        stages = tuple(Stage(name, timedelta(seconds=seconds), rate) for name, seconds, rate in said["stages"])
        read = {
            "stages": stages,
            "file": Path(said["file"]),
            "ca": Path(said["ca"]) if said["ca"] else None,
            "paths": tuple(said["paths"]),
            "products": tuple(said["products"]),
            "patience": timedelta(seconds=said["patience"]),
        }
        return cls(**{**said, **read})
