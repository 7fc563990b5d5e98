"""The documents of OpenSLO v1 that objectives are written in, as far as they can be judged here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seatrial.slo.definition import Indicator, Objective

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

VERSION = "openslo/v1"
_KINDS = ("SLO", "SLI")
# OpenSLO's months, quarters and years have no fixed length, so no budget either.
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DURATION = re.compile(r"([1-9][0-9]{0,3})([mhdw])")
_PERCENT = 100


class Unfit(Exception):
    """What is wrong with a document, without a full stop."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Metadata(_Model):
    """What a document is called."""

    name: Name
    displayName: str = ""  # noqa: N815 (OpenSLO's)
    labels: dict[str, str | list[str]] = {}
    annotations: dict[str, str] = {}


class Counted(_Model):
    """Which requests are counted."""

    outcome: Literal["succeeded", "any"]


class Measured(_Model):
    """What is measured: of requests their latency, of events the age of the newest; both in seconds."""

    measure: Literal["latency", "age"]


class CountedSource(_Model):
    """Requests, as customers and servers count them."""

    type: Literal["requests"]
    spec: Counted


class MeasuredSource(_Model):
    """Requests or events, with something measured of each."""

    type: Literal["requests", "events"]
    spec: Measured


class CountedMetric(_Model):
    """One side of a ratio."""

    metricSource: CountedSource  # noqa: N815 (OpenSLO's)


class MeasuredMetric(_Model):
    """What is held against a limit."""

    metricSource: MeasuredSource  # noqa: N815 (OpenSLO's)


class RatioMetric(_Model):
    """Good of total."""

    counter: Literal[True]
    good: CountedMetric
    total: CountedMetric


class IndicatorSpec(_Model):
    """An indicator: a ratio, or a measure with a limit."""

    description: Annotated[str, Field(max_length=1050)] = ""
    ratioMetric: RatioMetric | None = None  # noqa: N815 (OpenSLO's)
    thresholdMetric: MeasuredMetric | None = None  # noqa: N815 (OpenSLO's)


class InlineIndicator(_Model):
    """An indicator that stands within its objective."""

    metadata: Metadata
    spec: IndicatorSpec


class TimeWindow(_Model):
    """A rolling window."""

    duration: str
    isRolling: Literal[True]  # noqa: N815 (OpenSLO's)


class Threshold(_Model):
    """How much must be good, and for a measure, up to what it is."""

    displayName: str = ""  # noqa: N815 (OpenSLO's)
    op: Literal["lte"] | None = None
    value: Annotated[float, Field(gt=0)] | None = None
    target: float | None = None
    targetPercent: float | None = None  # noqa: N815 (OpenSLO's)


class ObjectiveSpec(_Model):
    """What an SLO says."""

    description: Annotated[str, Field(max_length=1050)] = ""
    service: Name
    indicator: InlineIndicator | None = None
    indicatorRef: Name | None = None  # noqa: N815 (OpenSLO's)
    timeWindow: Annotated[list[TimeWindow], Field(min_length=1, max_length=1)]  # noqa: N815 (OpenSLO's)
    budgetingMethod: Literal["Occurrences"]  # noqa: N815 (OpenSLO's)
    objectives: Annotated[list[Threshold], Field(min_length=1, max_length=1)]


class SLO(_Model):
    """A service level objective."""

    apiVersion: Literal["openslo/v1"]  # noqa: N815 (OpenSLO's)
    kind: Literal["SLO"]
    metadata: Metadata
    spec: ObjectiveSpec


class SLI(_Model):
    """A service level indicator that objectives refer to."""

    apiVersion: Literal["openslo/v1"]  # noqa: N815 (OpenSLO's)
    kind: Literal["SLI"]
    metadata: Metadata
    spec: IndicatorSpec


def document_of(loaded: object) -> SLO | SLI:
    """Return the document that was *loaded* from YAML; raises Unfit for anything but an SLO or SLI that holds."""
    if not isinstance(loaded, dict):
        raise Unfit(f"it is no mapping but {type(loaded).__name__}")
    if loaded.get("apiVersion") != VERSION:
        raise Unfit(f"apiVersion is {loaded.get('apiVersion')!r} and not {VERSION}")
    if loaded.get("kind") not in _KINDS:
        raise Unfit(f"the kind is {loaded.get('kind')!r} and neither SLO nor SLI")
    try:
        return SLO.model_validate(loaded) if loaded["kind"] == "SLO" else SLI.model_validate(loaded)
    except ValidationError as error:
        raise Unfit(_said(error.errors()[0])) from error


def objective_in(document: SLO, indicators: Mapping[str, IndicatorSpec]) -> Objective:
    """Return what *document* asks for; *indicators* are those that it may refer to.

    Raises Unfit for what cannot be judged.
    """
    spec = document.spec
    threshold = spec.objectives[0]
    indicator = _indicator(_spec_of(spec, indicators))
    has_limit = indicator is not Indicator.AVAILABILITY
    if has_limit and (threshold.op is None or threshold.value is None):
        raise Unfit(f"spec.objectives.0 has no op and value, which an objective for {indicator} needs")
    if not has_limit and (threshold.op is not None or threshold.value is not None):
        raise Unfit("spec.objectives.0 has an op or a value, which a ratio has no use for")
    return Objective(
        name=document.metadata.name,
        service=spec.service,
        indicator=indicator,
        target=_target(threshold),
        window=_window(spec.timeWindow[0]),
        limit=None if threshold.value is None else timedelta(seconds=threshold.value),
        description=spec.description,
    )


def _spec_of(spec: ObjectiveSpec, indicators: Mapping[str, IndicatorSpec]) -> IndicatorSpec:
    match spec.indicator, spec.indicatorRef:
        case InlineIndicator() as inline, None:
            return inline.spec
        case None, str(name):
            if name not in indicators:
                raise Unfit(f"spec.indicatorRef names {name}, and there is no SLI of that name")
            return indicators[name]
        case _:
            raise Unfit("spec needs one of indicator and indicatorRef")


def _indicator(spec: IndicatorSpec) -> Indicator:
    if spec.thresholdMetric is None and spec.ratioMetric is not None:
        sides = spec.ratioMetric.good.metricSource.spec.outcome, spec.ratioMetric.total.metricSource.spec.outcome
        if sides != ("succeeded", "any"):
            raise Unfit(f"the ratio is of {sides[0]} to {sides[1]} requests and not of succeeded to any")
        return Indicator.AVAILABILITY
    if spec.thresholdMetric is None or spec.ratioMetric is not None:
        raise Unfit("the indicator needs one of ratioMetric and thresholdMetric")
    return _measured(spec.thresholdMetric.metricSource)


def _measured(source: MeasuredSource) -> Indicator:
    match source.type, source.spec.measure:
        case "requests", "latency":
            return Indicator.LATENCY
        case "events", "age":
            return Indicator.FRESHNESS
        case _:
            raise Unfit(
                f"{source.type} have no {source.spec.measure}: it is requests that have a latency, events an age"
            )


def _target(threshold: Threshold) -> float:
    match threshold.target, threshold.targetPercent:
        case float(target), None:
            if not 0 < target < 1:
                raise Unfit(f"the target {target:g} is not above 0 and below 1")
            return target
        case None, float(percent):
            if not 0 < percent < _PERCENT:
                raise Unfit(f"the target {percent:g}% is not above 0 and below 100")
            return round(percent / _PERCENT, 12)
        case _:
            raise Unfit("spec.objectives.0 needs one of target and targetPercent")


def _window(window: TimeWindow) -> timedelta:
    found = _DURATION.fullmatch(window.duration)
    if found is None:
        raise Unfit(f"the window {window.duration!r} is not a number with one of m, h, d and w behind it, as in 28d")
    return int(found[1]) * _UNITS[found[2]]


def _said(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return f"nobody knows the key {where}"
        case "missing":
            return f"{where} is missing"
        case _:
            return f"{where} does not hold ({error['msg'][0].lower()}{error['msg'][1:]})"
