"""A real account is changed only by somebody who says so, and what it may cost."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.cloud.choice import RealAccount, choose
from seatrial.errors import UsageError

SAID: dict[str, Any] = {
    "cloud": "aws",
    "environment": "learner",
    "budget": 150.0,
    "state_bucket": "ours",
    "accepted": True,
}


def test_who_says_all_of_it_gets_the_account() -> None:
    assert choose(**SAID) == RealAccount("learner", 150.0, "ours")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"environment": None}, "Say which environment"),
        ({"budget": None}, "Say what it may cost"),
        ({"budget": 0.0}, "Say what it may cost"),
        ({"budget": float("nan")}, "Say what it may cost"),
        ({"budget": float("inf")}, "Say what it may cost"),
        ({"state_bucket": None}, "Say which S3 bucket"),
        ({"state_bucket": ""}, "Say which S3 bucket"),
        ({"accepted": False}, "costs money until it is taken down"),
    ],
    ids=str,
)
def test_who_leaves_something_out_is_asked_for_it(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        choose(**SAID | changed)


@pytest.mark.parametrize("cloud", [None, "emulated"])
def test_the_emulator_needs_nothing_said(cloud: str | None) -> None:
    assert choose(cloud, None, None, None, accepted=False) is None


@pytest.mark.parametrize("flag", ["environment", "budget", "state_bucket", "accepted"])
def test_what_is_about_an_account_is_refused_without_one(flag: str) -> None:
    nothing = {"cloud": None, "environment": None, "budget": None, "state_bucket": None, "accepted": False}
    with pytest.raises(UsageError, match="is about a real account: give --cloud aws too"):
        choose(**nothing | {flag: SAID[flag]})
