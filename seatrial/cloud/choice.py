"""Which account a run works on: an emulator unless a person asks for a real one, and says what it may cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.errors import UsageError

EMULATOR = "emulated"
AWS = "aws"


@dataclass(frozen=True)
class RealAccount:
    """What a person said about a real account: *budget* in US dollars a month, *state_bucket* an S3 bucket in it."""

    environment: str
    budget: float
    state_bucket: str


def choose(
    cloud: str | None, environment: str | None, budget: float | None, state_bucket: str | None, *, accepted: bool
) -> RealAccount | None:
    """Return what is to be worked on in a real account, None for the emulator.

    Raises UsageError unless each thing was said that keeps a real account from being changed by accident.
    """
    said = {"--environment": environment, "--budget": budget, "--state-bucket": state_bucket}
    if cloud in (None, EMULATOR):
        flags = [flag for flag, value in said.items() if value is not None] + ["--accept-costs"] * accepted
        if flags:
            raise UsageError(f"{flags[0]} is about a real account: give --cloud {AWS} too.")
        return None
    if environment is None:
        raise UsageError("Say which environment to build in the real account: --environment learner or production.")
    if budget is None or not math.isfinite(budget) or budget <= 0:
        raise UsageError("Say what it may cost, in US dollars a month and more than 0: --budget 150.")
    if not state_bucket:
        raise UsageError("Say which S3 bucket of that account keeps OpenTofu's state: --state-bucket NAME.")
    if not accepted:
        raise UsageError(
            f"Building {environment} in a real account costs money until it is taken down: say so with --accept-costs."
        )
    return RealAccount(environment, budget, state_bucket)
