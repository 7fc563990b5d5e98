"""Judging raw records again, by code that shares nothing with what judged them first.

A raw record has a JSON object per line and request, with ``intended``, ``started`` and ``ended`` in seconds, ``status``
(null when no answer came) and ``held`` (it started late because of the service), and a closing line with ``planned``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.audit.refusal import NotVerified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.audit.records import JudgementRecord

_ALLOWED_LAG = 0.25
_ON_TIME_SHARE = 0.99
_SENT_SHARE = 0.98
_FIRST_ERROR_STATUS = 400


@dataclass(frozen=True)
class Sample:
    """What a raw record says of its requests: how many succeeded, and how many seconds each took and started late.

    *latencies* and *lags* are in order of size. *sensible* says that no request ended before it started.
    """

    successes: int
    latencies: Sequence[float]
    lags: Sequence[float]
    planned: int
    sensible: bool

    @classmethod
    def read(cls, content: bytes) -> Sample:
        """Read a raw record; raises NotVerified for what is none."""
        try:
            *requests, closing = (json.loads(line) for line in content.splitlines() if line.endswith(b"}"))
            return cls(
                successes=sum(one["status"] is not None and one["status"] < _FIRST_ERROR_STATUS for one in requests),
                latencies=sorted(_seconds(one["ended"] - one["intended"]) for one in requests),
                lags=sorted(_seconds(one["started"] - one["intended"]) for one in requests if not one["held"]),
                planned=int(closing["planned"]),
                sensible=all(math.isfinite(one["intended"]) and one["started"] <= one["ended"] for one in requests),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise NotVerified("a raw record cannot be read, or has no closing line") from error

    def check(self, judgement: JudgementRecord) -> None:
        """Raise NotVerified unless the same comes out of this as *judgement* says."""
        count = len(self.latencies)
        share = judgement.required if judgement.share is None else judgement.share
        if not 0 < share <= 1 or count < _needed(share):
            raise NotVerified(f"{count} requests in {judgement.record} are too few for what was judged of them")
        if not self.sensible:
            raise NotVerified(f"a request in {judgement.record} ended before it started, or at no time at all")
        if count < _SENT_SHARE * self.planned or (self.lags and _quantile(self.lags, _ON_TIME_SHARE) > _ALLOWED_LAG):
            raise NotVerified(f"the requests in {judgement.record} were not sent at their rate, so they judge nothing")
        match judgement.objective, judgement.share:
            case "success", None:
                observed = self.successes / count
                met = observed >= judgement.required
            case "latency", float():
                observed = _quantile(self.latencies, share)
                met = observed <= judgement.required
            case _:
                raise NotVerified(f"nobody knows how to judge {judgement.objective!r} of {judgement.share}")
        if (observed, count, met) != (judgement.observed, judgement.samples, judgement.met):
            raise NotVerified(
                f"{judgement.objective} is said to be {judgement.observed:g} of {judgement.samples} requests,"
                f" {_words(judgement.met)}; {judgement.record} gives {observed:g} of {count}, {_words(met)}"
            )


def _seconds(value: float) -> float:
    """Return *value* as a clock that counts whole microseconds has it, which is what was judged."""
    return timedelta(seconds=value).total_seconds()


def _needed(share: float) -> int:
    return 1 if share >= 1 else math.ceil(round(1 / (1 - share), 6))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the values, *ordered* by size, that at least *share* of them do not exceed."""
    return ordered[max(1, math.ceil(round(share * len(ordered), 9))) - 1]


def _words(met: bool) -> str:  # noqa: FBT001 (its meaning)
    return "met" if met else "missed"
