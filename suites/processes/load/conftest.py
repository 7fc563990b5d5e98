from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from seatrial.load import TrafficPlan

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class LocalShop:
    url: str

    def become(self, mode: str) -> None:
        httpx.put(f"{self.url}/{mode}", trust_env=False).raise_for_status()

    def plan(self, directory: Path, *, rate: float, in_flight: int = 500) -> TrafficPlan:
        return TrafficPlan(
            url=self.url,
            host="shop.example",
            paths=("/a", "/b"),
            rate=rate,
            file=directory / "requests.jsonl",
            in_flight=in_flight,
        )


@pytest.fixture
def shop() -> Iterator[LocalShop]:
    program = Path(__file__).with_name("shop.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield LocalShop(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        process.kill()
