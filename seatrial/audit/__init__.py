"""What an auditor needs: the journal of a run, its verdicts made anew, and a bundle that can be verified offline.

Only the standard library and `cryptography` are imported here, so that whoever trusts nothing else has little to read.
"""

from seatrial.audit.journal import Broken, Chain, Event, Journal, parse
from seatrial.audit.records import (
    Answer,
    ArtefactRecord,
    BaselineComparison,
    CommandRecord,
    Coverage,
    FeatureRecord,
    JudgementRecord,
    RunRecord,
    ScenarioRecord,
    StepRecord,
    Waiver,
)
from seatrial.audit.replay import Inconsistent, Replay

__all__ = [
    "Answer",
    "ArtefactRecord",
    "BaselineComparison",
    "Broken",
    "Chain",
    "CommandRecord",
    "Coverage",
    "Event",
    "FeatureRecord",
    "Inconsistent",
    "Journal",
    "JudgementRecord",
    "Replay",
    "RunRecord",
    "ScenarioRecord",
    "StepRecord",
    "Waiver",
    "parse",
]
