"""What policies allow is judged as AWS judges it, and what cannot be judged is not allowed."""

from __future__ import annotations

import pytest

from seatrial.cloud.account import Answer
from seatrial.cloud.inspection.policies import parse
from seatrial.cloud.rights import permits

_READ = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::uploads/*"}
_ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_NO_LEDGERS = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::ledgers/*"}
_ON_MONDAYS = {"Bool": {"aws:Monday": "true"}}


@pytest.mark.parametrize(
    ("statements", "action", "thing", "allowed"),
    [
        pytest.param([_READ], "s3:GetObject", "uploads/a/b", True, id="allowed"),
        pytest.param([_READ], "S3:getobject", "uploads/a", True, id="the-case-of-actions-is-nothing"),
        pytest.param([_READ], "s3:GetObject", "Uploads/a", False, id="that-of-things-is-something"),
        pytest.param([_READ], "s3:PutObject", "uploads/a", False, id="another-action"),
        pytest.param([_READ], "s3:GetObject", "ledgers/a", False, id="another-thing"),
        pytest.param([], "s3:GetObject", "uploads/a", False, id="nothing-said"),
        pytest.param([_ANYTHING, _NO_LEDGERS], "s3:GetObject", "uploads/a", True, id="not-forbidden"),
        pytest.param([_ANYTHING, _NO_LEDGERS], "s3:GetObject", "ledgers/a", False, id="forbidden"),
        pytest.param([{**_READ, "Condition": _ON_MONDAYS}], "s3:GetObject", "uploads/a", False, id="perhaps-allowed"),
        pytest.param(
            [_ANYTHING, {**_NO_LEDGERS, "Condition": _ON_MONDAYS}],
            "s3:GetObject",
            "ledgers/a",
            False,
            id="perhaps-forbidden",
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "s3:GetObject", "any", False, id="all-but"
        ),
    ],
)
def test_policies_are_judged(statements: list[object], action: str, thing: str, *, allowed: bool) -> None:
    policy = parse("any", Answer({"Statement": statements}))
    assert permits([policy], action, f"arn:aws:s3:::{thing}") is allowed
