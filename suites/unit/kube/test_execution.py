from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from seatrial.kube import Refused
from seatrial.kube.execution import exit_code

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Session:
    """What the websocket session says on its error channel."""

    said: Mapping[str, object]

    def read_channel(self, _: int) -> str:
        return yaml.safe_dump(dict(self.said))


def test_success_is_exit_code_0() -> None:
    assert exit_code(Session({"status": "Success"})) == 0


def test_a_failed_command_tells_itsexit_code() -> None:
    causes = [{"reason": "ExitCode", "message": "3"}]
    said = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
    assert exit_code(Session(said)) == 3


def test_a_command_that_could_not_be_started_is_noexit_code() -> None:
    said = {"status": "Failure", "reason": "InternalError", "code": 500, "message": "sh: not found", "details": {}}
    with pytest.raises(Refused, match="sh: not found"):
        exit_code(Session(said))
