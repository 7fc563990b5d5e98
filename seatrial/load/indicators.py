"""What a record of traffic says of objectives: good and total, over time and in blocks, from the customers' side."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from seatrial.slo.budget import Counted, error_budget
from seatrial.slo.comparison import Block
from seatrial.slo.counters import Seen, reconcile
from seatrial.slo.definition import Indicator
from seatrial.slo.histogram import LatencyHistogram
from seatrial.slo.tally import Tally
from seatrial.verdict import Inconclusive, Missing
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.load.record import Record, Request
    from seatrial.slo import Judgement
    from seatrial.slo.counters import Increase
    from seatrial.slo.definition import Objective

_SECOND = timedelta(seconds=1)
_FROM_BEFORE_THE_SERVICE = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def judge(record: Record, objective: Objective) -> Judgement:
    """Judge whether the requests of *record* kept *objective*, and tell of it.

    A latency objective is judged at its quantile, which is the same: at least the share is within the limit exactly if
    that quantile is. Raises Inconclusive when there are too few requests, and for freshness: requests are no events.
    """
    match objective.indicator, objective.limit:
        case Indicator.AVAILABILITY, _:
            judgement = record.judge_success(at_least=objective.target)
        case Indicator.LATENCY, timedelta() as limit:
            judgement = record.judge_latency(share=objective.target, at_most=limit)
        case _:
            raise Inconclusive(f"a record of requests says nothing of {objective}: it holds no events", Missing.SAMPLE)
    return replace(judgement, objective=str(objective))


def judge_all(record: Record, objectives: Iterable[Objective]) -> tuple[Judgement, ...]:
    """Judge each of *objectives* by *record*, and tell of it and of what it leaves of its budget.

    Raises Inconclusive when one of them cannot be judged and no other was missed, and when there is none.
    """
    judgements: list[Judgement] = []
    unknown: list[Inconclusive] = []
    for objective in objectives:
        try:
            judgements.append(judge(record, objective))
            tell_document(
                f"the error budget of {objective.name}", str(error_budget(objective, series(record, objective)))
            )
        except Inconclusive as problem:
            unknown.append(problem)
    if unknown and all(judgement.met for judgement in judgements):
        raise unknown[0]
    if not judgements:
        raise Inconclusive("there is no objective to be judged", Missing.SAMPLE)
    return tuple(judgements)


def good(request: Request, objective: Objective) -> bool:
    """Whether *request* counts as good for *objective*, which is one for availability or latency.

    For latency it need not have succeeded, as it need not have been quick for availability. Raises ValueError for
    freshness.
    """
    match objective.indicator, objective.limit:
        case Indicator.AVAILABILITY, _:
            return request.succeeded
        case Indicator.LATENCY, timedelta() as limit:
            return request.latency <= limit
        case _:
            raise ValueError(f"no request is good or bad for {objective}")


def tally(requests: Iterable[Request], objective: Objective) -> Tally:
    """Count the good *requests* and all of them. Raises ValueError for freshness."""
    counted = [good(request, objective) for request in requests]
    return Tally(sum(counted), len(counted))


def seen(requests: Iterable[Request]) -> Seen:
    """Return what the customers saw, to be held against what the servers counted.

    Nobody knows whether the service was asked where there was no answer, or one that whatever stands before it gives by
    itself: because it got none (502, 503, 504) or was asked too often (429).
    """
    sent = tuple(requests)
    unknown = sum(request.status is None or request.status in _FROM_BEFORE_THE_SERVICE for request in sent)
    return Seen(Tally(sum(request.succeeded for request in sent), len(sent)), unknown)


def judge_counts(record: Record, counted: Increase) -> Judgement:
    """Judge whether the servers *counted* exactly what the customers of *record* saw, and tell of both.

    Raises Inconclusive as `seatrial.slo.counters.reconcile` does.
    """
    customers = seen(record.requests)
    servers = f"{counted.tally}, {counted.in_flight} in flight, started anew {counted.restarted}, gone {counted.gone}"
    tell_document(
        "what was counted", f"by customers: {customers.tally}, {customers.unknown} unknown\nby servers: {servers}"
    )
    return reconcile(customers, counted)


def series(record: Record, objective: Objective, *, step: timedelta = _SECOND) -> tuple[Counted, ...]:
    """Count in steps of time from when the first request was to start, until the last one ended.

    A request counts when it ended: before, nobody can know how it fares. Steps in which none ended are there, and
    empty. Raises ValueError for freshness.
    """
    if not record.requests:
        return ()
    begin, width = min(request.intended for request in record.requests), step.total_seconds()
    ended: dict[int, list[Request]] = {}
    for request in record.requests:
        ended.setdefault(int((request.ended - begin) / width), []).append(request)
    return tuple(Counted(step * (place + 1), tally(ended.get(place, ()), objective)) for place in range(max(ended) + 1))


def blocks(record: Record, *, length: timedelta = _SECOND) -> tuple[Block, ...]:
    """Divide the requests into blocks of time by when they were to start; one that is not whole at the end is dropped.

    Raises Inconclusive when a block has no request: the traffic had a hole, so it was not the traffic that was meant.
    """
    if not record.requests:
        return ()
    times = [request.intended for request in record.requests]
    begin, width = min(times), length.total_seconds()
    # The last request stands for the stretch until the next one would have come.
    whole = math.floor((max(times) - begin + 1 / record.rate) / width + 1e-9)
    found: list[list[Request]] = [[] for _ in range(whole)]
    for request in record.requests:
        place = int((request.intended - begin) / width + 1e-9)
        if place < whole:
            found[place].append(request)
    if any(not block for block in found):
        raise Inconclusive("the traffic has a hole, in which no request was to start", Missing.TRAFFIC)
    return tuple(
        Block(
            LatencyHistogram.of(request.latency.total_seconds() for request in block),
            sum(not request.succeeded for request in block),
        )
        for block in found
    )
