"""The course of a fault as it is kept: what may stand in it, and how much of it, before anybody draws it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_MOST_BINS = 120
MOST_MARKS = 16

_Text = Annotated[str, Field(max_length=4000)]
# More than a month is no trial; what is drawn must not be wider than a page.
_Seconds = Annotated[float, Field(ge=-3e6, le=3e6)]
_Count = Annotated[int, Field(ge=0, le=10**12)]
_Counts = Annotated[list[_Count], Field(max_length=_MOST_BINS)]
_Latencies = Annotated[list[_Seconds | None], Field(max_length=_MOST_BINS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class KeptMark(_Strict):
    """Something that happened, or did not; times are in seconds from the injection."""

    name: Literal["injected", "effective", "felt", "detected", "alert-worthy", "undone", "recovered", "steady"]
    source: _Text
    known: Literal["happened", "never", "not known"]
    earliest: _Seconds | None
    latest: _Seconds | None
    said: _Text


class KeptBins(_Strict):
    """Requests over time, as `seatrial.load.bins` sorts them."""

    start: _Seconds
    width: Annotated[float, Field(gt=0, le=3e6)]
    good: _Counts
    slow: _Counts
    failed: _Counts
    middle: _Latencies
    high: _Latencies
    longest: _Latencies


class KeptCustomers(_Strict):
    """How the customers fared in all."""

    requests: _Count
    failed: _Count
    slow: _Count
    bad_before: _Count
    rate: _Seconds
    limit: _Seconds | None


class KeptCourse(_Strict):
    """The course of one fault, in the format of `seatrial.chaos.naming`."""

    format: Literal["seatrial.course-of-a-fault/1"]
    fault: _Text
    target: _Text
    span: tuple[_Seconds, _Seconds | None] | None
    customers: KeptCustomers
    marks: Annotated[list[KeptMark], Field(max_length=MOST_MARKS)]
    bins: KeptBins
