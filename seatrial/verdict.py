"""What can be said about a step, a scenario, a requirement or a run once it is over."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """One of five answers; the same five at every level, from a step to a whole run.

    passed: observed to be true, and the clean-up behind it was proven.
    not run: nobody looked (skipped, deselected, nothing to run).
    inconclusive: looked, but the evidence is missing (no sample, no enforcement, no metrics API).
    error: the check itself broke: set-up, clean-up, or a defect in a step.
    failed: observed to be false.
    """

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    ERROR = "error"

    @classmethod
    def worst(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Return the verdict on a whole whose parts have *verdicts*; of no parts at all: not run.

        From best to worst: passed, not run, inconclusive, error, failed. As in a conjunction, one refuted part refutes
        the whole whatever is unknown beside it, and the whole passes only if every part did.
        """
        return max(verdicts, key=_FROM_BEST_TO_WORST.index, default=cls.NOT_RUN)

    @property
    def opens_gate(self) -> bool:
        """Whether a gate may let this through: only what passed."""
        return self is Verdict.PASSED


_FROM_BEST_TO_WORST = (Verdict.PASSED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAILED)


class Missing(StrEnum):
    """What kind of evidence a judgement lacked."""

    SAMPLE = "no sample"
    SAMPLES = "too few samples"
    TRAFFIC = "no traffic"
    ENFORCEMENT = "no enforcement"
    PERMISSION = "no permission"
    FRESHNESS = "stale scrape"
    PACE = "generator too slow"
    ANSWER = "no answer"
    ABILITY = "the target cannot do it"


class Inconclusive(Exception):
    """The evidence for a judgement is missing; *reason* says what was missing, *missing* of what kind it is.

    Raised anywhere in a scenario, it makes the verdict inconclusive instead of failed.
    """

    def __init__(self, reason: str, missing: Missing | None = None) -> None:
        self.reason = reason
        self.missing = missing
        super().__init__(reason)
