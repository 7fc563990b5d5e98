"""What a run leaves behind: typed records, a run directory that is never half written, and ways to read it."""

from seatrial.evidence.records import Coverage, RunRecord, ScenarioRecord, StepRecord
from seatrial.evidence.store import RunDirectory, latest_run, load_run

__all__ = [
    "Coverage",
    "RunDirectory",
    "RunRecord",
    "ScenarioRecord",
    "StepRecord",
    "latest_run",
    "load_run",
]
