"""What a traffic generator wrote down: one line per request, and how well the generator kept its own rate."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.slo import Judgement, judge_latency, judge_success, quantile
from seatrial.verdict import Inconclusive, Missing
from seatrial.witness import Judged, tell_judged

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED_LAG = timedelta(milliseconds=250)
_ON_TIME_SHARE = 0.99
_SENT_SHARE = 0.98
_FIRST_ERROR_STATUS = 400


@dataclass(frozen=True)
class Request:
    """One request: when it was to start, when it started and ended, in seconds of the machine's monotonic clock.

    *status* is the HTTP status, None when no answer came; then *error* says why. *held* says that it started late
    because as many requests as allowed were still unanswered: the service's doing, not the generator's. *act* is what
    the customer did, where customers do different things.
    """

    intended: float
    started: float
    ended: float
    status: int | None
    error: str | None
    held: bool
    act: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether an answer came and its status is no error."""
        return self.status is not None and self.status < _FIRST_ERROR_STATUS

    @property
    def sensible(self) -> bool:
        """Whether it started and ended at times that there are, in that order."""
        return math.isfinite(self.intended) and self.started <= self.ended < math.inf

    @property
    def latency(self) -> timedelta:
        """From the moment it was to start, not from when it did: a wait in the generator is a wait for the customer."""
        return timedelta(seconds=self.ended - self.intended)

    @property
    def lag(self) -> timedelta:
        """How late it started."""
        return timedelta(seconds=self.started - self.intended)


@dataclass(frozen=True)
class Record:
    """All requests of one stretch of traffic. *planned* is how many the rate called for; *file* holds the raw lines."""

    requests: tuple[Request, ...]
    planned: int
    rate: float
    file: Path

    @classmethod
    def read(cls, file: Path) -> Record:
        """Read what the generator wrote.

        Raises Inconclusive when it wrote no closing line: it did not live to the end.
        """
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        closing = lines.pop() if lines and "planned" in lines[-1] else None
        if closing is None:
            raise Inconclusive(
                f"the traffic generator did not live to close its record of {len(lines)} requests", Missing.SAMPLES
            )
        requests = tuple(Request(**line) for line in lines)
        return cls(requests, int(closing["planned"]), float(closing["rate"]), file)

    @property
    def outcomes(self) -> tuple[bool, ...]:
        """Whether each request succeeded, in the order of sending."""
        return tuple(request.succeeded for request in self.requests)

    @property
    def latencies(self) -> tuple[timedelta, ...]:
        """The latency of each request, answered or not, in the order of sending."""
        return tuple(request.latency for request in self.requests)

    @property
    def failures(self) -> tuple[Request, ...]:
        """The requests that did not succeed."""
        return tuple(request for request in self.requests if not request.succeeded)

    def sound(self) -> Record:
        """Return itself when it can bear a judgement.

        Raises Inconclusive when it is empty or holds what cannot have been, when fewer requests were sent than the rate
        called for, or when the generator sent them so late that what it measured is itself.
        """
        if not self.requests:
            raise Inconclusive("no request was sent", Missing.TRAFFIC)
        odd = sum(not request.sensible for request in self.requests)
        if odd:
            raise Inconclusive(f"{odd} requests ended before they started, or at no time at all", Missing.SAMPLE)
        if len(self.requests) < _SENT_SHARE * self.planned:
            raise Inconclusive(
                f"the generator sent {len(self.requests)} of {self.planned} requests: it could not keep its rate",
                Missing.PACE,
            )
        own = [request.lag.total_seconds() for request in self.requests if not request.held]
        lag = quantile(own, _ON_TIME_SHARE) if own else 0.0
        if lag > ALLOWED_LAG.total_seconds():
            raise Inconclusive(
                f"the generator could not keep {self.rate:g} requests/s: "
                f"1 % of them started more than {lag:.3f} s late, {ALLOWED_LAG.total_seconds():g} s is allowed",
                Missing.PACE,
            )
        return self

    def judge_success(self, *, at_least: float) -> Judgement:
        """Judge whether at least the share *at_least* (0 to 1) of the requests succeeded, and tell of it.

        Raises Inconclusive when there are too few for that share to mean anything.
        """
        judgement = judge_success(self.outcomes, at_least=at_least)
        self._tell("success", None, judgement)
        return judgement

    def judge_latency(self, *, share: float, at_most: timedelta) -> Judgement:
        """Judge whether the *share* (0 to 1) quantile of the latencies is *at_most* that long, and tell of it.

        Raises Inconclusive when there are too few for that quantile to mean anything.
        """
        judgement = judge_latency(self.latencies, share=share, at_most=at_most)
        self._tell("latency", share, judgement)
        return judgement

    def _tell(self, objective: str, share: float | None, judgement: Judgement) -> None:
        tell_judged(
            Judged(
                objective=objective,
                share=share,
                required=judgement.required,
                observed=judgement.observed,
                samples=judgement.samples,
                met=judgement.met,
                record=self.file,
            )
        )

    def __str__(self) -> str:
        kinds: dict[str, int] = {}
        for request in self.failures:
            kind = request.error or f"status {request.status}"
            kinds[kind] = kinds.get(kind, 0) + 1
        failed = "; ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items())) or "none failed"
        return f"{len(self.requests)} requests, {failed}"
