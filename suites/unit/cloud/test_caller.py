"""What a pod was told by the cloud is an answer or a refusal; anything else says nothing about rights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from seatrial.cloud.account import Refused
from seatrial.cloud.caller import Caller
from seatrial.kube.execution import Completed
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.kube.pod import Pod

_ROLE = "arn:aws:iam::123456789012:role/gateway"


@dataclass
class Asked:
    """A pod that says what it was told to say, and keeps what it was asked."""

    says: list[Completed]
    name: str = "caller"
    commands: list[Sequence[str]] = field(default_factory=list)

    def execute(self, command: Sequence[str]) -> Completed:
        self.commands.append(command)
        return self.says.pop(0)


def _caller(*says: object) -> tuple[Caller, Asked]:
    pod = Asked([each if isinstance(each, Completed) else Completed(0, f"{json.dumps(each)}\n") for each in says])
    settings = {"AWS_ROLE_ARN": _ROLE, "GATEWAY_S3_BUCKET": "uploads"}
    return Caller(cast("Pod", pod), settings), pod


def test_a_file_is_kept_looked_at_and_removed() -> None:
    caller, pod = _caller({"answer": {}}, {"answer": {"ContentLength": 4}}, {"answer": {}})
    assert caller.keep_a_file() == 4
    assert [command[3:6] for command in pod.commands] == [
        (_ROLE, "s3", operation) for operation in ("put_object", "head_object", "delete_object")
    ]
    assert len({json.loads(command[6])["Key"] for command in pod.commands}) == 1


def test_a_refusal_names_what_was_refused() -> None:
    caller, _ = _caller({"refused": "s3:PutObject", "Code": "AccessDenied", "Message": "no"})
    with pytest.raises(Refused, match="s3:PutObject was refused: AccessDenied"):
        caller.keep_a_file()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"failed": "nobody listens"}, id="no-answer"),
        pytest.param(Completed(1, "Traceback"), id="broken"),
        pytest.param(Completed(0, ""), id="silent"),
    ],
)
def test_what_is_no_answer_is_inconclusive(said: object) -> None:
    caller, _ = _caller(said)
    with pytest.raises(Inconclusive):
        caller.ask("s3", "list_buckets")
