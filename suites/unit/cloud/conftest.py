"""An emulated account for the tests that look into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seatrial.cloud.account import Account
from suites.unit.cloud.emulated import REGION, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCOUNT = Account(REGION)  # its clients are made once; moto meets what they ask as long as an account is emulated


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with emulated():
        yield _ACCOUNT
