from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kubernetes import client

from seatrial.kube import Api
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class LocalApi:
    """The API server for tests, and a connection to it."""

    api: Api
    process: subprocess.Popen[str]

    def tell(self, **command: object) -> Mapping[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def put(self, name: str, **data: str) -> float:
        """Create or change an object; return when the news went out."""
        return self.tell(put=name, data=data)["at"]

    def wait_watched(self, watches: int = 1) -> None:
        eventually(
            lambda: self.tell(counts=True)["watches"],
            until=lambda seen: seen >= watches,
            within=timedelta(seconds=10),
            what="a watch is open",
        )


@pytest.fixture
def local() -> Iterator[LocalApi]:
    program = Path(__file__).with_name("api_server.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        settings = client.Configuration()
        settings.host = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        settings.retries = False
        api = Api(settings)
        yield LocalApi(api, process)
        api.close()
        process.kill()
