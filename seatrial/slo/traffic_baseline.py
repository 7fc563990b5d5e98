"""A baseline of traffic: how one service fared once, block by block, in a file that later traffic is held against.

It says where it comes from, and traffic that is not of the same kind is refused: another service, rate or machine is
another thing, and a difference between two things is no worsening.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from seatrial.errors import UsageError
from seatrial.slo.comparison import Block
from seatrial.slo.histogram_log import decode, encode
from seatrial.truth import TruthLabel  # noqa: TC001 (pydantic reads annotations at run time)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMAT: Literal["seatrial-traffic-baseline/1"] = "seatrial-traffic-baseline/1"
_ADVICE = "write one with seatrial objective baseline"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Kind(_Strict):
    """What has to be the same for two stretches of traffic to be compared; *rate* is in requests per second."""

    service: str
    rate: float = Field(gt=0)
    label: TruthLabel
    architecture: str
    processors: str

    def unlike(self, other: Kind) -> str | None:
        """Return in what *other* is of another kind, in words; None if it is of this."""
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                return f"{name} {mine} there and {theirs} here"
        return None


class Provenance(_Strict):
    """Where a baseline comes from: when it was made, from which record, and with what, for a reader."""

    made: AwareDatetime
    record_sha256: str
    environment: dict[str, str]


class KeptBlock(_Strict):
    """A block of time: its latencies as an encoded histogram, and how many requests failed."""

    latencies: str
    failed: int = Field(ge=0)


class TrafficBaseline(_Strict):
    """How traffic of one kind fared; each block is *seconds* long."""

    format: Literal["seatrial-traffic-baseline/1"]
    kind: Kind
    provenance: Provenance
    seconds: float = Field(gt=0)
    blocks: tuple[KeptBlock, ...] = Field(min_length=1)

    @classmethod
    def of(cls, blocks: Sequence[Block], *, seconds: float, kind: Kind, provenance: Provenance) -> TrafficBaseline:
        """Return the baseline that *blocks*, each *seconds* long, set."""
        kept = tuple(KeptBlock(latencies=encode(block.latencies), failed=block.failed) for block in blocks)
        return cls(format=FORMAT, kind=kind, provenance=provenance, seconds=seconds, blocks=kept)

    def opened(self) -> tuple[Block, ...]:
        """Return the blocks. Raises ValueError for one that cannot be."""
        return tuple(_opened(kept) for kept in self.blocks)


def write_traffic_baseline(baseline: TrafficBaseline, file: Path) -> None:
    """Write *baseline* to *file*. Raises UsageError if it cannot be written."""
    text = json.dumps(baseline.model_dump(mode="json"), indent=1) + "\n"
    try:
        file.write_text(text, encoding="ascii")
    except OSError as problem:
        raise UsageError(
            f"The baseline {file} cannot be written ({problem.strerror}): choose another place."
        ) from problem


def read_traffic_baseline(file: Path) -> TrafficBaseline:
    """Read a baseline of traffic. Raises UsageError if *file* is missing or is none."""
    try:
        baseline = TrafficBaseline.model_validate_json(file.read_bytes())
        baseline.opened()
    except OSError as problem:
        raise UsageError(f"The baseline {file} cannot be read ({problem.strerror}): {_ADVICE}.") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = " ".join(f"{where} {first['msg']}".split())
        raise UsageError(f"{file} is no baseline of traffic ({what}): {_ADVICE}.") from problem
    except ValueError as problem:
        raise UsageError(f"{file} is no baseline of traffic ({problem}): {_ADVICE}.") from problem
    return baseline


def check_kind(baseline: TrafficBaseline, kind: Kind, *, file: Path) -> None:
    """Raise UsageError unless *baseline*, read from *file*, is of traffic of this *kind*."""
    difference = baseline.kind.unlike(kind)
    if difference is not None:
        raise UsageError(
            f"The baseline {file} is of traffic of another kind ({difference}), which cannot be compared: give a"
            " baseline of the same service, rate, target and machine."
        )


def _opened(kept: KeptBlock) -> Block:
    block = Block(decode(kept.latencies), kept.failed)
    if not block.latencies.total or block.failed > block.latencies.total:
        raise ValueError(f"{block.failed} of {block.latencies.total} requests of a block cannot have failed")
    return block
