from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.slo.comparison import Block, compare
from seatrial.slo.histogram import LatencyHistogram
from seatrial.slo.traffic_baseline import (
    Kind,
    Provenance,
    TrafficBaseline,
    check_kind,
    read_traffic_baseline,
    write_traffic_baseline,
)
from seatrial.truth import TruthLabel

if TYPE_CHECKING:
    from pathlib import Path

KIND = Kind(service="catalog", rate=20, label=TruthLabel.EMBEDDED, architecture="x86_64", processors="2")
PROVENANCE = Provenance(
    made=datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC), record_sha256="0" * 64, environment={"kernel": "6.1"}
)
BLOCKS = tuple(Block(LatencyHistogram.of([0.01 * number, 0.02]), number % 2) for number in range(1, 5))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    baseline = TrafficBaseline.of(BLOCKS, seconds=1, kind=KIND, provenance=PROVENANCE)
    write_traffic_baseline(baseline, tmp_path / "baseline.json")
    return tmp_path / "baseline.json"


def test_it_comes_back_as_it_was_written(file: Path) -> None:
    found = read_traffic_baseline(file)
    assert (found.kind, found.provenance, found.seconds) == (KIND, PROVENANCE, 1)
    opened = found.opened()
    assert [block.failed for block in opened] == [block.failed for block in BLOCKS]
    assert [list(block.latencies.recorded()) for block in opened] == [
        list(block.latencies.recorded()) for block in BLOCKS
    ]
    assert compare(opened, BLOCKS) == compare(BLOCKS, BLOCKS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service", "orders"),
        ("rate", 40.0),
        ("label", TruthLabel.KIND),
        ("architecture", "aarch64"),
        ("processors", "8"),
    ],
    ids=["service", "rate", "label", "architecture", "processors"],
)
def test_what_is_unlike_is_refused_in_one_sentence(name: str, value: object, file: Path) -> None:
    other = KIND.model_copy(update={name: value})
    with pytest.raises(UsageError) as refused:
        check_kind(read_traffic_baseline(file), other, file=file)
    sentence = str(refused.value)
    assert f"({name} {getattr(KIND, name)} there and {value} here)" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_is_alike_is_compared(file: Path) -> None:
    check_kind(read_traffic_baseline(file), KIND, file=file)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "seatrial-baseline/1"},
        {"blocks": []},
        {"seconds": 0},
        {"more": 1},
        {"blocks": [{"latencies": "AAAA", "failed": 0}]},
    ],
    ids=["a run's baseline", "no block", "blocks of no time", "an unknown key", "no histogram"],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(change: dict[str, object], file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UsageError, match="is no baseline of traffic") as refused:
        read_traffic_baseline(file)
    assert "\n" not in str(refused.value)


def test_more_failures_than_requests_are_refused(file: Path) -> None:
    text = json.loads(file.read_text())
    text["blocks"][0]["failed"] = 3
    file.write_text(json.dumps(text))
    with pytest.raises(UsageError, match="3 of 2 requests of a block cannot have failed"):
        read_traffic_baseline(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_traffic_baseline(tmp_path / "none.json")


def test_a_place_that_takes_no_file_is_refused(tmp_path: Path) -> None:
    baseline = TrafficBaseline.of(BLOCKS, seconds=1, kind=KIND, provenance=PROVENANCE)
    with pytest.raises(UsageError, match="cannot be written"):
        write_traffic_baseline(baseline, tmp_path / "nowhere" / "baseline.json")
