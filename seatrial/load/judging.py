"""What a run under load came to: its stages against their limits, the knee, and whether the generator kept up."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seatrial.load.record import Record
from seatrial.slo import Judgement, judge_latency, judge_success, quantile
from seatrial.verdict import Inconclusive, Missing, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from seatrial.load.profile import Limits, Profile
    from seatrial.load.record import Request
    from seatrial.load.schedule import Stage

LATE = 0.1
"""Seconds after which a send is late. It is what `STALL` of the generator is: what a customer would just notice."""
# A late send never makes a result look better, because latency counts from the intended time. A few of them, and a
# moment's stall, are what any machine has now and then; they do not spoil a stage of a hundred requests.
_LATE_SHARE = 0.01
_FEW = 5
_STALLED_SHARE = 0.03
_BUSY = 0.9
_SENT_SHARE = 0.98


@dataclass(frozen=True)
class Window:
    """What the generator was like in the time until *ended*: see `seatrial.load.openloop.health`."""

    ended: float
    processor: float
    stalled: float
    in_flight: int


@dataclass(frozen=True)
class StageResult:
    """What was measured of the requests that were due in one stage; times are in seconds.

    *sent* of *planned* went out, *late* of those too late by the generator's doing; *held* ones waited because as many
    as allowed were unanswered. *in_time* went out in time.
    """

    stage: Stage
    planned: int
    sent: int
    in_time: int
    late: int
    held: int
    success: float
    p50: float
    p99: float
    processor: float
    stalled: float

    @property
    def achieved(self) -> float:
        """Which share of what was intended went out in time."""
        return self.in_time / self.planned if self.planned else 0.0

    def trouble(self) -> str | None:
        """Return why the generator cannot be trusted here, None if it can."""
        seconds = self.stage.duration.total_seconds()
        if self.sent < _SENT_SHARE * self.planned:
            return f"it sent {self.sent} of {self.planned} requests"
        if self.late > max(_FEW, _LATE_SHARE * self.sent):
            return f"it sent {self.late} of {self.sent} requests more than {LATE:g} s late"
        if self.processor >= _BUSY:
            return f"it used {self.processor:.0%} of a processor: it had no time left to read answers when they came"
        if self.stalled > _STALLED_SHARE * seconds:
            return f"it stood still for {self.stalled:.2f} of {seconds:.0f} s"
        return None

    def __str__(self) -> str:
        return (
            f"{self.stage.name}: {self.stage.rate:g}/s intended, {self.achieved:.2%} of it achieved, "
            f"{self.success:.2%} succeeded, p50 {self.p50 * 1000:.0f} ms, p99 {self.p99 * 1000:.0f} ms"
        )


@dataclass(frozen=True)
class LoadRecord:
    """A record with what its generator says of itself."""

    record: Record
    began: float
    windows: tuple[Window, ...]
    in_flight: int

    @classmethod
    def read(cls, file: Path) -> LoadRecord:
        """Read what the generator wrote. Raises Inconclusive when it did not live to close its record."""
        record = Record.read(file)
        closing = json.loads(file.read_bytes().rstrip().rpartition(b"\n")[2])
        windows = tuple(Window(*window) for window in closing["windows"])
        return cls(record, closing["began"], windows, closing["in_flight"])

    def results(self, profile: Profile) -> tuple[StageResult, ...]:
        """Return what was measured in each stage of *profile* that was gone through to its end."""
        return tuple(self._results(profile))

    def within(self, begin: float, end: float) -> tuple[Request, ...]:
        """Return the requests that were due from *begin* until before *end*, in seconds since the run began."""
        return tuple(one for one in self.record.requests if begin <= one.intended - self.began < end)

    def _results(self, profile: Profile) -> Iterator[StageResult]:
        begin, called = 0.0, self.record.planned
        for stage, planned in zip(profile.stages, profile.due(), strict=True):
            if called < planned:
                return
            end = begin + stage.duration.total_seconds()
            yield self._measured(stage, begin, end, self.within(begin, end), planned)
            begin, called = end, called - planned

    def _measured(
        self, stage: Stage, begin: float, end: float, requests: tuple[Request, ...], planned: int
    ) -> StageResult:
        seen = [one for one in self.windows if begin < one.ended - self.began <= end + 1]
        latencies = [one.latency.total_seconds() for one in requests] or [0.0]
        return StageResult(
            stage=stage,
            planned=planned,
            sent=len(requests),
            in_time=sum(map(_in_time, requests)),
            late=sum(not one.held and not _in_time(one) for one in requests),
            held=sum(one.held for one in requests),
            success=sum(one.succeeded for one in requests) / max(1, planned),
            p50=quantile(latencies, 0.5),
            p99=quantile(latencies, 0.99),
            processor=sum(one.processor for one in seen) / len(seen) if seen else 0.0,
            stalled=sum(one.stalled for one in seen),
        )


@dataclass(frozen=True)
class Finding:
    """One thing that was judged, and how."""

    what: str
    verdict: Verdict


@dataclass(frozen=True)
class LoadJudgement:
    """What a run came to, stage by stage. *knee* is the highest rate that was carried, where it was looked for.

    *judged* is the record of which the limits were asked as a whole, where they were.
    """

    profile: str
    findings: tuple[Finding, ...]
    results: tuple[StageResult, ...] = ()
    knee: float | None = None
    judged: tuple[Record, Limits] | None = None

    @classmethod
    def unknown(cls, profile: str, reason: str) -> LoadJudgement:
        """Return that of a run of which nothing can be judged, for the *reason* given."""
        return cls(profile, (Finding(reason, Verdict.INCONCLUSIVE),))

    @property
    def verdict(self) -> Verdict:
        """The worst of what was found; a run of which nothing could be judged is inconclusive."""
        if not self.findings:
            return Verdict.INCONCLUSIVE
        return Verdict.worst(finding.verdict for finding in self.findings)

    @property
    def reason(self) -> str:
        """Why it is no better."""
        return "; ".join(one.what for one in self.findings if one.verdict is self.verdict)

    def require(self) -> LoadJudgement:
        """Return itself if it passed, and tell of what was judged, which is evidence of it only where it is required.

        Raises Inconclusive or AssertionError.
        """
        if self.verdict is Verdict.INCONCLUSIVE:
            raise Inconclusive(self.reason or "nothing was judged", Missing.PACE)
        if self.judged is not None:
            record, limits = self.judged
            record.judge_success(at_least=limits.success)
            record.judge_latency(share=limits.share, at_most=limits.latency)
        if self.verdict is not Verdict.PASSED:
            raise AssertionError(self.reason)
        return self


def carried(requests: Sequence[Request], due: int, limits: Limits) -> bool:
    """Return whether *due* requests went out at their rate and *limits* hold for them.

    *requests* of them are answered; the others are slow so far.
    """
    if sum(map(_in_time, requests)) < _SENT_SHARE * due:
        return False
    failed = sum(not one.succeeded for one in requests)
    quick = sum(one.latency <= limits.latency for one in requests)
    return due - failed >= limits.success * due and quick >= limits.share * due


def _in_time(request: Request) -> bool:
    return request.lag.total_seconds() <= LATE


def judge(profile: Profile, seen: LoadRecord) -> LoadJudgement:
    """Judge a run of *profile* by what was *seen* of it."""
    return _judge_knee(profile, seen) if profile.knee_at_least is not None else _judge_stages(profile, seen)


def _judge_stages(profile: Profile, seen: LoadRecord) -> LoadJudgement:
    results = seen.results(profile)
    doubts = [f"{one.stage.name}: {why}" for one in results if (why := one.trouble())]
    if len(results) < len(profile.stages):
        doubts.append(f"it ended after {len(results)} of {len(profile.stages)} stages")
    try:
        seen.record.sound()
    except Inconclusive as problem:
        doubts.append(problem.reason)
    if doubts:
        what = f"the generator did not keep up: {'; '.join(doubts)}"
        return replace(LoadJudgement.unknown(profile.name, what), results=results)
    findings = [*_found("all", seen.record.requests, profile.limits)]
    begin = 0.0
    for stage in profile.stages:
        end = begin + stage.duration.total_seconds()
        if stage.name in profile.stage_limits:
            findings += _found(stage.name, seen.within(begin, end), profile.stage_limits[stage.name])
        begin = end
    held = sum(one.held for one in results)
    if held and Verdict.worst(one.verdict for one in findings) is Verdict.PASSED:
        what = (
            f"{seen.in_flight} requests were unanswered at a time, so {held} were held back: the shop was spared them"
        )
        findings.append(Finding(what, Verdict.INCONCLUSIVE))
    return LoadJudgement(profile.name, tuple(findings), results, judged=(seen.record, profile.limits))


def _found(name: str, requests: tuple[Request, ...], limits: Limits) -> Iterator[Finding]:
    yield _attempt(name, lambda: judge_success([one.succeeded for one in requests], at_least=limits.success))
    latencies = [one.latency for one in requests]
    yield _attempt(name, lambda: judge_latency(latencies, share=limits.share, at_most=limits.latency))


def _attempt(name: str, judged: Callable[[], Judgement]) -> Finding:
    try:
        judgement = judged()
    except Inconclusive as problem:
        return Finding(f"{name}: {problem.reason}", Verdict.INCONCLUSIVE)
    return Finding(f"{name}: {judgement}", Verdict.PASSED if judgement.met else Verdict.FAILED)


def _judge_knee(profile: Profile, seen: LoadRecord) -> LoadJudgement:
    """Find the last step that was carried, of those before the first one that was not."""
    results = seen.results(profile)
    knee, begin, broken = 0.0, 0.0, None
    for result in results:
        end = begin + result.stage.duration.total_seconds()
        if trouble := result.trouble():
            what = f"the generator gave out at {result.stage.rate:g}/s, before the shop did: {trouble}"
            broken = Finding(what, Verdict.INCONCLUSIVE)
            break
        if not carried(seen.within(begin, end), result.planned, profile.limits):
            broken = Finding(f"the shop carries {knee:g}/s, and not {result}", Verdict.PASSED)
            break
        knee, begin = result.stage.rate, end
    wanted = profile.knee_at_least or 0.0
    if knee >= wanted:
        what = broken.what if broken else f"the shop carries {knee:g}/s, and more was not asked of it"
        return LoadJudgement(profile.name, (Finding(what, Verdict.PASSED),), results, knee)
    if broken is None:
        broken = Finding(f"the run ended at {knee:g}/s, before the {wanted:g}/s asked for", Verdict.INCONCLUSIVE)
    verdict = Verdict.FAILED if broken.verdict is Verdict.PASSED else broken.verdict
    return LoadJudgement(profile.name, (Finding(f"{broken.what}; {wanted:g}/s is asked for", verdict),), results, knee)
