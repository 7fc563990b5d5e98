"""Judging a record against objectives, all of them, with what each leaves of its budget."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.load.indicators import judge, series
from seatrial.load.record import Record
from seatrial.slo.budget import error_budget
from seatrial.slo.burn_rate import SERVICE_ALERTS, evaluate
from seatrial.slo.definition import Indicator
from seatrial.slo.freshness import judge_freshness
from seatrial.slo.histogram import HIGHEST
from seatrial.verdict import Inconclusive, Missing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from seatrial.load.record import Request
    from seatrial.slo.budget import Counted
    from seatrial.slo.definition import Objective
    from seatrial.slo.objective import Judgement


@dataclass(frozen=True)
class Finding:
    """How one objective fared: the verdict, why, and what else there is to say of it."""

    verdict: Verdict
    said: str
    more: tuple[str, ...] = ()


def check(
    objectives: Iterable[Objective],
    *,
    record: Record | None,
    events: Sequence[datetime] | None,
    now: datetime,
    scale: float | None,
) -> tuple[Finding, ...]:
    """Judge each of *objectives* by *record* or, for freshness, by how old the newest of *events* is at *now*.

    With *scale*, the alerts for service are looked for in the record, with windows times that; they change no verdict.
    What cannot be judged is inconclusive.
    """
    return tuple(_checked(objective, record, events, now, scale) for objective in objectives)


def record_in(file: Path) -> Record:
    """Read a record of traffic. Raises UsageError for a file that cannot be read, is none, or has no end.

    Whether it can bear a judgement shows when it is judged.
    """
    no_record = f"{file} is no record of traffic: name a requests.jsonl that a run kept."
    try:
        record = Record.read(file)
        fit = 0 < record.rate < math.inf and all(_possible(request) for request in record.requests)
    except OSError as problem:
        raise UsageError(
            f"The record {file} cannot be read ({problem.strerror}): name one that a run kept."
        ) from problem
    except Inconclusive as problem:
        raise UsageError(
            f"The record {file} is not whole ({problem.reason}): name one that came to its end."
        ) from problem
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as problem:
        raise UsageError(no_record) from problem
    if not fit:
        raise UsageError(no_record)
    return record


def _possible(request: Request) -> bool:
    read = vars(request)
    kinds = isinstance(read["held"], bool) and isinstance(read["status"], int | None)
    return kinds and timedelta(0) <= request.latency <= HIGHEST and math.isfinite(request.started)


def events_in(file: Path) -> tuple[datetime, ...]:
    """Read when events were: JSON lines, each an object with an ISO 8601 time ``at``; one without a zone is UTC.

    Raises UsageError for a file that cannot be read or holds anything else.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text in UTF-8"
        raise UsageError(f"The events in {file} cannot be read ({why}): name a file that can.") from problem
    return tuple(_event(file, number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _event(file: Path, number: int, line: str) -> datetime:
    try:
        found = datetime.fromisoformat(json.loads(line)["at"])
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise UsageError(
            f'{file}, line {number} is no event: write it as {{"at": "2031-05-04T12:00:00Z"}}.'
        ) from problem
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _checked(
    objective: Objective, record: Record | None, events: Sequence[datetime] | None, now: datetime, scale: float | None
) -> Finding:
    try:
        judgement = _judged(objective, record, events, now)
    except Inconclusive as problem:
        return Finding(Verdict.INCONCLUSIVE, f"{objective}: {problem.reason}")
    more = () if record is None or objective.indicator is Indicator.FRESHNESS else _beyond(objective, record, scale)
    return Finding(Verdict.PASSED if judgement.met else Verdict.FAILED, str(judgement), more)


def _judged(objective: Objective, record: Record | None, events: Sequence[datetime] | None, now: datetime) -> Judgement:
    match objective.indicator, objective.limit:
        case Indicator.FRESHNESS, timedelta() as limit:
            if events is None:
                raise Inconclusive("no events were given", Missing.SAMPLE)
            return replace(judge_freshness(events, now, at_most=limit), objective=str(objective))
        case _:
            if record is None:
                raise Inconclusive("no record of traffic was given", Missing.TRAFFIC)
            return judge(record.sound(), objective)


def _beyond(objective: Objective, record: Record, scale: float | None) -> tuple[str, ...]:
    counted = series(record, objective)
    alerts = () if scale is None else _alerted(objective, counted, scale)
    return (f"budget: {error_budget(objective, counted)}", *alerts)


def _alerted(objective: Objective, counted: Sequence[Counted], scale: float) -> tuple[str, ...]:
    lines = []
    for alert in SERVICE_ALERTS:
        scaled = alert.scaled(scale)
        try:
            history = evaluate(objective, counted, scaled)
        except Inconclusive as problem:
            lines.append(f"alert: {problem.reason}")
            continue
        due = f"due after {history.due[0].total_seconds():g} s" if history.due else "not due"
        blind = f", data missing at {len(history.blind)} of {len(history.looks)} looks" if history.blind else ""
        lines.append(f"alert ({scaled}): {due}{blind}")
    return tuple(lines)
